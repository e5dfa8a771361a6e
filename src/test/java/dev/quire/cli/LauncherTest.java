package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The shell script {@code quire} in a project of its own, with a JDK and a Maven that only say how they were called. */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
    private static final String SAY_HOW = "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done\n";

    @TempDir
    Path dir;

    private Path project;

    private record Outcome(int code, List<String> out, String err) {}

    @BeforeEach
    void makeProject() throws IOException {
        project = Files.createDirectories(dir.resolve("a project"));
        Files.copy(Path.of("quire"), project.resolve("quire"));
        executable(project.resolve("quire"), Files.readString(Path.of("quire")));
        Files.createDirectories(project.resolve("src/main/java"));
        Files.writeString(project.resolve("pom.xml"), "<project/>");
        // The tools that the script needs, and no Java and no Maven of the machine.
        Files.createDirectories(dir.resolve("bin"));
    }

    private static Path executable(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Path jdk(int major) throws IOException {
        Path home = dir.resolve("jdk-" + major);
        executable(home.resolve("bin/java"), SAY_HOW);
        executable(home.resolve("bin/javac"), SAY_HOW);
        Files.writeString(
                home.resolve("release"),
                "JAVA_RUNTIME_VERSION=\"" + major + ".0.1+9\"\nJAVA_VERSION=\"" + major + ".0.1\"\n");
        return home;
    }

    private Path built() throws IOException {
        Path jar = project.resolve("target/quarkus-app/quarkus-run.jar");
        Files.createDirectories(jar.getParent());
        Files.writeString(jar, "jar");
        return Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(60)));
    }

    private void maven(String script) throws IOException {
        executable(dir.resolve("bin/mvn"), "#!/bin/sh\n" + script);
    }

    private Outcome run(Path script, Map<String, String> environment, String... args)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("sh", script.toString()));
        command.addAll(List.of(args));
        Path out = dir.resolve("out");
        Path err = dir.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("QUIRE_"));
        builder.environment().put("PATH", dir.resolve("bin") + ":/usr/bin:/bin");
        builder.environment().put("QUIRE_NO_TRAINING", "1");
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Outcome(process.exitValue(), Files.readAllLines(out), Files.readString(err, StandardCharsets.UTF_8));
    }

    private Outcome run(int major, String... args) throws IOException, InterruptedException {
        return run(
                project.resolve("quire"), Map.of("QUIRE_JAVA_HOME", jdk(major).toString()), args);
    }

    @Test
    void isPosixShell() throws IOException, InterruptedException {
        Process check = new ProcessBuilder("sh", "-n", "quire").inheritIO().start();
        assertThat(check.waitFor()).isZero();
    }

    @Test
    void startsTheBuiltServerWithItsFlags() throws IOException, InterruptedException {
        Path jar = built();
        Outcome outcome = run(17, "serve", "a model", "--port", "1");
        assertThat(outcome.err).isEmpty();
        assertThat(outcome.out)
                .containsSubsequence(
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-jar",
                        jar.toRealPath().toString())
                .endsWith("serve", "a model", "--port", "1")
                .contains("-Djava.util.logging.manager=org.jboss.logmanager.LogManager")
                .doesNotContain("--enable-native-access=ALL-UNNAMED");
    }

    @Test
    void newerJavaGetsItsOwnFlags() throws IOException, InterruptedException {
        built();
        assertThat(run(25, "serve").out)
                .contains("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");
    }

    @Test
    void commandsThatComputeNothingGoWithoutTheVectorModule() throws IOException, InterruptedException {
        built();
        assertThat(run(17, "chat").out).doesNotContain("jdk.incubator.vector");
        assertThat(run(17, "bench", "serve").out).doesNotContain("jdk.incubator.vector");
        assertThat(run(17, "bench", "throughput").out).contains("jdk.incubator.vector");
    }

    @Test
    void extraOptionsComeLastAmongTheJvms() throws IOException, InterruptedException {
        built();
        Map<String, String> environment =
                Map.of("QUIRE_JAVA_HOME", jdk(17).toString(), "QUIRE_JAVA_OPTS", "-Xmx1g -Dx=y");
        assertThat(run(project.resolve("quire"), environment, "chat").out)
                .containsSubsequence("-XX:MaxRAMPercentage=75", "-Xmx1g", "-Dx=y", "-jar");
    }

    @Test
    void worksThroughASymbolicLink() throws IOException, InterruptedException {
        Path jar = built();
        Path link = Files.createSymbolicLink(dir.resolve("link"), Path.of("a project/quire"));
        Outcome outcome = run(link, Map.of("QUIRE_JAVA_HOME", jdk(17).toString()), "chat");
        assertThat(outcome.out).contains(jar.toRealPath().toString());
    }

    @Test
    void buildsWhatIsMissingAndSaysSo() throws IOException, InterruptedException {
        maven("mkdir -p '" + project + "/target/quarkus-app'; echo jar >'" + project
                + "/target/quarkus-app/quarkus-run.jar'; echo noise\n");
        Outcome outcome = run(17, "chat");
        assertThat(outcome.err)
                .isEqualTo("quire: not built yet: building without tests (a minute; mvn verify runs them)\n");
        assertThat(outcome.out).contains("-jar").doesNotContain("noise");
    }

    @Test
    void buildsAgainWhenASourceIsNewer() throws IOException, InterruptedException {
        Path jar = built();
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().minusSeconds(600)));
        maven("exit 0\n");
        assertThat(run(17, "chat").err).startsWith("quire: sources are newer than the build: building");
    }

    @Test
    void aFailedBuildShowsItsErrorsAndEnds() throws IOException, InterruptedException {
        maven("echo '[INFO] noise'; echo '[ERROR] no such symbol'; exit 1\n");
        Outcome outcome = run(17, "chat");
        assertThat(outcome.code).isEqualTo(1);
        assertThat(outcome.err)
                .contains("[ERROR] no such symbol", "quire: the build failed")
                .doesNotContain("noise");
    }

    @Test
    void aBuildThatDiesWithoutAWordShowsItsEnd() throws IOException, InterruptedException {
        maven("echo 'last words'; exit 137\n");
        assertThat(run(17, "chat").err).contains("last words", "quire: the build failed");
    }

    @Test
    void anOldJdkIsRefusedInOneLine() throws IOException, InterruptedException {
        built();
        Outcome outcome = run(11, "chat");
        assertThat(outcome.code).isEqualTo(1);
        assertThat(outcome.err)
                .startsWith("quire: found no JDK 17 or newer; install one")
                .hasLineCount(1);
    }
}
