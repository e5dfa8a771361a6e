package dev.quire.runner;

import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.AttentionMetadata;

/** The work order as a model reads it: token ids, attention metadata, and which rows sample. Reused step by step. */
final class InputBatch {
    final int[] tokenIds;
    final AttentionMetadata metadata;
    /** Last row of each sampling sequence, in order. */
    final int[] logitRows;
    /** Order row of each sampling sequence. */
    final int[] orderRows;

    int numLogitRows;

    InputBatch(int maxNumSeqs, int maxNumTokens, int maxModelLen, int blockSize) {
        tokenIds = new int[maxNumTokens];
        int maxBlocks = (maxModelLen + blockSize - 1) / blockSize;
        metadata = new AttentionMetadata(maxNumSeqs, maxNumTokens, maxBlocks, blockSize);
        logitRows = new int[maxNumSeqs];
        orderRows = new int[maxNumSeqs];
    }

    void fill(SchedulerOutput order) {
        metadata.clear();
        numLogitRows = 0;
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            System.arraycopy(row.tokens, row.firstPosition, tokenIds, metadata.numTokens, row.numScheduledTokens);
            int numBlocks = (row.firstPosition + row.numScheduledTokens + metadata.blockSize - 1) / metadata.blockSize;
            metadata.add(row.firstPosition, row.numScheduledTokens, row.blockIds, numBlocks);
            if (row.samples) {
                logitRows[numLogitRows] = metadata.numTokens - 1;
                orderRows[numLogitRows++] = i;
            }
        }
    }
}
