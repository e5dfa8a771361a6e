package dev.quire.boot;

import dev.quire.kernel.cuda.CudaOptions;
import dev.quire.server.config.QuireConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What to load and how large to make the engine. Whatever is absent is resolved from the model and the machine when the
 * engine opens, and logged. Names and meanings are those of {@code quire serve}. Immutable.
 */
public final class EngineOptions {
    private static final int ABOVE_SYSTEM_PROPERTIES = 500;

    private final Builder values;

    private EngineOptions(Builder values) {
        this.values = values;
    }

    /** The embedded model, everything else resolved. */
    public static EngineOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** The server's configuration. */
    public static EngineOptions of(QuireConfig config) {
        Builder b = builder();
        b.model = config.model();
        b.tokenizer = config.tokenizer();
        b.revision = config.revision();
        b.dtype = config.dtype();
        b.loadFormat = config.loadFormat();
        b.downloadDir = config.downloadDir();
        b.hfToken = config.hfToken();
        b.hfEndpoint = config.hfEndpoint();
        b.hfHome = config.hfHome();
        b.hfHubOffline = config.hfHubOffline();
        b.maxModelLen = toInt("max-model-len", config.maxModelLen());
        b.device = config.device();
        b.numThreads = config.numThreads();
        b.cpuGemm = config.cpuGemm();
        b.cuda = cuda(config);
        b.maxNumSeqs = config.maxNumSeqs();
        b.maxNumBatchedTokens = toInt("max-num-batched-tokens", config.maxNumBatchedTokens());
        b.blockSize = config.blockSize();
        b.enablePrefixCaching = config.enablePrefixCaching();
        b.kvCacheDtype = config.kvCacheDtype();
        b.kvCacheMemoryBytes = toLong(config.kvCacheMemoryBytes());
        b.numBlocks = config.numGpuBlocksOverride();
        b.longPrefillTokenThreshold = config.longPrefillTokenThreshold();
        b.schedulingPolicy = config.schedulingPolicy();
        b.maxNumQueuedReqs = config.maxNumQueuedReqs();
        b.maxNumQueuedTokens = toLong(config.maxNumQueuedTokens());
        b.seed = config.seed();
        return b.build();
    }

    /**
     * Configuration keys such as {@code quire.max-num-seqs} over system properties and environment, read without
     * Quarkus.
     */
    public static EngineOptions ofKeys(Map<String, String> keys) {
        return of(new SmallRyeConfigBuilder()
                .addDefaultSources()
                .addDiscoveredConverters()
                .withSources(new PropertiesConfigSource(keys, "command line", ABOVE_SYSTEM_PROPERTIES))
                .withMapping(QuireConfig.class)
                .build()
                .getConfigMapping(QuireConfig.class));
    }

    /** Directory or hub name; absent is the embedded model. */
    public Optional<String> model() {
        return values.model;
    }

    public Optional<String> tokenizer() {
        return values.tokenizer;
    }

    public String revision() {
        return values.revision;
    }

    public String dtype() {
        return values.dtype;
    }

    public String loadFormat() {
        return values.loadFormat;
    }

    public Optional<String> downloadDir() {
        return values.downloadDir;
    }

    public Optional<String> hfToken() {
        return values.hfToken;
    }

    public Optional<String> hfEndpoint() {
        return values.hfEndpoint;
    }

    public Optional<String> hfHome() {
        return values.hfHome;
    }

    public Optional<Boolean> hfHubOffline() {
        return values.hfHubOffline;
    }

    /** -1 means the same as absent: the model's, or what fits. */
    public OptionalInt maxModelLen() {
        return values.maxModelLen;
    }

    public String device() {
        return values.device;
    }

    public OptionalInt numThreads() {
        return values.numThreads;
    }

    public String cpuGemm() {
        return values.cpuGemm;
    }

    public CudaOptions cuda() {
        return values.cuda;
    }

    public OptionalInt maxNumSeqs() {
        return values.maxNumSeqs;
    }

    public OptionalInt maxNumBatchedTokens() {
        return values.maxNumBatchedTokens;
    }

    public int blockSize() {
        return values.blockSize;
    }

    public boolean enablePrefixCaching() {
        return values.enablePrefixCaching;
    }

    /** What K and V are kept in; see {@link KvCacheType}. */
    public String kvCacheDtype() {
        return values.kvCacheDtype;
    }

    public OptionalLong kvCacheMemoryBytes() {
        return values.kvCacheMemoryBytes;
    }

    public OptionalInt numBlocks() {
        return values.numBlocks;
    }

    public int longPrefillTokenThreshold() {
        return values.longPrefillTokenThreshold;
    }

    public String schedulingPolicy() {
        return values.schedulingPolicy;
    }

    public OptionalInt maxNumQueuedReqs() {
        return values.maxNumQueuedReqs;
    }

    public OptionalLong maxNumQueuedTokens() {
        return values.maxNumQueuedTokens;
    }

    public long seed() {
        return values.seed;
    }

    private static CudaOptions cuda(QuireConfig config) {
        double share = config.gpuMemoryUtilization();
        if (!(share > 0 && share <= 1)) {
            throw new StartupException("--gpu-memory-utilization must be above 0 and at most 1, got " + share);
        }
        List<Path> folders = config.cudaLibraryPath().stream()
                .flatMap(path -> Stream.of(path.split(":")))
                .filter(folder -> !folder.isBlank())
                .map(Path::of)
                .toList();
        // The name under which users of CUDA know this switch.
        boolean blocking = "1".equals(System.getenv("CUDA_LAUNCH_BLOCKING"));
        return new CudaOptions(share, config.batchInvariant(), !config.enforceEager(), blocking, folders);
    }

