package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A scheduler with a {@link ScriptedDevice}, stepped as the engine does it: so many steps in flight at most. */
final class Simulation {
    static final int VOCAB = ScriptedDevice.VOCAB;

    private record Step(SchedulerOutput order, ModelRunnerOutput output) {}

    final SchedulerConfig config;
    final KvCacheManager kvCache;
    final Scheduler scheduler;
    final ScriptedDevice device;
    final int maxStepsInFlight;
    final List<Integer> stepTokens = new ArrayList<>();
    /** The last one submitted. */
    SchedulerOutput order;

    int numEnded;
    int numPromptsDone;
    private final ArrayDeque<Step> unused = new ArrayDeque<>();
    private final ArrayDeque<Step> inFlight = new ArrayDeque<>();

    Simulation(SchedulerConfig config, int numBlocks, int blockSize, boolean caching, int maxStepsInFlight) {
        this.config = config;
        this.maxStepsInFlight = maxStepsInFlight;
        kvCache = new KvCacheManager(numBlocks, blockSize, caching, 11);
        scheduler = new Scheduler(config, kvCache, new SequenceListener() {
            @Override
            public void promptDone(GenerationRequest request) {
                numPromptsDone++;
            }

            @Override
            public void sequenceEnded(GenerationRequest request) {
                numEnded++;
            }
        });
        device = new ScriptedDevice(config.maxNumSeqs(), numBlocks, blockSize, maxStepsInFlight);
        for (int i = 0; i < maxStepsInFlight; i++) {
            unused.add(new Step(new SchedulerOutput(config.maxNumSeqs()), new ModelRunnerOutput(config.maxNumSeqs())));
        }
        order = unused.element().order;
    }

    static SchedulerConfig config(int maxModelLen, int maxNumSeqs, int budget) {
        return new SchedulerConfig(maxModelLen, maxNumSeqs, budget, 0, false, 5);
    }

    static GenerationRequest request(RecordingSink sink, int[] prompt, SamplingParams params, int priority) {
        return new GenerationRequest(
                "r", TokenIds.of(prompt), params, TokenIds.of(VOCAB), priority, 0, System.nanoTime(), sink);
    }

    RecordingSink add(int[] prompt, int maxTokens) {
        return add(prompt, SamplingParams.builder().maxTokens(maxTokens).build());
    }

    RecordingSink add(int[] prompt, SamplingParams params) {
        RecordingSink sink = new RecordingSink(params.n());
        scheduler.add(request(sink, prompt, params, 0));
        return sink;
    }

    /** What one sequence hears that has this simulation for itself. */
    RecordingSink runAlone(int[] prompt, SamplingParams params) {
        RecordingSink sink = add(prompt, params);
        runToEnd(1000);
        return sink;
    }

    static List<Integer> expected(int[] prompt, int count) {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + count);
        List<Integer> out = new ArrayList<>();
        for (int i = prompt.length; i < tokens.length; i++) {
            tokens[i] = ScriptedDevice.next(tokens, i);
            out.add(tokens[i]);
        }
        return out;
    }

    /** Submits a step, and collects the oldest when no more may be in flight or nothing was submitted. */
    void step() {
        boolean submitted = scheduler.hasWork() && submit();
        if (unused.isEmpty() || (!submitted && !inFlight.isEmpty())) {
            collect();
        }
        scheduler.verify();
    }

    private boolean submit() {
        Step step = unused.element();
        scheduler.schedule(step.order);
        if (step.order.isEmpty()) {
            assertThat(inFlight)
                    .as("only results in flight excuse an empty order")
                    .isNotEmpty();
            return false;
        }
        assertThat(step.order.numScheduledTokens()).isLessThanOrEqualTo(config.maxNumBatchedTokens());
        assertThat(step.order.numRows()).isLessThanOrEqualTo(config.maxNumSeqs());
        unused.remove();
        order = step.order;
        stepTokens.add(order.numScheduledTokens());
        device.submit(order, step.output);
        inFlight.add(step);
        return true;
    }

    private void collect() {
        Step step = inFlight.remove();
        device.collect();
        scheduler.update(step.order, step.output);
        unused.add(step);
    }

    boolean hasStepsInFlight() {
        return !inFlight.isEmpty();
    }

    /** Collects whatever is in flight. */
    void collectAll() {
        while (!inFlight.isEmpty()) {
            collect();
            scheduler.verify();
        }
    }

    void runToEnd(int maxSteps) {
        int steps = 0;
        while (scheduler.hasWork() || !inFlight.isEmpty()) {
            assertThat(steps++).as("steps").isLessThan(maxSteps);
            step();
        }
        assertThat(kvCache.numFreeBlocks()).isEqualTo(kvCache.numBlocks());
    }

    /** Random tokens, the same for the same seed. */
    static int[] prompt(int length, int seed) {
        Random random = new Random(seed);
        int[] tokens = new int[length];
        Arrays.setAll(tokens, i -> random.nextInt(VOCAB));
        return tokens;
    }
}
