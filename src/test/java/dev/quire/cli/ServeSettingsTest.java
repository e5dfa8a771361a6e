package dev.quire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.boot.EngineOptions;
import dev.quire.server.config.QuireConfig;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServeSettingsTest {
    @TempDir
    Path dir;

    private static Map<String, String> settings(Map<String, String> environment, String... args) {
        Console console =
                new Console(new ByteArrayInputStream(new byte[0]), System.out, System.err, environment, false, false);
        String[] typed = new String[args.length + 1];
        typed[0] = "serve";
        System.arraycopy(args, 0, typed, 1, args.length);
        return new ServeCommand(CommandLineParser.parse(Commands.quire(), typed), console).settings();
    }

    private String file(String yaml) throws IOException {
        return Files.writeString(dir.resolve("quire.yaml"), yaml).toString();
    }

    @Test
    void flagsAreExactlyTheConfigurationKeys() {
        TreeSet<String> keys = new TreeSet<>();
        for (Method method : QuireConfig.class.getDeclaredMethods()) {
            keys.add("quire." + method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT));
        }
        keys.addAll(List.of("quarkus.http.host", "quarkus.http.port"));
        TreeSet<String> flags = new TreeSet<>();
        ServeOptions.all().forEach(option -> flags.add(option.key()));
        assertThat(flags).isEqualTo(keys);
        assertThat(ServeOptions.all()).hasSameSizeAs(flags);
    }

    @Test
    void bothSpellingsOfAValueMeanTheSame() {
        assertThat(settings(Map.of(), "--max-num-seqs", "8", "--port=9000"))
                .containsEntry("quire.max-num-seqs", "8")
                .containsEntry("quarkus.http.port", "9000")
                .hasSize(2);
    }

    @Test
    void theLastOfSeveralValuesCounts() {
        assertThat(settings(Map.of(), "--seed", "1", "--port", "5", "--seed", "2"))
                .containsEntry("quire.seed", "2");
    }

    @Test
    void theModelIsTheBareArgument() {
        assertThat(settings(Map.of(), "--port", "1", "org/model")).containsEntry("quire.model", "org/model");
        assertThat(settings(Map.of())).isEmpty();
    }

    @Test
    void underscoresAndNegativeNumbersAreUnderstood() {
        assertThat(settings(Map.of(), "--max_num_seqs", "8", "--seed", "-5", "--max-logprobs=-1"))
                .isEqualTo(Map.of("quire.max-num-seqs", "8", "quire.seed", "-5", "quire.max-logprobs", "-1"));
    }

    @Test
    void afterTwoDashesEverythingIsBare() {
        assertThat(settings(Map.of(), "--seed", "1", "--", "--strange-directory"))
                .containsEntry("quire.model", "--strange-directory");
    }

    @Test
    void unitsBecomePlainNumbers() {
        assertThat(settings(Map.of(), "--max-model-len", "32k", "--kv-cache-memory-bytes", "4GiB"))
                .containsEntry("quire.max-model-len", "32000")
                .containsEntry("quire.kv-cache-memory-bytes", "4294967296");
        assertThat(settings(Map.of(), "--max-model-len", "auto")).containsEntry("quire.max-model-len", "-1");
    }

    @Test
    void switchesHaveTwoFormsAndAnExplicitOne() {
        assertThat(settings(Map.of(), "--enable-prefix-caching")).containsValue("true");
        assertThat(settings(Map.of(), "--no-enable-prefix-caching"))
                .isEqualTo(Map.of("quire.enable-prefix-caching", "false"));
        assertThat(settings(Map.of(), "--enable-prefix-caching=false")).containsValue("false");
        // A switch never swallows the model behind it.
        assertThat(settings(Map.of(), "--enable-prefix-caching", "DIR")).containsEntry("quire.model", "DIR");
    }

    @Test
    void listsTakeSeveralWordsAndKeepCommas() {
        assertThat(settings(Map.of(), "DIR", "--served-model-name", "a", "b,c", "--port", "1"))
                .containsEntry("quire.served-model-name", "a,b\\,c")
                .containsEntry("quire.model", "DIR");
    }

    @Test
    void flagBeatsEnvironmentBeatsFile() throws IOException {
        String yaml = file("max-num-seqs: 1\nblock_size: 2\nseed: 3\n");
        Map<String, String> environment = Map.of("QUIRE_MAX_NUM_SEQS", "10", "QUIRE_BLOCK_SIZE", "20");
        assertThat(settings(environment, "--config", yaml, "--max-num-seqs", "100"))
                .isEqualTo(Map.of("quire.max-num-seqs", "100", "quire.block-size", "20", "quire.seed", "3"));
    }

    @Test
    void ourKeyVariableBeatsVllms() {
        assertThat(settings(Map.of("VLLM_API_KEY", "v"))).containsEntry("quire.api-key", "v");
        assertThat(settings(Map.of("VLLM_API_KEY", "v", "QUIRE_API_KEY", "q"))).containsEntry("quire.api-key", "q");
    }

    @Test
    void aKubernetesServiceVariableIsNoPort() {
        assertThat(settings(Map.of("QUIRE_PORT", "tcp://10.0.0.1:8000"))).isEmpty();
        assertThat(settings(Map.of("QUIRE_PORT", "8080"))).containsEntry("quarkus.http.port", "8080");
    }

    @Test
    void theFileTakesListsSectionsAndFullKeys() throws IOException {
        String yaml = file(
                "served-model-name: [a, b]\nenable-prefix-caching: false\nquarkus:\n  http:\n    port: 1234\n    idle-timeout: 5M\n");
        assertThat(settings(Map.of(), "--config", yaml))
                .isEqualTo(Map.of(
                        "quire.served-model-name", "a,b",
                        "quire.enable-prefix-caching", "false",
                        "quarkus.http.port", "1234",
                        "quarkus.http.idle-timeout", "5M"));
    }

    @Test
    void mistakesNameTheirSource() throws IOException {
        String yaml = file("max-num-seq: 1\n");
        assertThatThrownBy(() -> settings(Map.of(), "--config", yaml))
                .isInstanceOf(UsageException.class)
                .hasMessage("--config " + yaml + ": unknown option max-num-seq; did you mean max-num-seqs?");
        String bad = file("max-num-seqs: many\n");
        assertThatThrownBy(() -> settings(Map.of(), "--config", bad))
                .hasMessage(bad + ": max-num-seqs must be a whole number of at least 1, got \"many\"");
        assertThatThrownBy(() -> settings(Map.of("QUIRE_SEED", "x")))
                .hasMessage("QUIRE_SEED must be a whole number, got \"x\"");
        String list = file("- a\n");
        assertThatThrownBy(() -> settings(Map.of(), "--config", list)).hasMessageContaining("option: value");
        String broken = file("a: [\n");
        assertThatThrownBy(() -> settings(Map.of(), "--config", broken)).hasMessageContaining("not YAML");
    }

    @Test
    void typesOfTheKvCacheAreCheckedByName() {
        assertThat(settings(Map.of(), "--kv-cache-dtype", "fp8")).containsEntry("quire.kv-cache-dtype", "fp8");
        assertThatThrownBy(() -> settings(Map.of(), "--kv-cache-dtype", "fp8_e5m2"))
                .hasMessage("--kv-cache-dtype must be one of auto, bfloat16, bf16, float32, f32, fp8, fp8_e4m3,"
                        + " got \"fp8_e5m2\"");
    }

    @Test
    void settingsBecomeEngineOptions() {
        EngineOptions options = EngineOptions.ofKeys(settings(
                Map.of(), "DIR", "--max-model-len", "32k", "--no-enable-prefix-caching", "--max-num-seqs", "3"));
        assertThat(options.model()).contains("DIR");
        assertThat(options.maxModelLen()).hasValue(32000);
        assertThat(options.maxNumSeqs()).hasValue(3);
        assertThat(options.enablePrefixCaching()).isFalse();
        assertThat(options.blockSize()).isEqualTo(16);
        assertThat(options.kvCacheMemoryBytes()).isEmpty();
    }

    @Test
    void nearestNameNeedsSomeLikeness() {
        List<String> names = Arrays.asList("--port", "--host", "--seed");
        assertThat(NearestName.of("--prot", names)).contains("--port");
        assertThat(NearestName.of("--sed", names)).contains("--seed");
        assertThat(NearestName.of("--temperature", names)).isEmpty();
    }
}
