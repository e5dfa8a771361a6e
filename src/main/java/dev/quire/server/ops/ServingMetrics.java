package dev.quire.server.ops;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineStats;
import dev.quire.frontend.ServedModel;
import dev.quire.request.FinishReason;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.server.config.QuireConfig;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;

/**
 * The {@code vllm:} metrics: latencies and sizes recorded here at the edge, gauges and counters read from the engine when
 * somebody scrapes.
 */
@Singleton
public class ServingMetrics {
    private static final double SECONDS = 1e-9;
    private static final double TOKENS = 1;
    private static final String REPETITION = "repetition";
    private static final double[] TTFT = {
        .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560
    };
    private static final double[] TOKEN_LATENCY = {
        .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
    };
    private static final double[] REQUEST_LATENCY = {
        .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
    };
    private static final double[] SEQUENCES = {1, 2, 5, 10, 20};

    private final EngineClient engine;
    private final String labels;
    private final String cacheConfig;
    private final List<Histogram> histograms = new ArrayList<>();

    private final Histogram timeToFirstToken = seconds("time_to_first_token_seconds", "Time to first token.", TTFT);
    private final Histogram interTokenLatency =
            seconds("inter_token_latency_seconds", "Time between two tokens of a sequence.", TOKEN_LATENCY);
    private final Histogram timePerOutputToken =
            seconds("request_time_per_output_token_seconds", "Mean time per output token of a request.", TOKEN_LATENCY);
    private final Histogram endToEnd =
            seconds("e2e_request_latency_seconds", "Arrival to end of a request.", REQUEST_LATENCY);
    private final Histogram queueTime =
            seconds("request_queue_time_seconds", "Arrival to first scheduled.", REQUEST_LATENCY);
    private final Histogram prefillTime =
            seconds("request_prefill_time_seconds", "First scheduled to first token.", REQUEST_LATENCY);
    private final Histogram decodeTime =
            seconds("request_decode_time_seconds", "First to last token.", REQUEST_LATENCY);
    private final Histogram inferenceTime =
            seconds("request_inference_time_seconds", "First scheduled to end.", REQUEST_LATENCY);
    private final Histogram promptTokens;
    private final Histogram generationTokens;
    private final Histogram maxGenerationTokens;
    private final Histogram maxTokensParam;
    private final Histogram computedPromptTokens;
    private final Histogram nParam = tokens("request_params_n", "The parameter n of requests.", SEQUENCES);

    ServingMetrics(EngineClient engine, ServedModel model, QuireConfig config) {
        this.engine = engine;
        this.labels = "model_name=\"" + PrometheusText.escape(model.name()) + "\",engine=\"0\"";
        this.cacheConfig = "block_size=\"" + config.blockSize() + "\",enable_prefix_caching=\""
                + (config.enablePrefixCaching() ? "True" : "False") + "\",cache_dtype=\"auto\"";
        double[] lengths = lengthBuckets(model.maxModelLen());
        promptTokens = tokens("request_prompt_tokens", "Prompt tokens of a request.", lengths);
        generationTokens = tokens("request_generation_tokens", "Generated tokens of a sequence.", lengths);
        maxGenerationTokens = tokens(
                "request_max_num_generation_tokens", "Most generated tokens among a request's sequences.", lengths);
        maxTokensParam = tokens("request_params_max_tokens", "The parameter max_tokens of requests.", lengths);
        computedPromptTokens = tokens(
                "request_prefill_kv_computed_tokens", "Prompt tokens that did not come from the cache.", lengths);
    }

