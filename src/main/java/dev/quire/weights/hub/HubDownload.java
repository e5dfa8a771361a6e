package dev.quire.weights.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * Brings a model of a hub into the Hugging Face cache, or finds it there: resumes what was cut, checks every file, shares the
 * cache with other processes and with huggingface_hub. A model that is whole in the cache costs one small request, none when
 * offline or when the revision is a commit.
 */
public final class HubDownload {
    private static final int NUM_PARALLEL = 2;
    private static final int MAX_LIST_ATTEMPTS = 3;

    private final HubSettings settings;
    private final DownloadProgress progress;

    public HubDownload(HubSettings settings, DownloadProgress progress) {
        this.settings = settings;
        this.progress = progress;
    }

    /** Whether a text has the form of a model name, {@code org/name} or {@code name}. */
    public static boolean isModelName(String text) {
        return HubModel.isId(text);
    }

    /**
     * The directory with the model's files.
     *
     * @param id {@code org/name}
     * @param revision branch, tag or commit
     * @throws HubException one line: what is wrong and what to do
     */
    public Path fetch(String id, String revision) {
        HubModel model = new HubModel(id, revision);
        return fetch(model, cache -> cache.completeSnapshot(model), Run::fetch);
    }

    /**
     * A GGUF file of a repository, with the files that belong to it beside it.
     *
     * @param which its name, such as {@code tiny-Q4_K_M.gguf}, or the type that its name ends with, such as {@code Q4_K_M}
     * @throws HubException one line: what is wrong and what to do
     */
    public Path fetchGguf(String id, String revision, String which) {
        HubModel model = new HubModel(id, revision);
        return fetch(model, cache -> GgufChoice.inSnapshot(cache, model, which), run -> run.fetchGguf(which));
    }

    private interface Download {
        Path by(Run run) throws IOException, InterruptedException;
    }

    private Path fetch(HubModel model, Function<HubCache, Optional<Path>> whole, Download download) {
        HubCache cache = new HubCache(settings.cache(), model);
        if (settings.offline()) {
            return whole.apply(cache).orElseThrow(() -> notCached(model, cache));
        }
        Optional<Path> cached = whole.apply(cache);
        if (model.isPinned() && cached.isPresent()) {
            return cached.get();
        }
        try {
            HubClient client = new HubClient(settings);
            return download.by(new Run(new HubSession(settings, model, client, cache, progress)));
        } catch (HubException e) {
            // Only the question "is there a newer commit?" may go unanswered.
            if (!e.isUnreachable() || cached.isEmpty() || !whole.apply(cache).equals(cached)) {
                throw e;
            }
            progress.note(e.getMessage() + "; using the cached " + cached.get());
            return cached.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HubException("download of " + model + " was interrupted", e, false);
        } catch (IOException e) {
            throw new HubException("cannot write to " + cache.folder() + ": " + e, e, false);
        }
    }

    private HubException notCached(HubModel model, HubCache cache) {
        String why = cache.commitOf(model)
                .filter(commit -> Files.isDirectory(cache.snapshot(commit)))
                .map(commit -> "lacks " + String.join(", ", cache.missing(commit)) + " in " + cache.snapshot(commit))
                .orElse("is not in " + settings.cache());
        return new HubException(model + " " + why + " and HF_HUB_OFFLINE is set: unset it to download");
    }

    /** One call of fetch with its threads. */
    private final class Run {
        private final HubSession session;
        private final HubModel model;
        private final HubCache cache;

        Run(HubSession session) {
            this.session = session;
            this.model = session.model();
            this.cache = session.cache();
        }

        private HubListing list() throws IOException, InterruptedException {
            return new Retries(session, () -> false)
                    .run(
                            model + " from " + settings.endpoint(),
                            MAX_LIST_ATTEMPTS,
                            () -> session.client().list(model));
        }

