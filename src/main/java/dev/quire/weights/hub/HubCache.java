package dev.quire.weights.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * One model's folder in the Hugging Face cache: {@code refs/REVISION} holds a commit, {@code blobs/ETAG} the bytes, and
 * {@code snapshots/COMMIT/NAME} is a relative link to a blob.
 */
final class HubCache {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Path folder;
    private final Path locks;

    HubCache(Path cache, HubModel model) {
        this.folder = cache.resolve(model.folderName());
        this.locks = cache.resolve(".locks").resolve(model.folderName());
    }

    Path folder() {
        return folder;
    }

    Path blob(String etag) {
        return folder.resolve("blobs").resolve(etag);
    }

    Path incomplete(String etag) {
        return folder.resolve("blobs").resolve(etag + ".incomplete");
    }

    Path lock(String etag) {
        return locks.resolve(etag + ".lock");
    }

    Path snapshot(String commit) {
        return folder.resolve("snapshots").resolve(commit);
    }

    /** The commit a revision stood for when it was last downloaded. */
    Optional<String> commitOf(HubModel model) {
        if (model.isPinned()) {
            return Optional.of(model.revision());
        }
        try {
            return Optional.of(Files.readString(ref(model)).strip()).filter(HubModel::isCommit);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Notes which commit a revision stands for. */
    void writeRef(HubModel model, String commit) throws IOException {
        if (!model.isPinned() && !commitOf(model).equals(Optional.of(commit))) {
            Path ref = ref(model);
            Files.createDirectories(ref.getParent());
            Path fresh = Files.createTempFile(ref.getParent(), ".ref", "");
            Files.writeString(fresh, commit);
            Files.move(fresh, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private Path ref(HubModel model) {
        return folder.resolve("refs").resolve(model.revision());
    }

    /** Whether the file is in the snapshot, its bytes too. */
    boolean has(String commit, String name) {
        return Files.isRegularFile(snapshot(commit).resolve(name));
    }

    /** The snapshot of a revision when it is whole: configuration and every weight file it needs. */
    Optional<Path> completeSnapshot(HubModel model) {
        return commitOf(model).filter(commit -> missing(commit).isEmpty()).map(this::snapshot);
    }

    /** Files a model cannot do without that are not in the snapshot, as far as the snapshot itself tells. */
    Set<String> missing(String commit) {
        Set<String> missing = new LinkedHashSet<>();
        if (!has(commit, "config.json")) {
            missing.add("config.json");
        }
        if (has(commit, HubListing.INDEX)) {
            missing.addAll(indexedShards(commit));
            missing.removeIf(name -> has(commit, name));
        } else if (!has(commit, HubListing.SINGLE) && !hasAnyWeights(commit)) {
            missing.add(HubListing.SINGLE);
        }
        return missing;
    }

    private boolean hasAnyWeights(String commit) {
        try (Stream<Path> files = Files.list(snapshot(commit))) {
            return files.anyMatch(f -> f.toString().endsWith(".safetensors") && Files.isRegularFile(f));
        } catch (IOException e) {
            return false;
        }
    }

    /** The shards that the snapshot's index names; throws {@link HubException} when it is broken. */
    Set<String> indexedShards(String commit) {
        Path index = snapshot(commit).resolve(HubListing.INDEX);
        try {
            JsonNode map = MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
            Set<String> shards = new LinkedHashSet<>();
            map.forEach(shard -> shards.add(HubListing.safe(shard.asText())));
            if (shards.isEmpty()) {
                throw new HubException(index + ": no weight_map");
            }
            return shards;
        } catch (IOException e) {
            throw new HubException(index + ": broken JSON", e, false);
        }
    }

    /** Puts a blob under its name into a snapshot; moves it there where links are not supported. */
    void link(String commit, String name, String etag) throws IOException {
        Path link = snapshot(commit).resolve(name);
        Files.createDirectories(link.getParent());
        Path target = link.getParent().relativize(blob(etag));
        try {
            Files.createSymbolicLink(link, target);
        } catch (FileAlreadyExistsException e) {
            relink(link, target);
        } catch (UnsupportedOperationException e) {
            Files.move(blob(etag), link, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Another process may have made the same link; one to a blob that is gone is replaced. */
    private static void relink(Path link, Path target) throws IOException {
        if (Files.isSymbolicLink(link) && !Files.readSymbolicLink(link).equals(target)) {
            Path fresh = link.resolveSibling(
                    "." + link.getFileName() + "." + Thread.currentThread().getId());
            Files.deleteIfExists(fresh);
            Files.createSymbolicLink(fresh, target);
            Files.move(fresh, link, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
