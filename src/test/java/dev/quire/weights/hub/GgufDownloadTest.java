package dev.quire.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One GGUF file of a repository that has many. */
@Timeout(60)
class GgufDownloadTest {
    @TempDir
    Path cache;

    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub();
        hub.text("README.md", "read me");
        for (String name : List.of(
                "tiny-Q4_K_M.gguf",
                "tiny-Q4_K_S.gguf",
                "tiny-q8_0.gguf",
                "BF16/tiny-BF16-00001-of-00002.gguf",
                "BF16/tiny-BF16-00002-of-00002.gguf")) {
            hub.files.put(name, FakeHub.bytes(1000, name.hashCode()));
        }
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private Path fetch(String which) {
        return fetch(hub.settings(cache), which);
    }

    private static Path fetch(HubSettings settings, String which) {
        return new HubDownload(settings, DownloadProgress.silent()).fetchGguf(FakeHub.ID, "main", which);
    }

    @Test
    void fetchesTheOneThatIsNamed() throws IOException {
        Path file = fetch("tiny-Q4_K_S.gguf");
        assertThat(file.getFileName()).hasToString("tiny-Q4_K_S.gguf");
        assertThat(Files.readAllBytes(file)).isEqualTo(hub.files.get("tiny-Q4_K_S.gguf"));
        try (var files = Files.list(file.getParent())) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void fetchesTheOneOfAType() {
        assertThat(fetch("Q4_K_M").getFileName()).hasToString("tiny-Q4_K_M.gguf");
        assertThat(fetch("Q8_0").getFileName()).hasToString("tiny-q8_0.gguf");
        Path parts = fetch("BF16");
        assertThat(parts).endsWithRaw(Path.of("BF16", "tiny-BF16-00001-of-00002.gguf"));
        assertThat(parts.resolveSibling("tiny-BF16-00002-of-00002.gguf")).exists();
    }

    @Test
    void whatIsThereNeedsNoNetwork() {
        Path file = fetch("Q4_K_M");
        HubSettings s = hub.settings(cache);
        HubSettings offline =
                new HubSettings(s.endpoint(), cache, Optional.empty(), true, s.retryPause(), s.stallTimeout());
        hub.log.clear();
        assertThat(fetch(offline, "Q4_K_M")).isEqualTo(file);
        assertThat(hub.log).isEmpty();
        assertThatThrownBy(() -> fetch(offline, "Q8_0")).isInstanceOf(HubException.class);
    }

    @Test
    void saysWhichThereAre() {
        assertThatThrownBy(() -> fetch("Q2_K"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("has no GGUF file 'Q2_K'")
                .hasMessageContaining("tiny-Q4_K_M.gguf");
        assertThatThrownBy(
                        () -> new HubDownload(hub.settings(cache), DownloadProgress.silent()).fetch(FakeHub.ID, "main"))
                .hasMessageContaining("acme/tiny:TYPE");
        hub.files.put("other-Q4_K_M.gguf", FakeHub.bytes(10, 1));
        assertThatThrownBy(() -> fetch("Q4_K_M")).hasMessageContaining("has several 'Q4_K_M'");
    }
}
