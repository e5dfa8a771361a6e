package dev.quire.boot;

import dev.quire.batch.ModelRunnerOutput;
import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.request.SamplingParams;
import dev.quire.runner.StepRunner;

/**
 * Two steps of a sequence that nobody asked for, a short prompt and one token more, before the engine starts: the first
 * request would otherwise wait until its kernels are compiled. Leaves its K and V in blocks that no sequence owns yet.
 */
final class WarmUp {
    private static final int PROMPT_LEN = 16;

    private WarmUp() {}

    static void run(StepRunner runner, int maxNumSeqs, int maxNumBatchedTokens, int maxModelLen, int blockSize) {
        int promptLen = Math.min(PROMPT_LEN, Math.min(maxNumBatchedTokens, maxModelLen - 1));
        if (promptLen < 1) {
            return;
        }
        SchedulerOutput order = new SchedulerOutput(maxNumSeqs);
        ModelRunnerOutput output = new ModelRunnerOutput(maxNumSeqs);
        int[] tokens = new int[promptLen + 1];
        int[] blockIds = new int[(tokens.length + blockSize - 1) / blockSize];
        for (int i = 0; i < blockIds.length; i++) {
            blockIds[i] = i;
        }
        step(runner, order, output, tokens, blockIds, 0, promptLen);
        step(runner, order, output, tokens, blockIds, promptLen, 1);
    }

    private static void step(
            StepRunner runner,
            SchedulerOutput order,
            ModelRunnerOutput output,
            int[] tokens,
            int[] blockIds,
            int firstPosition,
            int numTokens) {
        order.clear();
        ScheduledSequence row = order.next();
        row.newInSlot = firstPosition == 0;
        row.params = SamplingParams.builder().temperature(0).build();
        row.tokens = tokens;
        row.numTokens = firstPosition + numTokens;
        row.numPromptTokens = row.numTokens;
        row.firstPosition = firstPosition;
        row.numScheduledTokens = numTokens;
        row.samples = true;
        row.blockIds = blockIds;
        row.numBlocks = blockIds.length;
        order.commit();
        runner.run(order, output);
    }
}
