package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A scheduler with a scripted device: K and V of a token are the token itself, written to its slot; the next token is a
 * hash of everything the block table shows. So a wrong block, a stale slot or a lost token changes what comes out.
 */
final class Simulation {
    static final int VOCAB = 1000;

    final SchedulerConfig config;
    final KvCacheManager kvCache;
    final Scheduler scheduler;
    final SchedulerOutput order;
    final ModelRunnerOutput output;
    final List<Integer> stepTokens = new ArrayList<>();
    int numEnded;
    int numPromptsDone;
    private final int[] device;
    private final int blockSize;

    Simulation(SchedulerConfig config, int numBlocks, int blockSize, boolean caching) {
        this.config = config;
        this.blockSize = blockSize;
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
        order = new SchedulerOutput(config.maxNumSeqs());
        output = new ModelRunnerOutput(config.maxNumSeqs());
        device = new int[numBlocks * blockSize];
        Arrays.fill(device, -1);
    }

    static SchedulerConfig config(int maxModelLen, int maxNumSeqs, int budget) {
        return new SchedulerConfig(maxModelLen, maxNumSeqs, budget, 0, false, 5);
    }

    static GenerationRequest request(RecordingSink sink, int[] prompt, SamplingParams params, int priority) {
        return new GenerationRequest(
                "r", TokenIds.of(prompt), params, TokenIds.of(VOCAB), priority, 0, System.nanoTime(), sink);
    }

    RecordingSink add(int[] prompt, int maxTokens) {
        RecordingSink sink = new RecordingSink(1);
        scheduler.add(request(
                sink, prompt, SamplingParams.builder().maxTokens(maxTokens).build(), 0));
        return sink;
    }

    /** What a sequence's next token must be, given its tokens. */
    static int next(int[] tokens, int count) {
        int h = 17;
        for (int i = 0; i < count; i++) {
            h = h * 31 + tokens[i];
        }
        return Math.floorMod(h ^ (h >>> 15), VOCAB);
    }

    static List<Integer> expected(int[] prompt, int count) {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + count);
        List<Integer> out = new ArrayList<>();
        for (int i = prompt.length; i < tokens.length; i++) {
            tokens[i] = next(tokens, i);
            out.add(tokens[i]);
        }
        return out;
    }

    void step() {
        scheduler.schedule(order);
        assertThat(order.numScheduledTokens()).isLessThanOrEqualTo(config.maxNumBatchedTokens());
        assertThat(order.numRows()).isLessThanOrEqualTo(config.maxNumSeqs());
        stepTokens.add(order.numScheduledTokens());
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            for (int p = row.firstPosition; p < row.firstPosition + row.numScheduledTokens; p++) {
                device[slot(row, p)] = row.tokens[p];
            }
        }
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            if (row.samples) {
                int[] seen = new int[row.numTokens];
                for (int p = 0; p < seen.length; p++) {
                    seen[p] = device[slot(row, p)];
                }
                output.set(i, next(seen, seen.length), null);
            }
        }
        scheduler.update(order, output);
        scheduler.verify();
    }

    private int slot(ScheduledSequence row, int position) {
        return row.blockIds[position / blockSize] * blockSize + position % blockSize;
    }

    int runToEnd(int maxSteps) {
        int steps = 0;
        while (scheduler.hasWork()) {
            assertThat(steps++).as("steps").isLessThan(maxSteps);
            step();
        }
        assertThat(kvCache.numFreeBlocks()).isEqualTo(kvCache.numBlocks());
        return steps;
    }
}
