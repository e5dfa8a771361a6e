package dev.quire.boot;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineConfig;
import dev.quire.request.TokenIds;
import dev.quire.runner.MemoryPlan;
import dev.quire.tensor.OutOfDeviceMemoryException;
import dev.quire.tokenizer.Tokenizer;
import dev.quire.weights.CheckpointException;
import dev.quire.weights.GenerationDefaults;
import dev.quire.weights.hub.DownloadProgress;
import dev.quire.weights.hub.HubException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One loaded model with its running engine, without any web framework: what {@code quire bench}, tests and programs that
 * embed Quire use, and what the server is built on.
 *
 * <pre>{@code
 * try (QuireEngine quire = QuireEngine.open(EngineOptions.defaults(), System.err::println)) {
 *     int[] prompt = quire.tokenizer().orElseThrow().encode("Once upon a time", true);
 *     quire.client().submit(new GenerationRequest("1", TokenIds.of(prompt), params, quire.eosTokenIds(), …, sink));
 * }
 * }</pre>
 */
public final class QuireEngine implements AutoCloseable {
    private final ModelSource source;
    private final DeviceSide loaded;
    private final @Nullable ModelText text;
    private final GenerationDefaults generation;

    private QuireEngine(
            ModelSource source, DeviceSide loaded, @Nullable ModelText text, GenerationDefaults generation) {
        this.source = source;
        this.loaded = loaded;
        this.text = text;
        this.generation = generation;
    }

    /**
     * Loads the model and starts the engine; logs the device, the memory plan and the time of each phase.
     *
     * @param log hears one line at a time
     * @throws StartupException in one line, when the model cannot be found, read or does not fit
     */
    public static QuireEngine open(EngineOptions options, Consumer<String> log) {
        return open(options, log, DownloadProgress.silent(), false);
    }

    /**
     * As {@link #open(EngineOptions, Consumer)}, with somebody who watches the download.
     *
     * @param mayPrepareLater leave it to {@link #prepareLater} to make a small model's kernels fast
     */
    static QuireEngine open(
            EngineOptions options, Consumer<String> log, DownloadProgress progress, boolean mayPrepareLater) {
        try {
            return load(options, log, progress, mayPrepareLater);
        } catch (CheckpointException | HubException | MemoryPlan.DoesNotFitException | OutOfDeviceMemoryException e) {
            throw new StartupException(e.getMessage(), e);
        }
    }

    private static QuireEngine load(
            EngineOptions options, Consumer<String> log, DownloadProgress progress, boolean mayPrepareLater) {
        PhaseTimes phases = new PhaseTimes();
        ModelSource source = phases.time("files", () -> ModelSource.find(options, System.getenv(), progress));
        CompletableFuture<Optional<ModelText>> text = loadText(options, source);
        GenerationDefaults generation = GenerationDefaults.read(source.files());
        DeviceSide loaded = DeviceLoading.load(options, source, phases, log, mayPrepareLater);
        try {
            Optional<ModelText> words = phases.time("tokenizer", () -> await(text));
            loaded.engine().start();
            log.accept(phases.toString());
            return new QuireEngine(source, loaded, words.orElse(null), generation);
        } catch (RuntimeException e) {
            loaded.engine().close();
            throw e;
        }
    }

    /** Beside the weights: the tokenizer's native library and its vocabulary take a good part of the start. */
    private static CompletableFuture<Optional<ModelText>> loadText(EngineOptions options, ModelSource source) {
        boolean absent = options.tokenizer().isEmpty() && !source.files().has(ModelText.TOKENIZER_FILE);
        if (absent && options.loadFormat().equals("dummy")) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return CompletableFuture.supplyAsync(
                () -> Optional.of(ModelText.load(options, source.files())),
                work -> new Thread(work, "quire-tokenizer").start());
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Where requests go. */
    public EngineClient client() {
        return loaded.engine();
    }

    /** The limits that hold, all resolved. */
    public EngineConfig config() {
        return loaded.engine().config();
    }

    /** The model as the user named it, {@code quire-demo} for the embedded one. */
    public String name() {
        return source.name();
    }

    /** Where its files are. */
    public String location() {
        return source.files().location();
    }

    /** Absent when a model with random weights has none. */
    public Optional<Tokenizer> tokenizer() {
        return Optional.ofNullable(text).map(ModelText::tokenizer);
    }

    Optional<ModelText> text() {
        return Optional.ofNullable(text);
    }

    GenerationDefaults generation() {
        return generation;
    }

    /** Ids that end a generation. */
    public TokenIds eosTokenIds() {
        List<Integer> ids = generation.eosTokenIds();
        return TokenIds.of(ids.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Token ids the model scores. */
    public int vocabSize() {
        return loaded.config().vocabSize();
    }

    /** Prompt and generated tokens of one sequence at most. */
    public int maxModelLen() {
        return config().maxModelLen();
    }

    public String backendDescription() {
        return loaded.backendDescription();
    }

    /** Threads that compute. */
    public int numThreads() {
        return loaded.numThreads();
    }

    /** Bytes of weights that one decode step reads. */
    public long weightBytesPerStep() {
        return loaded.weightBytesPerStep();
    }

    /** Starts what was left for later, on a thread of its own; once. */
    void prepareLater() {
        Thread preparation = loaded.preparation();
        if (preparation != null) {
            preparation.start();
        }
    }

    /** Waits until all kernels are as fast as they will be. */
    void awaitPrepared() throws InterruptedException {
        if (loaded.preparation() != null) {
            loaded.preparation().join();
        }
    }

    /** Waits until the engine takes no more steps; the one-line cause when it died of a fault, else empty. */
    String awaitEnd() throws InterruptedException {
        return loaded.engine().awaitEnd();
    }

    /** Takes nothing new, finishes what is in flight for so long, then fails the rest; the text side stays usable. */
    public void drain(long maxWaitMillis) throws InterruptedException {
        loaded.engine().shutdown(maxWaitMillis);
    }

    /** Fails what is in flight and frees everything. */
    @Override
    public void close() {
        if (loaded.preparation() != null) {
            loaded.preparation().interrupt();
        }
        loaded.engine().close();
        if (text != null) {
            text.tokenizer().close();
        }
    }
}
