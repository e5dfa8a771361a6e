package dev.quire.boot;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.request.SamplingParams;
import dev.quire.runner.StepRunner;

/**
 * One step over a short prompt that nobody asked for, before the engine starts and beside the start of HTTP: the first
 * request would otherwise wait until its kernels are compiled. Leaves K and V in blocks that no sequence owns yet.
 */
final class WarmUp {
    private static final int PROMPT_LEN = 16;

    private WarmUp() {}

    static void run(StepRunner runner, int maxNumSeqs, int maxNumBatchedTokens, int maxModelLen, int blockSize) {
        int promptLen = Math.min(PROMPT_LEN, Math.min(maxNumBatchedTokens, maxModelLen));
        int[] blockIds = new int[(promptLen + blockSize - 1) / blockSize];
        for (int i = 0; i < blockIds.length; i++) {
            blockIds[i] = i;
        }
        SchedulerOutput order = new SchedulerOutput(maxNumSeqs);
        ScheduledSequence row = order.next();
        row.newInSlot = true;
        row.params = SamplingParams.builder().temperature(0).build();
        row.tokens = new int[promptLen];
        row.numTokens = promptLen;
        row.numPromptTokens = promptLen;
        row.numScheduledTokens = promptLen;
        row.samples = true;
        row.blockIds = blockIds;
        row.numBlocks = blockIds.length;
        order.commit();
        runner.submit(order, new ModelRunnerOutput(maxNumSeqs));
        runner.collect();
    }
}
