package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The kernels' own tests, {@code src/test/cuda/*_test.cu}, on this processor: each compares a family with a reference in
 * double. Once with threads in order and copies as late as their waits allow, once in a random order.
 */
class EmulatedKernelsTest {
    private static final Path PROGRAMS = Path.of("target/emulated").toAbsolutePath();

    static Stream<String> families() throws IOException {
        try (Stream<Path> sources = Files.list(Path.of("src/test/cuda"))) {
            List<String> names = sources.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("_test.cu"))
                    .map(name -> name.substring(0, name.length() - "_test.cu".length()))
                    .sorted()
                    .toList();
            return names.stream();
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void agreesWithTheReference(String family) throws Exception {
        Path program = PROGRAMS.resolve(family + "_test");
        assumeTrue(Files.isExecutable(program), "needs " + program + ": g++ or CUDA's headers are missing");
        for (String schedule : List.of("0", "1")) {
            ProcessBuilder builder = new ProcessBuilder(program.toString(), "small").redirectErrorStream(true);
            builder.environment().put("QUIRE_EMULATED_SEED", schedule);
            Process process = builder.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue())
                    .as("%s in schedule %s: %s", family, schedule, output)
                    .isZero();
            assertThat(output).contains(" passed, 0 failed");
        }
    }
}
