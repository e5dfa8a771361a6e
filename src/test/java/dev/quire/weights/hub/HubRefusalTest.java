package dev.quire.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.weights.CheckpointException;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.ModelLocation;
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

/** Who may have what, and what is no answer to accept. */
@Timeout(60)
class HubRefusalTest {
    @TempDir
    Path cache;

    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub().withShardedModel();
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private HubDownload download(HubSettings settings) {
        return new HubDownload(settings, DownloadProgress.silent());
    }

    private Path fetch(HubSettings settings, String revision) {
        return download(settings).fetch(FakeHub.ID, revision);
    }

    private Path fetch() {
        return fetch(hub.settings(cache), "main");
    }

    private HubSettings with(String token) {
        HubSettings s = hub.settings(cache);
        return new HubSettings(s.endpoint(), cache, Optional.of(token), false, s.retryPause(), s.stallTimeout());
    }

    @Test
    void sendsTheTokenToTheHubOnly() throws IOException {
        hub.requiredToken = Optional.of("secret");
        assertThatThrownBy(this::fetch)
                .hasMessage("acme/tiny does not exist at " + hub.endpoint()
                        + ", or is private or gated: check the name, or set HF_TOKEN");
        assertThatThrownBy(() -> fetch(with("wrong"), "main")).hasMessageContaining("token in HF_TOKEN");
        fetch(with("secret"), "main");
        assertThat(hub.count("cdn")).isGreaterThan(0);
        assertThat(hub.log).doesNotContain("TOKEN LEAKED");
        assertThat(with("secret").toString()).doesNotContain("secret");
    }

    @Test
    void saysHowToReachAGatedModel() {
        hub.gated = true;
        assertThatThrownBy(this::fetch)
                .hasMessage(
                        "acme/tiny is gated: accept its terms at " + hub.endpoint() + "/acme/tiny and set HF_TOKEN");
        assertThatThrownBy(() -> fetch(with("t"), "main")).hasMessageEndingWith("with the account of your HF_TOKEN");
        assertThat(hub.log).hasSize(2);
    }

    @Test
    void unknownModelAndRevision() {
        assertThatThrownBy(() -> fetch(hub.settings(cache), "v9"))
                .hasMessage("revision 'v9' of acme/tiny does not exist at " + hub.endpoint());
        HubDownload download = download(with("t"));
        assertThatThrownBy(() -> download.fetch("acme/none", "main")).hasMessageContaining("HTTP 404");
        assertThat(cache.resolve("models--acme--tiny")).doesNotExist();
    }

    @Test
    void fileNamesCannotLeaveTheCache() throws IOException {
        for (String name : List.of("../evil.json", "/evil.json", "a/../evil.json", "..\\\\evil.json", "c:evil.json")) {
            hub.extraSibling = "{\"rfilename\":\"" + name + "\"},";
            try {
                fetch();
            } catch (HubException e) {
                assertThat(e).hasMessageContaining("refused file name");
            }
        }
        try (var all = Files.walk(cache.getParent())) {
            assertThat(all.filter(p -> p.getFileName().toString().contains("evil")))
                    .isEmpty();
        }
        hub.extraSibling = "";
        for (String name : List.of("../evil.safetensors", "/etc/passwd", "nothing.safetensors")) {
            hub.text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"" + name + "\"}}");
            hub.revisions.put("main", "b".repeat(39) + name.charAt(0) % 10);
            assertThatThrownBy(this::fetch).isInstanceOf(HubException.class).hasMessageContaining(name);
        }
    }

    @Test
    void modelNamesAndRevisionsAreChecked() {
        for (String id : List.of("a/b/c", "../x", "a/..", "a b", "a/b?x", "-a/b", "a/b.git", "a--b", "", "a/", "/a")) {
            assertThatThrownBy(() -> download(hub.settings(cache)).fetch(id, "main"))
                    .as(id)
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("is not a model name");
        }
        for (String revision : List.of("../x", "a/../b", "", "/main", "a b", "x\ny", ".hidden")) {
            assertThatThrownBy(() -> fetch(hub.settings(cache), revision))
                    .as(revision)
                    .hasMessageContaining("is not a revision");
        }
        assertThat(hub.log).isEmpty();
    }

    @Test
    void aModelInAnotherFormatIsRefused() {
        hub.files.keySet().removeIf(name -> name.contains("safetensors"));
        assertThatThrownBy(this::fetch).hasMessageContaining("no *.safetensors file");
        hub.files.remove("config.json");
        assertThatThrownBy(this::fetch).hasMessageContaining("no config.json");
    }

    @Test
    void anUnwritableCacheIsNamed() throws IOException {
        Path file = Files.writeString(cache.resolve("file"), "x");
        assertThatThrownBy(() -> fetch(hub.settings(file), "main"))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("cannot write to " + file);
    }

    @Test
    void locationsAreDirectoriesOrModelNames() throws IOException {
        ModelLocation location = new ModelLocation(hub.settings(cache), DownloadProgress.silent());
        ModelFiles fetched = location.resolve(FakeHub.ID, "main");
        assertThat(fetched.has("s-1.safetensors")).isTrue();
        hub.log.clear();
        Path local = Files.createDirectories(cache.resolve("local"));
        assertThatThrownBy(() -> location.resolve(local.toString(), "main"))
                .hasMessage(local + "/config.json: file not found");
        Files.writeString(local.resolve("config.json"), "{}");
        assertThat(location.resolve(local.toString(), "main").directory()).isEqualTo(local);
        assertThatThrownBy(() -> location.resolve(local + "/config.json", "main"))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is a file");
        assertThatThrownBy(() -> location.resolve("/no/such/place", "main")).hasMessageContaining("no such directory");
        assertThat(hub.log).isEmpty();
    }

    @Test
    void weightsThatCannotFitAreNotBegun() {
        hub.listedSizes.put("s-2.safetensors", 1_000_000_000_000_000_000L);
        assertThatThrownBy(this::fetch)
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith("disk full: acme/tiny needs 1,000,000,000,003 MB, " + cache)
                .hasMessageContaining("MB free");
        assertThat(hub.count("cdn")).isZero();
    }
}
