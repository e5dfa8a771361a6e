package dev.quire.server.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The options of {@code quire serve}: key {@code quire.max-num-seqs}, flag {@code --max-num-seqs}, environment {@code
 * QUIRE_MAX_NUM_SEQS}. Names are vLLM's. An absent value is resolved at start-up from the model and the machine, and
 * logged. Host and port are {@code quarkus.http.host} and {@code quarkus.http.port}.
 */
@ConfigMapping(prefix = "quire")
public interface QuireConfig {
    // ---- model

    /** Directory or hub name; absent serves the embedded model. */
    Optional<String> model();

    /** Names accepted in {@code model}; the first one is answered and labels the metrics. Absent: the model's name. */
    Optional<List<String>> servedModelName();

    /** Tokenizer directory or file; absent: the model's own. */
    Optional<String> tokenizer();

    /** Branch, tag or commit on the hub. */
    @WithDefault("main")
    String revision();

    /** {@code auto}, {@code bfloat16}, {@code float16} or {@code float32}. */
    @WithDefault("auto")
    String dtype();

    /** {@code auto}, {@code safetensors}, {@code gguf} or {@code dummy} (random weights). */
    @WithDefault("auto")
    String loadFormat();

    /** Where downloads go; absent: the hub's own cache. */
    Optional<String> downloadDir();

    /** Absent: {@code HF_TOKEN}, then the token file. */
    Optional<String> hfToken();

    /** Absent: {@code HF_ENDPOINT}, then the public hub. */
    Optional<String> hfEndpoint();

    /** Absent: {@code HF_HOME}. */
    Optional<String> hfHome();

    /** Never ask the network. Absent: {@code HF_HUB_OFFLINE}. */
    Optional<Boolean> hfHubOffline();

    /** Jinja file or text; absent: the model's own. */
    Optional<String> chatTemplate();

    /** {@code auto} takes defaults from the model's generation_config.json, {@code vllm} takes none, else a directory. */
    @WithDefault("auto")
    String generationConfig();

    /** JSON object laid over the generation config. */
    Optional<String> overrideGenerationConfig();

    /** Prompt and generated tokens of one sequence at most; absent or -1: the model's, or what fits. */
    Optional<@WithConverter(HumanReadableNumber.class) Long> maxModelLen();

    // ---- engine

    /** {@code auto}, {@code cpu} or {@code cuda}. */
    @WithDefault("auto")
    String device();

    /** Sequences in the running batch at most. */
    OptionalInt maxNumSeqs();

    /** Tokens computed in one step at most. */
    Optional<@WithConverter(HumanReadableNumber.class) Long> maxNumBatchedTokens();

    /** Tokens in a KV block. */
    @WithDefault("16")
    int blockSize();

    /** Keep full KV blocks for later prompts with the same beginning. */
    @WithDefault("true")
    boolean enablePrefixCaching();

    /** {@code auto}, {@code bfloat16}, {@code float32} or {@code fp8}: what K and V are kept in. */
    @WithDefault("auto")
    String kvCacheDtype();

    /** Size of the KV cache, such as {@code 4GiB}; absent: resolved from free memory. */
    Optional<@WithConverter(HumanReadableNumber.class) Long> kvCacheMemoryBytes();

    /** KV blocks; absent: from {@link #kvCacheMemoryBytes}. */
    OptionalInt numGpuBlocksOverride();

    /** Prompt tokens of one sequence in one step at most; 0 is off. */
    @WithDefault("0")
    int longPrefillTokenThreshold();

    /** {@code fcfs} or {@code priority}. */
    @WithDefault("fcfs")
    String schedulingPolicy();

    /** Sequences waiting or running at most before HTTP 429. */
    OptionalInt maxNumQueuedReqs();

    /** Prompt tokens waiting at most before HTTP 429. */
    Optional<@WithConverter(HumanReadableNumber.class) Long> maxNumQueuedTokens();

    /** Of requests that bring none. */
    @WithDefault("0")
    long seed();

    /** Threads that compute on the CPU; absent: the cores this process may use. */
    OptionalInt numThreads();

    /**
     * What multiplies bf16 weights on the CPU in steps of 16 rows and more: {@code vector}, the Vector API, where a row has
     * the same bits in any step; {@code onednn}, where they depend on whether its step had 16 rows; or {@code auto},
     * oneDNN for models of 256 MiB and more where it loads, has room for a second copy of the weights outside the Java
     * heap, and was measured to be faster.
     */
    @WithDefault("auto")
    String cpuGemm();

    /** Share of the GPU's memory that weights, activations and KV cache may take together. */
    @WithDefault("0.9")
    double gpuMemoryUtilization();

    /** Every step as single launches, none as a CUDA graph. */
    @WithDefault("false")
    boolean enforceEager();

    /** A row's result never depends on what else is in its step, at some cost in speed (CUDA). */
    @WithDefault("false")
    boolean batchInvariant();

    /** Folders with CUDA's libraries, separated by colons, searched before the usual ones. */
    Optional<String> cudaLibraryPath();

    // ---- server

    /** Accepted keys; absent: nobody is asked for one. */
    Optional<List<String>> apiKey();

    /** {@code logprobs} of a request at most; -1: the vocabulary. */
    @WithDefault("20")
    int maxLogprobs();

    /** Let the model decide about tool calls; absent: only for the embedded model. */
    Optional<Boolean> enableAutoToolChoice();

    /** {@code hermes}; absent: only for the embedded model. */
    Optional<String> toolCallParser();

    /** Report cached prompt tokens in {@code usage}. */
    @WithDefault("false")
    boolean enablePromptTokensDetails();

    /** Every stream carries usage, asked or not. */
    @WithDefault("false")
    boolean enableForceIncludeUsage();

    /** One log line a request. */
    @WithDefault("false")
    boolean enableLogRequests();

    /** Larger bodies are answered with HTTP 413. */
    @WithDefault("32M")
    MemorySize maxBodySize();

    /** Seconds to finish running requests at shutdown; 0 aborts them at once. */
    @WithDefault("0")
    int shutdownTimeout();
}
