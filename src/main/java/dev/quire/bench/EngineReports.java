package dev.quire.bench;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineStats;
import java.util.ArrayList;
import java.util.List;

/** The measurements of an engine in this process and the reports on them. */
public final class EngineReports {
    private static final int WARM_UP_LEN = 32;
    private static final int DECODE_PROMPT_LEN = 32;
    private static final int NUM_PREFILLS = 3;
    private static final int WIDE_BATCH = 8;

    private static final int REHEARSAL_PROMPT_LEN = 8;
    /** Sequences that end together in the rehearsal. */
    private static final int REHEARSAL_STRIDE = 16;

    private final Subject subject;
    private final EngineBench bench;

    /**
     * What is measured.
     *
     * @param numThreads threads that compute
     * @param weightBytesPerStep bytes of weights that one decode step reads
     */
    public record Subject(EngineClient client, String model, String backend, int numThreads, long weightBytesPerStep) {}

    /**
     * With what.
     *
     * @param workload makes prompts
     * @param jobs the requests of the final run
     * @param inputLen prompt tokens of the single runs
     * @param outputLen generated tokens of the single runs
     * @param maxConcurrency requests in flight at most in the final run
     */
    public record Plan(Workload workload, List<Job> jobs, int inputLen, int outputLen, int maxConcurrency) {
        /** Prompt and generated tokens of the longest request of all runs. */
        public int longest() {
            int longest = Math.max(inputLen, DECODE_PROMPT_LEN) + Math.max(outputLen, WARM_UP_LEN);
            for (Job job : jobs) {
                longest = Math.max(longest, job.prompt().length() + job.outputLen());
            }
            return longest;
        }
    }

    public EngineReports(Subject subject, Progress progress) {
        this.subject = subject;
        this.bench = new EngineBench(subject.client, progress);
    }

    /**
     * Prefill of one prompt, decode of one and of eight sequences, then all jobs.
     *
     * @param roofline also compare decode with {@link ReadBandwidth}
     */
    public Report throughput(Plan plan, boolean roofline) throws InterruptedException {
        Report report = head("Throughput");
        warmUp(plan);
        double bandwidth = roofline ? ReadBandwidth.measure(subject.numThreads) : 0;
        addPrefill(report, plan);
        double decode = addDecode(report, plan);
        if (roofline) {
            // Once more: a neighbour on the machine may have disturbed the first.
            addRoofline(report, Math.max(bandwidth, ReadBandwidth.measure(subject.numThreads)), decode);
        }
        addWorkload(report, plan);
        return report;
    }

    /** Batches of {@code batchSize} sequences, each from submit to last token. */
    public Report latency(Plan plan, int batchSize, int numWarmUps, int numRuns) throws InterruptedException {
        for (int i = 0; i < numWarmUps; i++) {
            batch(plan, "warm-up", batchSize);
        }
        double[] millis = new double[numRuns];
        for (int i = 0; i < numRuns; i++) {
            millis[i] = batch(plan, "latency", batchSize).seconds() * 1e3;
        }
        return head("Latency")
                .add("batch_size", "Sequences", batchSize)
                .add("input_len", "Prompt tokens each", plan.inputLen)
                .add("output_len", "Generated tokens each", plan.outputLen)
                .addMillis("latency", "latency", Distribution.of(millis));
    }

    private Report head(String what) {
        return new Report(what + " of " + subject.model)
                .add("model", "Model", subject.model)
                .add("backend", "Backend", subject.backend);
    }

    private EngineBench.Result batch(Plan plan, String phase, int size) throws InterruptedException {
        return bench.run(phase, plan.workload.uniform(size, plan.inputLen, plan.outputLen), size);
    }

    /** Compiled code and touched pages: neither is what should be measured. */
    private void warmUp(Plan plan) throws InterruptedException {
        bench.run("warm-up", plan.workload.uniform(WIDE_BATCH, WARM_UP_LEN, WARM_UP_LEN), WIDE_BATCH);
        bench.run("warm-up", plan.workload.uniform(1, plan.inputLen, WARM_UP_LEN), 1);
    }

    private void addPrefill(Report report, Plan plan) throws InterruptedException {
        int length = plan.inputLen;
        // The first one also compiles.
        bench.run("warm-up", plan.workload.uniform(1, length, 1), 1);
        double[] rates = new double[NUM_PREFILLS];
        for (int i = 0; i < NUM_PREFILLS; i++) {
            EngineBench.Result result = bench.run("prefill", plan.workload.uniform(1, length, 1), 1);
            rates[i] = length / result.seconds();
        }
        report.add("prefill_tokens", "Prefill length", length)
                .add(
                        "prefill_tok_s",
                        "Prefill (tokens/s)",
                        Distribution.of(rates).median());
    }

