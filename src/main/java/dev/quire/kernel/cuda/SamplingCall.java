package dev.quire.kernel.cuda;

import dev.quire.kernel.SampledTokens;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One call of the sampling kernels from its packing until its results are read: the memory its parameters and results pass
 * through. Reused; the memory grows to the largest call.
 */
final class SamplingCall implements AutoCloseable {
    /** Bytes of {@code LogprobResult}: log-probability, rank, maximum, padding, logarithm of the total. */
    static final int RESULT_BYTES = 24;

    final TransferMemory parameters;
    final TransferMemory results;
    private final CudaStream stream;
    /** Raw logits of rows that report more than the kernel sorts. */
    private @Nullable PinnedMemory fullRows;

    private long fullBytes;

    /** Step that this call belongs to; -1 when the call is free. */
    long step = -1;

    SampledTokens out;
    int vocabSize;
    int numRows;
    boolean hasIds;
    int numWanted;
    int topStride;
    /** Row and number of best ids of each report; in {@code wantedFull} which full row it ranks, or -1. */
    int[] wantedRow = {};

    int[] wantedTop = {};
    int[] wantedFull = {};
    private final FullRanking ranking = new FullRanking();

    SamplingCall(CudaStream stream) {
        parameters = new TransferMemory("sampling parameters", stream);
        results = new TransferMemory("sampled tokens", stream);
        this.stream = stream;
    }

    /** Copies raw logits here for ranking on the host. */
    void keepFullRow(int index, int numFull, long logits) {
        long rowBytes = (long) vocabSize * Float.BYTES;
        if (fullBytes < numFull * rowBytes) {
            closeFullRows();
            fullRows = new PinnedMemory("raw logits", numFull * rowBytes);
            fullBytes = numFull * rowBytes;
        }
        stream.copy(fullRows.address() + index * rowBytes, logits, rowBytes);
    }

    private void closeFullRows() {
        if (fullRows != null) {
            stream.synchronize();
            fullRows.close();
            fullRows = null;
            fullBytes = 0;
        }
    }

    /** Makes room for so many reports. */
    void reserveWanted(int count) {
        if (wantedRow.length < count) {
            wantedRow = new int[count];
            wantedTop = new int[count];
            wantedFull = new int[count];
        }
    }

    // Where parts of the results begin: ids, one block for each report, best ids, their log-probabilities.

    int reportsAt() {
        return align(numRows * Integer.BYTES);
    }

    int topIdsAt() {
        return reportsAt() + numWanted * RESULT_BYTES;
    }

    int topLogprobsAt() {
        return topIdsAt() + numWanted * topStride * Integer.BYTES;
    }

    int resultBytes() {
        return topLogprobsAt() + numWanted * topStride * Float.BYTES;
    }

    static int align(int numBytes) {
        return (numBytes + 15) & ~15;
    }

    /** Fills in what the device has written; the call is free then. */
    void deliver() {
        ByteBuffer from = results.bytes();
        for (int row = 0; row < numRows; row++) {
            if (hasIds) {
                out.ids[row] = from.getInt(row * Integer.BYTES);
            }
            out.logprobs[row] = Float.NaN;
            out.ranks[row] = 0;
            out.topIds[row] = null;
            out.topLogprobs[row] = null;
        }
        for (int i = 0; i < numWanted; i++) {
            report(from, i);
        }
        step = -1;
    }

    private void report(ByteBuffer from, int i) {
        int at = reportsAt() + i * RESULT_BYTES;
        int row = wantedRow[i];
        int rank = from.getInt(at + 4);
        if (rank == 0) {
            return;
        }
        out.logprobs[row] = from.getFloat(at);
        out.ranks[row] = rank;
        int[] ids = new int[wantedTop[i]];
        float[] logprobs = new float[wantedTop[i]];
        if (wantedFull[i] >= 0) {
            int start = wantedFull[i] * vocabSize * Float.BYTES;
            ranking.rank(
                    fullRows.bytes(), start, vocabSize, from.getFloat(at + 8), from.getDouble(at + 16), ids, logprobs);
        } else {
            for (int j = 0; j < ids.length; j++) {
                int entry = (i * topStride + j) * Integer.BYTES;
                ids[j] = from.getInt(topIdsAt() + entry);
                logprobs[j] = from.getFloat(topLogprobsAt() + entry);
            }
        }
        out.topIds[row] = ids;
        out.topLogprobs[row] = logprobs;
    }

    boolean isFree() {
        return step < 0;
    }

    @Override
    public void close() {
        parameters.close();
        results.close();
        closeFullRows();
    }
}