    private static OptionalInt toInt(String name, Optional<Long> value) {
        if (value.isEmpty()) {
            return OptionalInt.empty();
        }
        if (value.get() > Integer.MAX_VALUE) {
            throw new StartupException("--" + name + " must be at most " + Integer.MAX_VALUE + ", got " + value.get());
        }
        return OptionalInt.of(value.get().intValue());
    }

    private static OptionalLong toLong(Optional<Long> value) {
        return value.map(OptionalLong::of).orElse(OptionalLong.empty());
    }

    /** Collects values; what is not set stays at the default of {@code quire serve}. */
    public static final class Builder {
        private Optional<String> model = Optional.empty();
        private Optional<String> tokenizer = Optional.empty();
        private String revision = "main";
        private String dtype = "auto";
        private String loadFormat = "auto";
        private Optional<String> downloadDir = Optional.empty();
        private Optional<String> hfToken = Optional.empty();
        private Optional<String> hfEndpoint = Optional.empty();
        private Optional<String> hfHome = Optional.empty();
        private Optional<Boolean> hfHubOffline = Optional.empty();
        private OptionalInt maxModelLen = OptionalInt.empty();
        private String device = "auto";
        private OptionalInt numThreads = OptionalInt.empty();
        private String cpuGemm = "auto";
        private CudaOptions cuda = CudaOptions.defaults();
        private OptionalInt maxNumSeqs = OptionalInt.empty();
        private OptionalInt maxNumBatchedTokens = OptionalInt.empty();
        private int blockSize = 16;
        private boolean enablePrefixCaching = true;
        private String kvCacheDtype = "auto";
        private OptionalLong kvCacheMemoryBytes = OptionalLong.empty();
        private OptionalInt numBlocks = OptionalInt.empty();
        private int longPrefillTokenThreshold;
        private String schedulingPolicy = "fcfs";
        private OptionalInt maxNumQueuedReqs = OptionalInt.empty();
        private OptionalLong maxNumQueuedTokens = OptionalLong.empty();
        private long seed;

        /** Directory or hub name. */
        public Builder model(String value) {
            model = Optional.of(value);
            return this;
        }

        /** Branch, tag or commit on the hub. */
        public Builder revision(String value) {
            revision = value;
            return this;
        }

        /** {@code auto}, {@code safetensors}, {@code gguf} or {@code dummy}. */
        public Builder loadFormat(String value) {
            loadFormat = value;
            return this;
        }

        /** Prompt and generated tokens of one sequence at most. */
        public Builder maxModelLen(int value) {
            maxModelLen = OptionalInt.of(value);
            return this;
        }

        /** {@code auto}, {@code bfloat16}, {@code float16} or {@code float32}. */
        public Builder dtype(String value) {
            dtype = value;
            return this;
        }

        /** Directory or file of another tokenizer than the model's. */
        public Builder tokenizer(String value) {
            tokenizer = Optional.of(value);
            return this;
        }

        /** {@code auto}, {@code cpu} or {@code cuda}. */
        public Builder device(String value) {
            device = value;
            return this;
        }

        public Builder numThreads(int value) {
            numThreads = OptionalInt.of(value);
            return this;
        }

        /** {@code auto}, {@code vector} or {@code onednn}. */
        public Builder cpuGemm(String value) {
            cpuGemm = value;
            return this;
        }

        /** How a CUDA device is used. */
        public Builder cuda(CudaOptions value) {
            cuda = value;
            return this;
        }

        public Builder maxNumSeqs(int value) {
            maxNumSeqs = OptionalInt.of(value);
            return this;
        }

        public Builder maxNumBatchedTokens(int value) {
            maxNumBatchedTokens = OptionalInt.of(value);
            return this;
        }

        public Builder blockSize(int value) {
            blockSize = value;
            return this;
        }

        public Builder enablePrefixCaching(boolean value) {
            enablePrefixCaching = value;
            return this;
        }

        /** {@code auto}, {@code bfloat16}, {@code float32} or {@code fp8}. */
        public Builder kvCacheDtype(String value) {
            kvCacheDtype = value;
            return this;
        }

        public Builder kvCacheMemoryBytes(long value) {
            kvCacheMemoryBytes = OptionalLong.of(value);
            return this;
        }

        /** KV blocks, instead of their bytes. */
        public Builder numBlocks(int value) {
            numBlocks = OptionalInt.of(value);
            return this;
        }

        /** Seed of requests that bring none. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public EngineOptions build() {
            Builder b = new Builder();
            b.model = model;
            b.tokenizer = tokenizer;
            b.revision = revision;
            b.dtype = dtype;
            b.loadFormat = loadFormat;
            b.downloadDir = downloadDir;
            b.hfToken = hfToken;
            b.hfEndpoint = hfEndpoint;
            b.hfHome = hfHome;
            b.hfHubOffline = hfHubOffline;
            b.maxModelLen = maxModelLen;
            b.device = device;
            b.numThreads = numThreads;
            b.cpuGemm = cpuGemm;
            b.cuda = cuda;
            b.maxNumSeqs = maxNumSeqs;
            b.maxNumBatchedTokens = maxNumBatchedTokens;
            b.blockSize = blockSize;
            b.enablePrefixCaching = enablePrefixCaching;
            b.kvCacheDtype = kvCacheDtype;
            b.kvCacheMemoryBytes = kvCacheMemoryBytes;
            b.numBlocks = numBlocks;
            b.longPrefillTokenThreshold = longPrefillTokenThreshold;
            b.schedulingPolicy = schedulingPolicy;
            b.maxNumQueuedReqs = maxNumQueuedReqs;
            b.maxNumQueuedTokens = maxNumQueuedTokens;
            b.seed = seed;
            return new EngineOptions(b);
        }
    }
}
