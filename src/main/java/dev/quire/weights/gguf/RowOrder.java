package dev.quire.weights.gguf;

/**
 * In which order a file has the rows of a matrix. llama.cpp rotates neighbouring rows of a head for its architecture
 * {@code llama} and the ones made from it, Hugging Face rows that are half a head apart; so the converter writes row
 * {@code half · d/2 + i} of each head of width d as row {@code 2 · i + half} ({@code LlamaModel.permute}), queries and keys
 * alike, weights and biases.
 *
 * @param headDim d; 0 where the file has Hugging Face's order
 */
record RowOrder(int headDim) {
    static final RowOrder AS_IT_IS = new RowOrder(0);

    boolean isAsItIs() {
        return headDim == 0;
    }

    /** The row of the file that is row {@code row} of the model. */
    int inFile(int row) {
        if (headDim == 0) {
            return row;
        }
        int inHead = row % headDim;
        int half = inHead / (headDim / 2);
        return row - inHead + 2 * (inHead % (headDim / 2)) + half;
    }
}
