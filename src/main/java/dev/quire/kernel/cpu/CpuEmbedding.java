package dev.quire.kernel.cpu;

import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.Tensor;

/** Embedding rows out of a packed matrix, which a tied output projection shares. */
final class CpuEmbedding implements EmbeddingKernels {
    private final WeightPacker packer;

    CpuEmbedding(WeightPacker packer) {
        this.packer = packer;
    }

    record Table(PackedMatrix matrix) implements EmbeddingTable {
        @Override
        public int vocabSize() {
            return matrix.rows;
        }

        @Override
        public int hidden() {
            return matrix.cols;
        }
    }

    @Override
    public EmbeddingTable load(LinearWeight matrix) {
        return new Table(packer.pack(matrix).parts.get(0));
    }

    @Override
    public void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale) {
        PackedMatrix matrix = ((Table) table).matrix;
        int hidden = matrix.cols;
        for (int i = 0; i < numRows; i++) {
            if (ids[i] < 0 || ids[i] >= matrix.rows) {
                throw new IllegalStateException("token id " + ids[i] + " of a vocabulary of " + matrix.rows);
            }
            int to = (int) out.offset() + i * out.rowStride();
            matrix.unpackRow(ids[i], out.floats(), to);
            if (scale != 1) {
                for (int j = 0; j < hidden; j++) {
                    out.floats()[to + j] *= scale;
                }
            }
        }
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, int[] rows, int numRows) {
        int hidden = Math.min(out.rowStride(), x.rowStride());
        for (int i = 0; i < numRows; i++) {
            int from = (int) x.offset() + rows[i] * x.rowStride();
            System.arraycopy(x.floats(), from, out.floats(), (int) out.offset() + i * out.rowStride(), hidden);
        }
    }
}
