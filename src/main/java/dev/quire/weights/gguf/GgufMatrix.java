package dev.quire.weights.gguf;

import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A matrix of ggml's blocks, which lie along its rows.
 *
 * @param name the layer's name in Hugging Face's words
 * @param tensor of a block type and two dimensions
 * @param order of its rows in the file
 */
record GgufMatrix(String name, GgufTensor tensor, RowOrder order) implements QuantizedMatrix {
    @Override
    public int numRows() {
        return tensor.shape().intDim(0);
    }

    @Override
    public int numCols() {
        return tensor.shape().intDim(1);
    }

    @Override
    public Codes codes() {
        return tensor.type().codes();
    }

    @Override
    public int groupSize() {
        return tensor.type().groupSize();
    }

    @Override
    public boolean isSymmetric() {
        return tensor.type().isSymmetric();
    }

    @Override
    public int @Nullable [] columnOrder() {
        return null;
    }

    /** The K types multiply two of their numbers. */
    @Override
    public DType scaleType() {
        return tensor.type().blockElements() == 32 ? DType.F16 : DType.F32;
    }

    @Override
    public long sizeBytes() {
        return tensor.bytes().sizeBytes();
    }

    @Override
    public Rows rows(int firstRow, int count) {
        Objects.checkFromIndexSize(firstRow, count, numRows());
        int rowBytes = Math.toIntExact(tensor.rowBytes());
        byte[] blocks = new byte[Math.multiplyExact(count, rowBytes)];
        if (order.isAsItIs()) {
            tensor.bytes().slice((long) firstRow * rowBytes, blocks.length).get(blocks);
        } else {
            for (int i = 0; i < count; i++) {
                ByteBuffer row = tensor.bytes().slice((long) order.inFile(firstRow + i) * rowBytes, rowBytes);
                row.get(blocks, i * rowBytes, rowBytes);
            }
        }
        return new BlockRows(tensor.type(), numCols() / tensor.type().blockElements(), rowBytes, blocks);
    }

    /** Copied rows, blocksPerRow blocks each. */
    private record BlockRows(GgufType type, int blocksPerRow, int rowBytes, byte[] blocks) implements Rows {
        @Override
        public void codes(int row, byte[] dst, int at) {
            for (int b = 0; b < blocksPerRow; b++) {
                GgufBlocks.codes(type, blocks, from(row, b), dst, at + b * type.blockElements());
            }
        }

        @Override
        public void scales(int row, float[] dst, int at) {
            for (int b = 0; b < blocksPerRow; b++) {
                GgufBlocks.scales(type, blocks, from(row, b), dst, at + b * groupsPerBlock());
            }
        }

        @Override
        public void offsets(int row, float[] dst, int at) {
            for (int b = 0; b < blocksPerRow; b++) {
                GgufBlocks.offsets(type, blocks, from(row, b), dst, at + b * groupsPerBlock());
            }
        }

        private int from(int row, int block) {
            return row * rowBytes + block * type.blockBytes();
        }

        private int groupsPerBlock() {
            return type.blockElements() / type.groupSize();
        }
    }
}
