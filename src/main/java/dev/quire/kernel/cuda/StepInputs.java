package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionMetadata;
import org.jspecify.annotations.Nullable;

/** Where the kernels find the current step's arrays; set up when the sizes of the largest step are known. */
final class StepInputs implements AutoCloseable {
    private final CudaStream stream;
    private @Nullable StepData data;
    private int[] logitRows = {};
    private int numRows;
    private int numSeqs;

    StepInputs(CudaStream stream) {
        this.stream = stream;
    }

    /** Takes the memory for the largest step. */
    void reserve(AttentionPlan plan, int maxNumTokens, int maxNumSeqs, int maxBlocksPerSeq) {
        close();
        data = new StepData(stream, plan, maxNumTokens, maxNumSeqs, maxBlocksPerSeq);
    }

    void upload(int[] ids, AttentionMetadata metadata, int[] rows, int numLogitRows) {
        logitRows = rows;
        numRows = metadata.numTokens;
        numSeqs = metadata.numSeqs;
        data().upload(ids, metadata, rows, numLogitRows);
    }

    StepData data() {
        StepData current = data;
        if (current == null) {
            throw new IllegalStateException("no step has been taken to the device");
        }
        return current;
    }

    boolean isLogitRows(int[] rows) {
        return rows == logitRows;
    }

    /** Rows of the current step, padding included. */
    int numRows() {
        return numRows;
    }

    int numSeqs() {
        return numSeqs;
    }

    @Override
    public void close() {
        if (data != null) {
            data.close();
            data = null;
        }
    }
}