    /** Tokens a second of one sequence. */
    private double addDecode(Report report, Plan plan) throws InterruptedException {
        int length = Math.max(2, plan.outputLen);
        double one = decode(plan, 1, length);
        double wide = decode(plan, WIDE_BATCH, length);
        report.add("decode_1_tok_s", "Decode, 1 sequence (tokens/s)", one)
                .add("decode_8_tok_s", "Decode, 8 sequences (tokens/s)", wide)
                .add("decode_8_over_1", "8 sequences over 1", wide / one);
        return one;
    }

    private double decode(Plan plan, int batch, int length) throws InterruptedException {
        List<Job> jobs = plan.workload.uniform(batch, DECODE_PROMPT_LEN, length);
        return bench.run("decode " + batch, jobs, batch).decodeTokensPerSecond();
    }

    private void addRoofline(Report report, double bandwidth, double decode) {
        double used = decode * subject.weightBytesPerStep;
        report.add("weight_bytes_per_step", "Weights read per step (bytes)", subject.weightBytesPerStep)
                .add("read_bandwidth_gb_s", "Read loop (GB/s)", bandwidth / 1e9)
                .add("decode_bandwidth_gb_s", "Decode, 1 sequence (GB/s)", used / 1e9)
                .add("decode_bandwidth_percent", "Decode of the read loop (%)", 100 * used / bandwidth);
    }

    /** A device measures its products, and captures its steps, when a size of batch comes up first: all sizes come up here. */
    private void rehearse(Plan plan) throws InterruptedException {
        if (!isOnDevice()) {
            return;
        }
        List<Job> jobs = new ArrayList<>();
        int count = Math.min(plan.maxConcurrency, plan.jobs.size());
        for (int i = 0; i < count; i++) {
            jobs.addAll(plan.workload.uniform(1, REHEARSAL_PROMPT_LEN, 4 + i / REHEARSAL_STRIDE * 4));
        }
        bench.run("warm-up", jobs, count);
    }

    private boolean isOnDevice() {
        return subject.backend.startsWith("cuda");
    }

    private void addWorkload(Report report, Plan plan) throws InterruptedException {
        List<Job> jobs = plan.jobs;
        long promptTokens =
                jobs.stream().mapToLong(job -> job.prompt().length()).sum();
        rehearse(plan);
        EngineStats before = subject.client.stats();
        EngineBench.Result result = bench.run("requests", jobs, plan.maxConcurrency);
        EngineStats after = subject.client.stats();
        report.add("num_prompts", "Requests", jobs.size())
                .add("total_input_tokens", "Prompt tokens", promptTokens)
                .add("total_output_tokens", "Generated tokens", result.numTokens())
                .add("duration", "Duration (s)", result.seconds())
                .add("output_tok_s", "Generated (tokens/s)", result.numTokens() / result.seconds())
                .add("total_tok_s", "All (tokens/s)", (promptTokens + result.numTokens()) / result.seconds());
        addPercentiles(report, "ttft", "TTFT", Distribution.ttft(result.requests()));
        addPercentiles(report, "itl", "ITL", Distribution.itl(result.requests()));
        long slots = after.kvSlotSteps() - before.kvSlotSteps();
        long empty = after.kvEmptySlotSteps() - before.kvEmptySlotSteps();
        if (isOnDevice()) {
            // Where the host itself computes, its time is the step's.
            double micros = (after.hostNanos() - before.hostNanos()) / 1e3;
            report.add(
                    "host_us_per_step",
                    "Host work per step (µs)",
                    micros / Math.max(1, after.numSteps() - before.numSteps()));
        }
        report.add("kv_internal_waste_percent", "KV slots allocated and empty (%)", 100.0 * empty / Math.max(1, slots))
                .add("num_preemptions", "Preemptions", after.numPreemptions() - before.numPreemptions());
    }

    private void addPercentiles(Report report, String name, String label, Distribution distribution) {
        report.add("p50_" + name + "_ms", label + " p50 (ms)", distribution.median())
                .add("p99_" + name + "_ms", label + " p99 (ms)", distribution.percentile(99));
    }
}
