package dev.quire.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubSettingsTest {
    @TempDir
    Path cache;

    @Test
    void settingsComeFromTheEnvironment() throws IOException {
        Path home = Path.of("/home/u");
        HubSettings plain = HubSettings.fromEnvironment(Map.of(), home);
        assertThat(plain.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(plain.endpoint()).isEqualTo(URI.create("https://huggingface.co"));
        assertThat(plain.offline()).isFalse();
        assertThat(plain.stallTimeout()).isEqualTo(Duration.ofSeconds(30));
        Files.writeString(cache.resolve("token"), "from-file\n");
        HubSettings set = HubSettings.fromEnvironment(
                Map.of("HF_HOME", cache.toString(), "HF_ENDPOINT", "http://mirror:81/", "HF_HUB_OFFLINE", "True"),
                home);
        assertThat(set.cache()).isEqualTo(cache.resolve("hub"));
        assertThat(set.endpoint()).isEqualTo(URI.create("http://mirror:81"));
        assertThat(set.token()).contains("from-file");
        assertThat(set.offline()).isTrue();
        assertThat(HubSettings.fromEnvironment(
                                Map.of("HF_HOME", cache.toString(), "HF_TOKEN", " t ", "HF_HUB_CACHE", "/c"), home)
                        .token())
                .contains("t");
        assertThat(HubSettings.fromEnvironment(Map.of("HF_HUB_CACHE", "/c"), home)
                        .cache())
                .isEqualTo(Path.of("/c"));
        assertThatThrownBy(() -> HubSettings.fromEnvironment(Map.of("HF_ENDPOINT", "mirror"), home))
                .hasMessageContaining("HF_ENDPOINT");
    }
}
