package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend.StepLimits;
import java.nio.IntBuffer;

/**
 * The inputs of one step as the kernels read them: int32 arrays in one block of device memory, filled in pinned memory and
 * copied in one piece. Where an array begins depends only on the step's numbers of rows and sequences, so that a CUDA graph
 * captured for these numbers finds the next step's arrays at the same addresses.
 *
 * <p>Two steps may be in flight: two pinned blocks take turns, one device block is enough, for the copy of a step runs after
 * the kernels of the step before.
 */
final class StepData implements AutoCloseable {
    /** Arrays begin at multiples of so many ints: 16 bytes. */
    private static final int ALIGN = 4;

    private final CudaStream stream;
    private final DeviceMemory device;
    private final PinnedMemory[] pinned = new PinnedMemory[2];
    private final IntBuffer[] ints = new IntBuffer[2];
    private final AttentionPlan plan;
    private int turn;

    // Where the arrays of the current step begin, in ints.
    private int tokenIds;
    private int positions;
    private int slotMapping;
    private int logitRows;
    private int cuSeqlensQ;
    private int seqLens;
    private int blockTableStart;
    private int decodeSeqs;
    private int tileStarts;
    private int items;
    private int blockTables;
    private int numTileStarts;

    /**
     * @param maxNumTokens rows of a step
     * @param maxNumSeqs sequences of a step
     * @param maxBlocksPerSeq blocks of a sequence
     */
    StepData(CudaStream stream, AttentionPlan plan, int maxNumTokens, int maxNumSeqs, int maxBlocksPerSeq) {
        this.stream = stream;
        this.plan = plan;
        long arrays = 3L * (maxNumTokens + ALIGN)
                + (6L + plan.numWindows()) * (maxNumSeqs + 1 + ALIGN)
                + 2L * (plan.maxItems(maxNumTokens, maxNumSeqs) + ALIGN)
                + (long) maxNumSeqs * maxBlocksPerSeq;
        long numBytes = Math.multiplyExact(arrays, (long) Integer.BYTES);
        device = DeviceMemory.allocate("step inputs", numBytes);
        for (int i = 0; i < 2; i++) {
            pinned[i] = new PinnedMemory("step inputs", numBytes);
            ints[i] = pinned[i].bytes().asIntBuffer();
        }
    }

    /** About what the arrays of such steps take on the device. */
    static long bytes(StepLimits limits) {
        long perSeq = 16L + limits.maxBlocksPerSeq();
        return Integer.BYTES * (4L * limits.maxNumTokens() + perSeq * limits.maxNumSeqs());
    }

    /** Packs a step and enqueues its copy. */
    void upload(int[] ids, AttentionMetadata metadata, int[] sampledRows, int numSampledRows) {
        turn ^= 1;
        IntBuffer to = ints[turn];
        int rows = metadata.numTokens;
        int seqs = metadata.numSeqs;
        plan.compute(metadata);
        tokenIds = 0;
        positions = next(tokenIds, rows);
        slotMapping = next(positions, rows);
        logitRows = next(slotMapping, rows);
        cuSeqlensQ = next(logitRows, seqs);
        seqLens = next(cuSeqlensQ, seqs + 1);
        blockTableStart = next(seqLens, seqs);
        decodeSeqs = next(blockTableStart, seqs);
        tileStarts = next(decodeSeqs, seqs);
        numTileStarts = seqs + 1;
        items = next(tileStarts, plan.numWindows() * numTileStarts);
        blockTables = next(items, 2 * (plan.numItems() + plan.numRowItems()));

        to.put(tokenIds, ids, 0, rows);
        to.put(positions, metadata.positions, 0, rows);
        to.put(slotMapping, metadata.slotMapping, 0, rows);
        to.put(logitRows, sampledRows, 0, numSampledRows);
        to.put(cuSeqlensQ, metadata.cuSeqlensQ, 0, seqs + 1);
        to.put(seqLens, metadata.seqLens, 0, seqs);
        int end = putBlockTables(to, metadata);
        plan.put(to, decodeSeqs, tileStarts, numTileStarts, items, seqs);
        stream.copy(device.address(), pinned[turn].address(), (long) end * Integer.BYTES);
    }

    /** Ragged: each table only as long as its sequence; returns the end of all arrays. */
    private int putBlockTables(IntBuffer to, AttentionMetadata metadata) {
        int at = 0;
        for (int i = 0; i < metadata.numSeqs; i++) {
            int numBlocks = (metadata.seqLens[i] + metadata.blockSize - 1) / metadata.blockSize;
            to.put(blockTableStart + i, at);
            to.put(blockTables + at, metadata.blockTables, i * metadata.maxBlocksPerSeq, numBlocks);
            at += numBlocks;
        }
        return blockTables + at;
    }

    private static int next(int start, int length) {
        return (start + length + ALIGN - 1) / ALIGN * ALIGN;
    }

    AttentionPlan plan() {
        return plan;
    }

    long tokenIds() {
        return at(tokenIds);
    }

    long positions() {
        return at(positions);
    }

    long slotMapping() {
        return at(slotMapping);
    }

    long logitRows() {
        return at(logitRows);
    }

    long cuSeqlensQ() {
        return at(cuSeqlensQ);
    }

    long seqLens() {
        return at(seqLens);
    }

    long blockTableStart() {
        return at(blockTableStart);
    }

    long blockTables() {
        return at(blockTables);
    }

    long decodeSeqs() {
        return at(decodeSeqs);
    }

    /** @param window index of the sliding window in the plan */
    long tileStart(int window) {
        return at(tileStarts + window * numTileStarts);
    }

    long items() {
        return at(items);
    }

    /** int2 (sequence, 0) of the plan's sequences of one row. */
    long rowItems() {
        return at(items + 2 * plan.numItems());
    }

    private long at(int index) {
        return device.address() + (long) index * Integer.BYTES;
    }

    @Override
    public void close() {
        device.close();
        for (PinnedMemory memory : pinned) {
            memory.close();
        }
    }
}