        Path fetchGguf(String which) throws IOException, InterruptedException {
            HubListing listing = list();
            Map<String, Long> wanted = new LinkedHashMap<>(listing.ggufs());
            List<String> names =
                    GgufChoice.choose(model.toString(), listing.ggufs().keySet(), which);
            wanted.keySet().retainAll(names);
            Map<String, Long> absent = absent(listing.commit(), wanted);
            checkSpace(absent);
            fetchAll(listing.commit(), absent);
            cache.writeRef(model, listing.commit());
            return cache.snapshot(listing.commit()).resolve(names.get(0));
        }

        Path fetch() throws IOException, InterruptedException {
            HubListing listing = list();
            if (listing.weights().isEmpty() && !listing.ggufs().isEmpty()) {
                throw new HubException(model + " has GGUF files: name one as " + model.id() + "/FILE or " + model.id()
                        + ":TYPE; it has " + String.join(", ", listing.ggufs().keySet()));
            }
            if (!listing.small().containsKey("config.json")) {
                throw new HubException(model + " has no config.json: not a model in the transformers layout");
            }
            if (listing.weights().isEmpty()) {
                throw new HubException(model + " has no *.safetensors file: other formats are not downloaded");
            }
            String commit = listing.commit();
            // Configuration first, weights last: a snapshot with its weights has everything.
            fetchAll(commit, absent(commit, listing.small()));
            Map<String, Long> weights = absent(commit, neededWeights(listing));
            checkSpace(weights);
            fetchAll(commit, weights);
            cache.writeRef(model, commit);
            return cache.snapshot(commit);
        }

        private Map<String, Long> neededWeights(HubListing listing) {
            return listing.small().containsKey(HubListing.INDEX)
                    ? listing.shards(cache.indexedShards(listing.commit()))
                    : listing.weights();
        }

        private Map<String, Long> absent(String commit, Map<String, Long> files) {
            Map<String, Long> absent = new LinkedHashMap<>(files);
            absent.keySet().removeIf(name -> cache.has(commit, name));
            return absent;
        }

        private void checkSpace(Map<String, Long> files) throws IOException {
            Path folder = Files.createDirectories(cache.folder());
            long needed = sum(files.values());
            long free = Files.getFileStore(folder).getUsableSpace();
            if (needed > free && needed - alreadyThere() > free) {
                throw new HubException(String.format(
                        Locale.ROOT,
                        "disk full: %s needs %,d MB, %s has %,d MB free; HF_HOME names another place",
                        model,
                        needed / 1_000_000,
                        folder,
                        free / 1_000_000));
            }
        }

        private long alreadyThere() throws IOException {
            long bytes = 0;
            Path blobs = Files.createDirectories(cache.folder().resolve("blobs"));
            try (var files = Files.newDirectoryStream(blobs, "*.incomplete")) {
                for (Path file : files) {
                    bytes += Files.size(file);
                }
            }
            return bytes;
        }

        private void fetchAll(String commit, Map<String, Long> files) throws InterruptedException {
            if (files.isEmpty()) {
                return;
            }
            progress.started(model.toString(), files.size(), sum(files.values()));
            ThreadFactory daemons = task -> {
                Thread thread = new Thread(task, "hub-download");
                thread.setDaemon(true);
                return thread;
            };
            ExecutorService pool = Executors.newFixedThreadPool(NUM_PARALLEL, daemons);
            ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(daemons);
            AtomicBoolean cancelled = new AtomicBoolean();
            try {
                BlobDownload download = new BlobDownload(session, watch, cancelled::get);
                CompletionService<String> done = new ExecutorCompletionService<>(pool);
                List<String> names = new ArrayList<>(files.keySet());
                for (String name : names) {
                    done.submit(() -> {
                        download.fetch(commit, name);
                        return name;
                    });
                }
                for (int i = 0; i < names.size(); i++) {
                    done.take().get();
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof HubException
                        ? (HubException) e.getCause()
                        : new HubException("download of " + model + " failed: " + e.getCause(), e.getCause(), false);
            } finally {
                cancelled.set(true);
                pool.shutdownNow();
                watch.shutdownNow();
                // Their locks are free when they have ended.
                pool.awaitTermination(5, TimeUnit.SECONDS);
                progress.finished();
            }
        }
    }

    private static long sum(Collection<Long> sizes) {
        return sizes.stream().mapToLong(Long::longValue).sum();
    }
}
