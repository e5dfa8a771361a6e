package dev.quire;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The plan of the house: which rooms there are, and what each may use. A new room is entered here first. */
class ArchitectureTest {
    private static final String ROOT = "dev.quire.";
    private static final Set<String> EVERYTHING = Set.of("*");

    /** Room → rooms it may use. {@code kernel.cpu} and {@code kernel.cuda} are rooms of their own. */
    private static final Map<String, Set<String>> PLAN = Map.ofEntries(
            Map.entry("request", Set.of()),
            Map.entry("queue", Set.of("request")),
            Map.entry("kvcache", Set.of("request")),
            Map.entry("batch", Set.of("request")),
            Map.entry("scheduler", Set.of("request", "kvcache", "batch")),
            Map.entry("tensor", Set.of()),
            Map.entry("kernel", Set.of("tensor")),
            Map.entry("kernel.cpu", Set.of("kernel", "tensor")),
            Map.entry("kernel.cuda", Set.of("kernel", "tensor")),
            Map.entry("weights", Set.of("tensor")),
            Map.entry("model", Set.of("tensor", "kernel", "weights")),
            Map.entry("sampling", Set.of("request", "tensor", "kernel", "grammar")),
            Map.entry("grammar", Set.of("request")),
            Map.entry("runner", Set.of("request", "batch", "tensor", "kernel", "model", "sampling")),
            // The engine hands the scheduler a KV cache that it builds from the configuration.
            Map.entry("engine", Set.of("request", "queue", "scheduler", "kvcache", "batch", "runner")),
            Map.entry("tokenizer", Set.of()),
            Map.entry("chat", Set.of("tokenizer", "grammar")),
            Map.entry("frontend", Set.of("request", "tokenizer", "chat", "grammar", "engine")),
            Map.entry("server", Set.of("request", "frontend", "engine", "tokenizer", "chat")),
            Map.entry("client", Set.of()),
            Map.entry("bench", Set.of("request", "engine", "client")),
            Map.entry("cli", Set.of("boot", "bench", "client", "server.config", "frontend")),
            Map.entry("boot", EVERYTHING));

    private static final Set<String> FRAMEWORK_ROOMS = Set.of("server", "cli", "boot");

    private static JavaClasses house;

    @BeforeAll
    static void read() {
        house = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.quire");
    }

    @Test
    void everyPackageIsARoomOfThePlan() {
        Set<String> strangers = new TreeSet<>();
        for (JavaClass type : house) {
            if (!PLAN.containsKey(room(type))) {
                strangers.add(type.getPackageName());
            }
        }
        assertThat(strangers).as("packages outside the plan").isEmpty();
    }

    @Test
    void roomsUseOnlyWhatThePlanAllows() {
        Set<String> breaches = new TreeSet<>();
        for (JavaClass type : house) {
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                JavaClass target = dependency.getTargetClass();
                if (target.getPackageName().startsWith(ROOT) && !mayUse(room(type), target)) {
                    breaches.add(room(type) + " uses " + room(target) + ": " + dependency.getDescription());
                }
            }
        }
        assertThat(breaches).isEmpty();
    }

    @Test
    void roomsAreFreeOfCycles() {
        slices().assignedFrom(new SliceAssignment() {
                    @Override
                    public SliceIdentifier getIdentifierOf(JavaClass type) {
                        return type.getPackageName().startsWith(ROOT)
                                ? SliceIdentifier.of(room(type))
                                : SliceIdentifier.ignore();
                    }

                    @Override
                    public String getDescription() {
                        return "rooms";
                    }
                })
                .should()
                .beFreeOfCycles()
                .check(house);
    }

    /** The plan itself must be a direction, or the test above could not help. */
    @Test
    void thePlanHasNoCycles() {
        for (String room : PLAN.keySet()) {
            assertThat(reachable(room, new TreeSet<>()))
                    .as("rooms behind " + room)
                    .doesNotContain(room);
        }
    }

    @Test
    void nativeCodeIsBehindTheKernels() {
        only("dev.quire.kernel..", "org.bytedeco..");
    }

    @Test
    void vectorInstructionsAreInTheCpuKernels() {
        only("dev.quire.kernel.cpu..", "jdk.incubator.vector..");
    }

    @Test
    void frameworksStayAtTheEdge() {
        ArchRule rule = noClasses()
                .that(new DescribedPredicate<JavaClass>("live in other rooms than " + FRAMEWORK_ROOMS) {
                    @Override
                    public boolean test(JavaClass type) {
                        return !FRAMEWORK_ROOMS.contains(room(type));
                    }
                })
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.quarkus..",
                        "io.vertx..",
                        "io.smallrye..",
                        "jakarta..",
                        "picocli..",
                        "io.micrometer..",
                        "io.grpc..",
                        "org.eclipse.microprofile..",
                        "org.jboss..");
        rule.check(house);
    }

    @Test
    void noThreadLocalsAnywhere() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .areAssignableTo(ThreadLocal.class)
                .check(house);
    }

    @Test
    void staticFieldsAreFinal() {
        Set<String> mutable = new TreeSet<>();
        for (JavaClass type : house) {
            for (JavaField field : type.getFields()) {
                boolean isStatic = field.getModifiers().contains(JavaModifier.STATIC);
                boolean made = field.getModifiers().contains(JavaModifier.SYNTHETIC);
                if (isStatic && !made && !field.getModifiers().contains(JavaModifier.FINAL)) {
                    mutable.add(field.getFullName());
                }
            }
        }
        assertThat(mutable).isEmpty();
    }

    @Test
    void everyRoomHasItsSign() {
        Path sources = Path.of("src/main/java/dev/quire");
        for (String room : PLAN.keySet()) {
            Path folder = sources.resolve(room.replace('.', '/'));
            if (Files.isDirectory(folder)) {
                assertThat(folder.resolve("package-info.java")).content().contains("May use:", "Thread:");
            }
        }
    }

    @Test
    void noRoomIsCalledAfterNothing() {
        classes()
                .should()
                .resideOutsideOfPackages("..utils..", "..util..", "..common..", "..internal..", "..impl..")
                .check(house);
    }

    private static void only(String room, String library) {
        noClasses()
                .that()
                .resideOutsideOfPackage(room)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .check(house);
    }

    private static boolean mayUse(String room, JavaClass target) {
        Set<String> allowed = PLAN.getOrDefault(room, Set.of());
        return allowed == EVERYTHING
                || room.equals(room(target))
                || allowed.contains(room(target))
                || allowed.contains(target.getPackageName().substring(ROOT.length()));
    }

    /** Sub-packages belong to their room; only the kernels' backends are rooms themselves. */
    private static String room(JavaClass type) {
        String name = type.getPackageName();
        if (!name.startsWith(ROOT)) {
            return name;
        }
        String[] parts = name.substring(ROOT.length()).split("\\.");
        return parts[0].equals("kernel") && parts.length > 1 ? "kernel." + parts[1] : parts[0];
    }

    private static Set<String> reachable(String room, Set<String> seen) {
        Set<String> allowed = PLAN.getOrDefault(room, Set.of());
        Stream<String> next = allowed == EVERYTHING
                ? PLAN.keySet().stream().filter(other -> !other.equals(room) && !other.equals("cli"))
                : allowed.stream().map(name -> name.startsWith("server.") ? "server" : name);
        next.forEach(other -> {
            if (seen.add(other)) {
                reachable(other, seen);
            }
        });
        return seen;
    }
}