    /** 1, 2, 5, 10, … up to the model's length. */
    static double[] lengthBuckets(int maxModelLen) {
        List<Double> bounds = new ArrayList<>();
        for (long power = 1; power <= maxModelLen; power *= 10) {
            for (int mantissa : new int[] {1, 2, 5}) {
                if (mantissa * power <= maxModelLen) {
                    bounds.add((double) (mantissa * power));
                }
            }
        }
        return bounds.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private Histogram seconds(String name, String help, double[] bounds) {
        return histogram(name, help, SECONDS, bounds);
    }

    private Histogram tokens(String name, String help, double[] bounds) {
        return histogram(name, help, TOKENS, bounds);
    }

    private Histogram histogram(String name, String help, double scale, double[] bounds) {
        Histogram histogram = new Histogram("vllm:" + name, help, scale, bounds);
        histograms.add(histogram);
        return histogram;
    }

    /** A sequence's first token came so long after its request. */
    public void firstToken(long nanos) {
        timeToFirstToken.record(nanos);
    }

    /** A further token came so long after the one before it. */
    public void interToken(long nanos) {
        interTokenLatency.record(nanos);
    }

    /** One sequence ended. Phases it never reached are not recorded. */
    public void sequenceFinished(SequenceResult result) {
        endToEnd.record(result.finishedNanos() - result.arrivalNanos());
        promptTokens.record(result.numPromptTokens());
        generationTokens.record(result.numGeneratedTokens());
        computedPromptTokens.record(result.numPromptTokens() - result.numCachedTokens());
        if (result.firstScheduledNanos() == 0) {
            return;
        }
        queueTime.record(result.firstScheduledNanos() - result.arrivalNanos());
        inferenceTime.record(result.finishedNanos() - result.firstScheduledNanos());
        if (result.firstTokenNanos() == 0) {
            return;
        }
        prefillTime.record(result.firstTokenNanos() - result.firstScheduledNanos());
        long decodeNanos = result.finishedNanos() - result.firstTokenNanos();
        decodeTime.record(decodeNanos);
        if (result.numGeneratedTokens() > 1) {
            timePerOutputToken.record(decodeNanos / (result.numGeneratedTokens() - 1));
        }
    }

    /** All sequences of a request ended; the longest generated so many tokens. */
    public void requestFinished(SamplingParams params, int maxGeneratedTokens) {
        nParam.record(params.n());
        maxTokensParam.record(params.maxTokens());
        maxGenerationTokens.record(maxGeneratedTokens);
    }

    /** The {@code vllm:} part of {@code /metrics}. */
    public String scrape() {
        PrometheusText out = new PrometheusText(labels);
        EngineStats stats = engine.stats();
        gauges(out, stats);
        counters(out, stats);
        histograms.forEach(histogram -> histogram.write(out));
        double[] bounds = new double[EngineStats.ITERATION_BUCKETS.length];
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = EngineStats.ITERATION_BUCKETS[i];
        }
        out.histogram(
                "vllm:iteration_tokens_total",
                "Tokens computed in an engine step.",
                bounds,
                stats.iterationTokens(),
                stats.numIterationTokens());
        return out.toString();
    }

    private void gauges(PrometheusText out, EngineStats stats) {
        out.gauge("vllm:num_requests_running", "Sequences in the running batch.", stats.numRequestsRunning());
        out.gauge("vllm:num_requests_waiting", "Sequences waiting to be scheduled.", stats.numRequestsWaiting());
        String waiting = "vllm:num_requests_waiting_by_reason";
        out.family(waiting, "Waiting sequences by reason.", "gauge");
        out.sample(waiting, "reason=\"capacity\"", stats.numRequestsWaiting());
        out.sample(waiting, "reason=\"deferred\"", 0);
        out.gauge("vllm:kv_cache_usage_perc", "Used share of KV blocks; 1 is all.", stats.kvCacheUsage());
        out.gauge("quire:kv_internal_waste", "Share of KV slots without a token.", stats.kvInternalWaste());
        out.family("vllm:cache_config_info", "Configuration of the KV cache.", "gauge");
        out.sample("vllm:cache_config_info", cacheConfig + ",num_gpu_blocks=\"" + stats.numBlocks() + "\"", 1);
    }

    private static void counters(PrometheusText out, EngineStats stats) {
        out.counter("vllm:prompt_tokens", "Prompt tokens processed.", stats.numPromptTokens());
        out.counter("vllm:prompt_tokens_cached", "Prompt tokens from the cache.", stats.numCachedPromptTokens());
        String bySource = "vllm:prompt_tokens_by_source_total";
        out.family(bySource, "Prompt tokens by source.", "counter");
        out.sample(bySource, "source=\"local_compute\"", stats.numPromptTokens() - stats.numCachedPromptTokens());
        out.sample(bySource, "source=\"local_cache_hit\"", stats.numCachedPromptTokens());
        out.sample(bySource, "source=\"external_kv_transfer\"", 0);
        out.counter("vllm:generation_tokens", "Tokens generated.", stats.numGenerationTokens());
        out.counter("vllm:num_preemptions", "Preemptions.", stats.numPreemptions());
        out.counter("vllm:prefix_cache_queries", "Tokens looked up in the cache.", stats.prefixCacheQueries());
        out.counter("vllm:prefix_cache_hits", "Tokens found in the cache.", stats.prefixCacheHits());
        String success = "vllm:request_success_total";
        out.family(success, "Ended sequences by reason.", "counter");
        for (FinishReason reason : FinishReason.values()) {
            out.sample(success, finishedReason(reason.label()), stats.numFinished()[reason.ordinal()]);
        }
        out.sample(success, finishedReason(REPETITION), 0);
    }

    private static String finishedReason(String label) {
        return "finished_reason=\"" + label + "\"";
    }
}
