package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/** Token ids to rows of the embedding matrix. */
public interface EmbeddingKernels {
    /** Takes the matrix [vocabSize, hidden], plain or quantized, into the device's layout. */
    EmbeddingTable load(LinearWeight matrix);

    /**
     * out[i, :] = table[ids[i], :] × scale for i in [0, numRows).
     *
     * @param out [≥ numRows, hidden]
     * @param ids token ids, each in [0, vocabSize)
     * @param scale Granite's embedding multiplier, Gemma's √hidden; else 1
     */
    void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale);

    /**
     * out[i, :] = x[rows[i], :] for i in [0, numRows): picks the rows that sample.
     *
     * @param out [≥ numRows, hidden], not overlapping x
     */
    void gatherRows(Tensor out, Tensor x, int[] rows, int numRows);
}
