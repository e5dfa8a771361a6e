package dev.quire.kernel;

/**
 * Device K and V of every layer, in blocks of {@code blockSize} tokens; the layout inside is the backend's. Slot s of
 * a token is block × blockSize + offset in block.
 */
public interface PagedKvCache extends AutoCloseable {
    int numLayers();

    int numBlocks();

    int blockSize();

    int numKvHeads();

    int headDim();

    @Override
    void close();
}
