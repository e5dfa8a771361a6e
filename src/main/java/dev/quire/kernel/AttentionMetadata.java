package dev.quire.kernel;

import java.util.Arrays;

/**
 * Which rows belong to which sequence and where their keys lie: built once per step, read by every layer. Reused from
 * step to step; arrays are at least as long as the counts say and only grow.
 *
 * <p>Sequence s owns rows [cuSeqlensQ[s], cuSeqlensQ[s+1]); they are the last of its seqLens[s] tokens. Its logical
 * block b is blockTables[s × maxBlocksPerSeq + b].
 */
public final class AttentionMetadata {
    public int numSeqs;
    public int numTokens;
    /** Largest number of rows of one sequence; 1 means a pure decode step. */
    public int maxQueryLen;

    public int maxSeqLen;
    public int blockSize;
    /** Row stride of {@link #blockTables}. */
    public int maxBlocksPerSeq;

    public int[] cuSeqlensQ;
    public int[] seqLens;
    public int[] blockTables;
    /** Per row: block × blockSize + offset. */
    public int[] slotMapping;
    /** Per row: position of the token in its sequence. */
    public int[] positions;

    public AttentionMetadata(int maxNumSeqs, int maxNumTokens, int maxBlocksPerSeq, int blockSize) {
        this.blockSize = blockSize;
        this.maxBlocksPerSeq = maxBlocksPerSeq;
        cuSeqlensQ = new int[maxNumSeqs + 1];
        seqLens = new int[maxNumSeqs];
        blockTables = new int[Math.multiplyExact(maxNumSeqs, maxBlocksPerSeq)];
        slotMapping = new int[maxNumTokens];
        positions = new int[maxNumTokens];
    }

    /** Starts a new step. */
    public void clear() {
        numSeqs = 0;
        numTokens = 0;
        maxQueryLen = 0;
        maxSeqLen = 0;
        cuSeqlensQ[0] = 0;
    }

    /**
     * Adds the next sequence: {@code numRows} tokens from position {@code firstPosition}, whose blocks are
     * {@code blocks[0, numBlocks)}.
     */
    public void add(int firstPosition, int numRows, int[] blocks, int numBlocks) {
        int seq = numSeqs++;
        int seqLen = firstPosition + numRows;
        if ((long) numBlocks * blockSize < seqLen) {
            throw new IllegalStateException(
                    "sequence of " + seqLen + " tokens has " + numBlocks + " blocks of " + blockSize);
        }
        System.arraycopy(blocks, 0, blockTables, seq * maxBlocksPerSeq, numBlocks);
        for (int i = 0; i < numRows; i++) {
            int position = firstPosition + i;
            positions[numTokens + i] = position;
            slotMapping[numTokens + i] = blocks[position / blockSize] * blockSize + position % blockSize;
        }
        numTokens += numRows;
        seqLens[seq] = seqLen;
        cuSeqlensQ[seq + 1] = numTokens;
        maxQueryLen = Math.max(maxQueryLen, numRows);
        maxSeqLen = Math.max(maxSeqLen, seqLen);
    }

    /**
     * Adds sequences of one row and no tokens until there are {@code count}: their K and V go nowhere (slot -1), their rows
     * mean nothing.
     */
    public void pad(int count) {
        while (numSeqs < count) {
            positions[numTokens] = 0;
            slotMapping[numTokens++] = -1;
            seqLens[numSeqs++] = 0;
            cuSeqlensQ[numSeqs] = numTokens;
        }
    }

    @Override
    public String toString() {
        return "AttentionMetadata[seqs=" + numSeqs + ", tokens=" + numTokens + ", cuSeqlensQ="
                + Arrays.toString(Arrays.copyOf(cuSeqlensQ, numSeqs + 1)) + ", seqLens="
                + Arrays.toString(Arrays.copyOf(seqLens, numSeqs)) + "]";
    }
}
