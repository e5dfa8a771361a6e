package dev.quire.runner;

import dev.quire.batch.ScheduledSequence;
import dev.quire.batch.SchedulerOutput;
import dev.quire.kernel.AttentionMetadata;

/** The work order as a model reads it: token ids, attention metadata, and which rows sample. Reused step by step. */
final class InputBatch {
    /** A token that the step in flight samples, and only the device knows, is −(slot + 1) of its sequence. */
    final int[] tokenIds;

    final AttentionMetadata metadata;
    /** Last row of each sampling sequence, in order. */
    final int[] logitRows;

    int numLogitRows;

    InputBatch(int maxNumSeqs, int maxNumTokens, int maxModelLen, int blockSize) {
        tokenIds = new int[maxNumTokens];
        int maxBlocks = (maxModelLen + blockSize - 1) / blockSize;
        metadata = new AttentionMetadata(maxNumSeqs, maxNumTokens, maxBlocks, blockSize);
        logitRows = new int[maxNumSeqs];
    }

    void fill(SchedulerOutput order) {
        metadata.clear();
        numLogitRows = 0;
        for (int i = 0; i < order.numRows(); i++) {
            ScheduledSequence row = order.row(i);
            int numKnown = row.numScheduledTokens - row.numPendingTokens;
            System.arraycopy(row.tokens, row.firstPosition, tokenIds, metadata.numTokens, numKnown);
            if (row.numPendingTokens > 0) {
                tokenIds[metadata.numTokens + numKnown] = -(row.slot + 1);
            }
            int numBlocks = (row.firstPosition + row.numScheduledTokens + metadata.blockSize - 1) / metadata.blockSize;
            metadata.add(row.firstPosition, row.numScheduledTokens, row.blockIds, numBlocks);
            if (row.samples) {
                logitRows[numLogitRows++] = metadata.numTokens - 1;
            }
        }
    }

    /** Pads a step of one row a sequence to {@code count} of them, all of whose rows give logits. */
    void pad(int count) {
        for (int i = metadata.numTokens; i < count; i++) {
            tokenIds[i] = 0;
            logitRows[numLogitRows++] = i;
        }
        metadata.pad(count);
    }
}
