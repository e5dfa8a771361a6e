package dev.quire.weights.gguf;

import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;

/**
 * A tensor of a GGUF file.
 *
 * @param file the file it is in, for messages
 * @param name ggml's name, such as {@code blk.0.attn_q.weight}
 * @param shape outermost extent first, the reverse of the file's order
 * @param bytes its data, rows one after the other
 */
record GgufTensor(String file, String name, GgufType type, Shape shape, HostBytes bytes) {
    /** Bytes of one row, the innermost extent. */
    long rowBytes() {
        return shape.dim(shape.rank() - 1) / type.blockElements() * type.blockBytes();
    }

    /** The plain numbers under another name. */
    HostTensor plain(String newName) {
        return new HostTensor(newName, type.dtype(), shape, bytes);
    }
}
