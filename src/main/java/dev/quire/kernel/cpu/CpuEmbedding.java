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

    /**
     * @param form the order of the matrix' columns, and how a tied output projection rounds its input
     * @param row a row in the matrix' own order of columns; empty when that is the layer's
     */
    record Table(PackedMatrix matrix, InputForm form, float[] row) implements EmbeddingTable {
        private Table(PackedMatrix matrix, InputForm form) {
            this(matrix, form, new float[form.columnOrder() == null ? 0 : matrix.cols]);
        }

        private void copyRow(int id, float[] dst, int at) {
            int[] order = form.columnOrder();
            if (order == null) {
                matrix.unpackRow(id, dst, at);
                return;
            }
            matrix.unpackRow(id, row, 0);
            for (int k = 0; k < row.length; k++) {
                dst[at + order[k]] = row[k];
            }
        }

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
        CpuLinear packed = packer.pack(matrix);
        if (packed.parts.size() != 1 || packed.bias != null) {
            throw new IllegalArgumentException(matrix.name() + " is no single matrix without bias");
        }
        return new Table(packed.parts.get(0), packed.products[0].form);
    }

    @Override
    public void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale) {
        Table rows = (Table) table;
        PackedMatrix matrix = rows.matrix;
        int hidden = matrix.cols;
        for (int i = 0; i < numRows; i++) {
            if (ids[i] < 0 || ids[i] >= matrix.rows) {
                throw new IllegalStateException("token id " + ids[i] + " of a vocabulary of " + matrix.rows);
            }
            int to = (int) out.offset() + i * out.rowStride();
            rows.copyRow(ids[i], out.floats(), to);
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
