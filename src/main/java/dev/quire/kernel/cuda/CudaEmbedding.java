package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@code embedding.cu}. */
final class CudaEmbedding implements EmbeddingKernels, AutoCloseable {
    private static final int BLOCK = 128;

    private final KernelLaunch embed;
    private final KernelLaunch embedFour;
    private final KernelLaunch embedEight;
    private final KernelLaunch gatherFloats;
    private final KernelLaunch gatherHalves;
    private final CudaStream stream;
    private final StepInputs step;
    private final WeightLoader loader;
    private final IntLoader ints;
    private final LastSampled lastSampled;
    /** For rows that are not the step's own; grows. */
    private DeviceMemory otherRows;

    private PinnedMemory otherRowsHost;

    /**
     * @param weights device address of bf16 [vocabSize, hidden], or 0
     * @param ints the matrix where it is kept in integers, else null
     */
    record Table(
            int vocabSize,
            int hidden,
            long weights,
            @Nullable IntMatrix ints) implements EmbeddingTable {}

    CudaEmbedding(
            KernelFactory kernels, StepInputs step, WeightLoader loader, IntLoader ints, LastSampled lastSampled) {
        embed = kernels.kernel("embed_bf16", BLOCK, 8);
        gatherFloats = kernels.kernel("gather_rows_f32", BLOCK, 5);
        gatherHalves = kernels.kernel("gather_rows_bf16", BLOCK, 5);
        stream = kernels.stream();
        this.step = step;
        this.loader = loader;
        this.ints = ints;
        embedFour = kernels.kernel("embed_w4", BLOCK, 13);
        embedEight = kernels.kernel("embed_w8", BLOCK, 13);
        this.lastSampled = lastSampled;
        otherRows = DeviceMemory.allocate("row indices", Integer.BYTES);
        otherRowsHost = new PinnedMemory("row indices", Integer.BYTES);
    }

    @Override
    public EmbeddingTable load(LinearWeight matrix) {
        int rows = matrix.outFeatures();
        int hidden = matrix.inFeatures();
        return matrix instanceof LinearWeight.Quantized leaf && leaf.matrix().columnOrder() == null && ints.takes(leaf)
                ? new Table(rows, hidden, 0, ints.loadMatrix(leaf))
                : new Table(rows, hidden, loader.loadBf16(matrix), null);
    }

    @Override
    public void lookup(Tensor out, EmbeddingTable table, int[] ids, int numRows, float scale) {
        Table t = (Table) table;
        if (t.ints != null) {
            lookup(out, t.ints, numRows, scale);
            return;
        }
        embed.set(0, address(out))
                .set(1, t.weights)
                .set(2, step.data().tokenIds())
                .set(3, lastSampled.address());
        embed.set(4, scale).set(5, t.hidden).set(6, t.vocabSize).set(7, numRows);
        embed.launch(Rows.gridX(t.hidden, BLOCK), Rows.gridY(numRows));
    }

    private void lookup(Tensor out, IntMatrix table, int numRows, float scale) {
        KernelLaunch kernel = table.form().bits() == 4 ? embedFour : embedEight;
        kernel.set(0, address(out)).set(1, table.codes()).set(2, table.scales());
        kernel.set(3, table.outFeatures()).set(4, table.inFeatures());
        int next = table.set(kernel, 5);
        kernel.set(next, step.data().tokenIds()).set(next + 1, lastSampled.address());
        kernel.set(next + 2, scale).set(next + 3, numRows);
        kernel.launch(Rows.gridX(table.inFeatures(), BLOCK), Rows.gridY(numRows));
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, int[] rows, int numRows) {
        long indices = step.isLogitRows(rows) ? step.data().logitRows() : takeOver(rows, numRows);
        int width = x.rowStride();
        KernelLaunch kernel = x.dtype() == DType.F32 ? gatherFloats : gatherHalves;
        kernel.set(0, address(out))
                .set(1, address(x))
                .set(2, indices)
                .set(3, width)
                .set(4, numRows);
        kernel.launch(Rows.gridX(width, BLOCK), Rows.gridY(numRows));
    }

    private long takeOver(int[] rows, int numRows) {
        long numBytes = (long) numRows * Integer.BYTES;
        // Waits: the pinned block is rewritten. Only prompt log-probabilities come here.
        stream.synchronize();
        if (otherRows.numBytes() < numBytes) {
            otherRows.close();
            otherRowsHost.close();
            otherRows = DeviceMemory.allocate("row indices", numBytes);
            otherRowsHost = new PinnedMemory("row indices", numBytes);
        }
        otherRowsHost.bytes().asIntBuffer().put(rows, 0, numRows);
        stream.copy(otherRows.address(), otherRowsHost.address(), numBytes);
        return otherRows.address();
    }

    @Override
    public void close() {
        otherRows.close();
        otherRowsHost.close();
    }
}
