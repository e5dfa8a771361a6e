package dev.quire.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HubDownloadTest {
    private static final String FOLDER = "models--acme--tiny";

    @TempDir
    Path cache;

    private FakeHub hub;
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());
    private final List<String> updates = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub().withShardedModel();
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private final DownloadProgress progress = new DownloadProgress() {
        @Override
        public void started(String model, int numFiles, long totalBytes) {
            updates.add("started " + model + " " + numFiles + " " + totalBytes);
        }

        @Override
        public void update(String file, long bytes, long totalBytes) {
            updates.add(file + " " + bytes + "/" + totalBytes);
        }

        @Override
        public void note(String line) {
            notes.add(line);
        }

        @Override
        public void finished() {
            updates.add("finished");
        }
    };

    private Path fetch(HubSettings settings, String revision) {
        return new HubDownload(settings, progress).fetch(FakeHub.ID, revision);
    }

    private Path fetch() {
        return fetch(hub.settings(cache), "main");
    }

    private HubSettings with(String token, boolean offline) {
        HubSettings s = hub.settings(cache);
        return new HubSettings(
                s.endpoint(), cache, Optional.ofNullable(token), offline, s.retryPause(), s.stallTimeout());
    }

    /** First bytes of the transfers of a large file, in order. */
    private List<Integer> startsOf(String name) {
        return hub.log.stream()
                .filter(line -> line.startsWith("GET cdn /signed/" + name))
                .map(line -> line.contains("bytes=") ? Integer.parseInt(line.replaceAll(".*bytes=(\\d+)-", "$1")) : 0)
                .collect(Collectors.toList());
    }

    private void assertComplete(Path model) throws IOException {
        for (String name : List.of(
                "config.json",
                "tokenizer.json",
                "chat_template.jinja",
                "model.safetensors.index.json",
                "s-1.safetensors",
                "s-2.safetensors")) {
            assertThat(Files.readAllBytes(model.resolve(name))).as(name).isEqualTo(hub.files.get(name));
        }
    }

    @Test
    void laysTheCacheOutAsHuggingFaceDoes() throws IOException {
        Path model = fetch();
        assertComplete(model);
        Path folder = cache.resolve(FOLDER);
        assertThat(model).isEqualTo(folder.resolve("snapshots").resolve(FakeHub.COMMIT));
        assertThat(folder.resolve("refs/main")).hasContent(FakeHub.COMMIT);
        assertThat(Files.readSymbolicLink(model.resolve("s-1.safetensors")))
                .isEqualTo(Path.of("../../blobs", hub.etag("s-1.safetensors")));
        assertThat(folder.resolve("blobs").resolve(hub.etag("config.json"))).isRegularFile();
        try (var files = Files.list(model)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "config.json",
                            "tokenizer.json",
                            "chat_template.jinja",
                            "model.safetensors.index.json",
                            "s-1.safetensors",
                            "s-2.safetensors");
        }
        try (var blobs = Files.list(folder.resolve("blobs"))) {
            assertThat(blobs.map(Path::toString)).hasSize(6).noneMatch(name -> name.endsWith(".incomplete"));
        }
        assertThat(updates)
                .contains("started acme/tiny 2 5000004", "s-1.safetensors 3000001/3000001", "finished")
                .contains("s-2.safetensors 2000003/2000003");
    }

    @Test
    void aSecondStartMakesOneSmallRequest() throws IOException {
        fetch();
        hub.log.clear();
        assertComplete(fetch());
        assertThat(hub.log).containsExactly("GET hub /api/models/acme/tiny/revision/main");
        hub.log.clear();
        assertComplete(fetch(hub.settings(cache), FakeHub.COMMIT));
        assertComplete(fetch(with(null, true), "main"));
        assertThat(hub.log).isEmpty();
    }

    @Test
    void resumesWithinACall() throws IOException {
        hub.cuts.put("s-1.safetensors", List.of(1_000_000, 500_000, 7, 1));
        assertComplete(fetch());
        List<Integer> starts = startsOf("s-1.safetensors");
        assertThat(starts).hasSize(5).isSorted();
        // Of the last bytes before a cut some may not arrive.
        assertThat(starts.get(1)).isBetween(500_000, 1_000_000);
        assertThat(starts.get(2)).isBetween(starts.get(1) + 200_000, 1_500_000);
        assertThat(notes).anyMatch(note -> note.contains("s-1.safetensors"));
    }

    @Test
    void resumesAfterAnEarlierProcess() throws IOException {
        Path blobs = Files.createDirectories(cache.resolve(FOLDER).resolve("blobs"));
        byte[] begun = java.util.Arrays.copyOf(hub.files.get("s-2.safetensors"), 1_234_567);
        Files.write(blobs.resolve(hub.etag("s-2.safetensors") + ".incomplete"), begun);
        assertComplete(fetch());
        assertThat(hub.count("cdn /signed/s-2.safetensors bytes=1234567-")).isEqualTo(1);
        assertThat(hub.count("cdn /signed/s-2.safetensors")).isEqualTo(1);
        assertThat(updates).contains("s-2.safetensors 1234567/2000003");
    }

    @Test
    void startsAgainWhereTheServerCannotResume() throws IOException {
        hub.ignoresRange = true;
        hub.cuts.put("s-1.safetensors", List.of(1_000_000));
        assertComplete(fetch());
        assertThat(hub.count("cdn /signed/s-1.safetensors")).isEqualTo(2);
    }

    @Test
    void aBadBeginningIsFoundByTheChecksum() throws IOException {
        Path blobs = Files.createDirectories(cache.resolve(FOLDER).resolve("blobs"));
        Files.write(blobs.resolve(hub.etag("s-2.safetensors") + ".incomplete"), new byte[1000]);
        Files.write(blobs.resolve(hub.etag("s-1.safetensors") + ".incomplete"), new byte[4_000_000]);
        assertComplete(fetch());
        assertThat(notes).anyMatch(note -> note.equals("checksum of s-2.safetensors does not match"));
    }

    @Test
    void aWrongChecksumIsTriedOnceMore() throws IOException {
        hub.corruptions.put("s-1.safetensors", 1);
        hub.corruptions.put("config.json", 1);
        assertComplete(fetch());
        assertThat(notes).contains("checksum of s-1.safetensors does not match");
        assertThat(notes).contains("checksum of config.json does not match");
    }

    @Test
    void aLastingWrongChecksumFailsAndLeavesNoBlob() {
        hub.corruptions.put("s-1.safetensors", 99);
        assertThatThrownBy(this::fetch)
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith("checksum of s-1.safetensors of acme/tiny does not match after 2 downloads");
        Path blob = cache.resolve(FOLDER).resolve("blobs").resolve(hub.etag("s-1.safetensors"));
        assertThat(blob).doesNotExist();
        assertThat(cache.resolve(FOLDER).resolve("refs/main")).doesNotExist();
        assertThat(updates).contains("finished");
    }

    @Test
    void aSilentConnectionIsCutAndResumed() throws IOException {
        hub.stalls.put("s-1.safetensors", 1);
        HubSettings s = hub.settings(cache);
        assertComplete(fetch(
                new HubSettings(s.endpoint(), cache, s.token(), false, s.retryPause(), Duration.ofMillis(400)),
                "main"));
        assertThat(notes).anyMatch(note -> note.contains("no byte came for 400 ms"));
        assertThat(startsOf("s-1.safetensors")).hasSizeGreaterThan(1).last().isNotEqualTo(0);
    }

    @Test
    void givesUpWhenNothingComes() {
        hub.cdn.stop(0);
        assertThatThrownBy(this::fetch)
                .isInstanceOf(HubException.class)
                .hasMessageStartingWith("cannot get s-")
                .hasMessageContaining("ConnectException")
                .hasMessageNotContaining("\n");
    }

    @Test
    void revisionsAreKeptApart() throws IOException {
        String other = "f".repeat(40);
        hub.revisions.put("refs/pr/1", other);
        assertComplete(fetch());
        Path model = fetch(hub.settings(cache), "refs/pr/1");
        assertComplete(model);
        assertThat(model.getFileName()).hasToString(other);
        assertThat(cache.resolve(FOLDER).resolve("refs/refs/pr/1")).hasContent(other);
        assertThat(cache.resolve(FOLDER).resolve("refs/main")).hasContent(FakeHub.COMMIT);
        // Same contents, same blobs: nothing large came twice.
        assertThat(hub.count("cdn /signed/s-1.safetensors")).isEqualTo(1);
        assertThat(fetch(with(null, true), "refs/pr/1")).isEqualTo(model);
    }

    @Test
    void followsARenamedModel() throws IOException {
        Path model = new HubDownload(hub.settings(cache), progress).fetch(FakeHub.ID, "main");
        assertComplete(model);
        hub.log.clear();
        assertThatThrownBy(() -> new HubDownload(hub.settings(cache), progress).fetch("old/name", "main"))
                .isInstanceOf(HubException.class);
        assertThat(hub.log)
                .startsWith(
                        "GET hub /api/models/old/name/revision/main", "GET hub /api/models/acme/tiny/revision/main");
    }

    @Test
    void offlineNeedsAWholeModel() throws IOException {
        assertThatThrownBy(() -> fetch(with(null, true), "main"))
                .hasMessage("acme/tiny is not in " + cache + " and HF_HUB_OFFLINE is set: unset it to download");
        Path model = fetch();
        Files.delete(model.resolve("s-2.safetensors"));
        assertThatThrownBy(() -> fetch(with(null, true), "main"))
                .hasMessageStartingWith("acme/tiny lacks s-2.safetensors in ");
    }

    @Test
    void aHubOutOfReachLeavesTheCachedModel() throws IOException {
        Path model = fetch();
        hub.failLists = 99;
        assertThat(fetch()).isEqualTo(model);
        hub.close();
        assertThat(fetch()).isEqualTo(model);
        assertThat(notes).last().asString().contains("using the cached");
        Files.delete(model.resolve("s-2.safetensors"));
        assertThatThrownBy(this::fetch).hasMessageStartingWith("cannot get acme/tiny from " + hub.endpoint());
    }

    @Test
    void aPassingFaultOfTheHubIsTriedAgain() throws IOException {
        hub.failLists = 2;
        assertComplete(fetch());
    }

    @Test
    void aNewCommitFetchesWhatChanged() throws IOException {
        fetch();
        String next = "a".repeat(40);
        hub.revisions.put("main", next);
        hub.text("config.json", "{\"model_type\":\"qwen2\"}");
        hub.log.clear();
        Path model = fetch();
        assertComplete(model);
        assertThat(model.getFileName()).hasToString(next);
        assertThat(hub.count("cdn")).isZero();
        assertThat(hub.count("GET hub /acme/tiny/resolve")).isEqualTo(1);
    }

    @Test
    void concurrentCallsShareTheWork() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        Callable<Path> call = this::fetch;
        for (Future<Path> model : pool.invokeAll(Collections.nCopies(4, call))) {
            assertComplete(model.get());
        }
        pool.shutdown();
        assertThat(hub.count("GET cdn /signed/s-1.safetensors")).isEqualTo(1);
        assertThat(hub.count("GET cdn /signed/s-2.safetensors")).isEqualTo(1);
    }
}
