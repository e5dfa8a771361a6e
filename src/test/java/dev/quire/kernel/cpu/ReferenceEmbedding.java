package dev.quire.kernel.cpu;

import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.Tensor;

/** Plain embedding: rows in f32. */
final class ReferenceEmbedding implements EmbeddingKernels {
    record Table(float[][] rows, int hidden) implements EmbeddingTable {
        @Override
        public int vocabSize() {
            return rows.length;
        }
    }

    @Override
    public EmbeddingTable load(LinearWeight matrix) {
        return new Table(ReferenceGemm.rows(matrix), matrix.inFeatures());
    }

    @Override
    public void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale) {
        Table rows = (Table) table;
        for (int i = 0; i < numRows; i++) {
            for (int j = 0; j < rows.hidden; j++) {
                out.floats()[(int) out.offset() + i * out.rowStride() + j] = rows.rows[ids[i]][j] * scale;
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
