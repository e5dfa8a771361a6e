package dev.quire.kernel;

/** A token embedding matrix [vocabSize, hidden], resident on a device. */
public interface EmbeddingTable {
    int vocabSize();

    int hidden();
}
