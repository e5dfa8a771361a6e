package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.boot.QuireVersion;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuireMainTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... args) {
        Console console = new Console(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Map.of(),
                false,
                false);
        return QuireMain.run(console, args);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void versionIsTheProjectsVersion() throws IOException {
        assertThat(run("--version")).isZero();
        assertThat(out()).isEqualTo("quire " + QuireVersion.VERSION + "\n");
        assertThat(Files.readString(Path.of("pom.xml")))
                .contains("<artifactId>quire</artifactId>\n  <version>" + QuireVersion.VERSION + "</version>");
    }

    /** The expected text is reviewed like code: a changed help is a changed interface. */
    @ParameterizedTest
    @CsvSource({
        "--help, help.txt",
        "serve --help, serve-help.txt",
        "bench throughput --help, bench-throughput-help.txt",
        "bench write-checkpoint --help, bench-write-checkpoint-help.txt"
    })
    void helpIsAsReviewed(String args, String expected) throws IOException {
        assertThat(run(args.split(" "))).isZero();
        try (InputStream golden = getClass().getResourceAsStream(expected)) {
            assertThat(out()).isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void everyServeFlagIsInTheHelp() {
        run("serve", "--help");
        for (ServeOption option : ServeOptions.all()) {
            String shown =
                    option.flag().kind() == Option.Kind.SWITCH ? "--[no-]" + option.name() : "--" + option.name() + " ";
            assertThat(out()).contains(shown);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "serve --max-num-seq 8 | quire serve: unknown option --max-num-seq (did you mean --max-num-seqs?); see quire serve --help",
                "serve --no-prefix-caching | quire serve: unknown option --no-prefix-caching (did you mean --enable-prefix-caching?); see quire serve --help",
                "serve --no-enable-prefix-cachin | quire serve: unknown option --no-enable-prefix-cachin (did you mean --no-enable-prefix-caching?); see quire serve --help",
                "serve --prot=80 | quire serve: unknown option --prot (did you mean --port?); see quire serve --help",
                "serve --max-num-seqs abc | quire serve: --max-num-seqs must be a whole number of at least 1, got \"abc\"",
                "serve --max-num-seqs 0 | quire serve: --max-num-seqs must be a whole number of at least 1, got 0",
                "serve --port 99999 | quire serve: --port must be a whole number from 0 to 65535, got 99999",
                "serve --max-model-len 32q | quire serve: --max-model-len must be a whole number such as 4096, 32k or 4GiB, got \"32q\"",
                "serve --dtype int3 | quire serve: --dtype must be one of auto, bfloat16, float16, float32, got \"int3\"",
                "serve --max-num-seqs | quire serve: --max-num-seqs needs a value; see quire serve --help",
                "serve a b | quire serve: unexpected argument b; see quire serve --help",
                "serve a --model b | quire serve: the model is given twice: a and --model b",
                "serve --enable-prefix-caching=maybe | quire serve: --enable-prefix-caching must be true or false, got \"maybe\"",
                "serve --config /no/such.yaml | quire serve: --config /no/such.yaml: cannot be read (/no/such.yaml)",
                "sreve | quire: unknown command sreve (did you mean serve?); see quire --help",
                "chat --url :: | quire chat: --url must be an address such as http://localhost:8000, got \"::\"",
                "complete --temperature 3 x --model y | quire complete: --temperature must be between 0.0 and 2.0, got 3",
            })
    void wrongUsageIsOneLineAndExitCode2(String args, String line) {
        assertThat(run(args.split(" "))).isEqualTo(2);
        assertThat(err()).isEqualTo(line + "\n");
        assertThat(out()).isEmpty();
    }

    @Test
    void noCommandPrintsTheHelp() {
        assertThat(run()).isEqualTo(2);
        assertThat(err()).startsWith("Usage: quire");
    }

    @Test
    void noServerIsOneLineAndExitCode1() {
        assertThat(run("complete", "--url", "http://localhost:1", "--model", "m", "hello"))
                .isEqualTo(1);
        assertThat(err()).isEqualTo("quire complete: no server at http://localhost:1; start one with: quire serve\n");
    }
}
