package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** {@code rope.cu} and {@code rope_table.cu}. */
final class CudaRope implements RopeKernels, AutoCloseable {
    private static final int BLOCK = 128;
    private static final int TABLE_BLOCKS = 1024;

    private final KernelLaunch rope;
    private final KernelLaunch fill;
    private final CudaStream stream;
    private final StepInputs step;
    private final List<DeviceMemory> tables = new ArrayList<>();

    /**
     * The table of one rope on the device.
     *
     * @param cosSin device address of f32 [maxPositions, 2, rotaryDim / 2]
     */
    record Table(long cosSin, int rotaryDim, boolean interleaved) implements Rope {}

    CudaRope(KernelFactory kernels, StepInputs step) {
        rope = kernels.kernel("rope_bf16", BLOCK, 10);
        fill = kernels.kernel("rope_table_f32", 256, 7);
        stream = kernels.stream();
        this.step = step;
    }

    @Override
    public Rope load(RopeTable table, int maxPositions) {
        float[] frequencies = table.inverseFrequencies();
        int numPairs = frequencies.length;
        DeviceMemory cosSin = DeviceMemory.allocate("rope table", 8L * numPairs * maxPositions);
        tables.add(cosSin);
        try (DeviceMemory device = DeviceMemory.allocate("rope frequencies", 4L * numPairs);
                PinnedMemory host = new PinnedMemory("rope frequencies", 4L * numPairs)) {
            host.bytes().asFloatBuffer().put(frequencies);
            stream.copy(device.address(), host.address(), 4L * numPairs);
            fill.set(0, cosSin.address()).set(1, device.address()).set(2, table.scale());
            fill.set(3, table.growth()).set(4, table.growthPeriod());
            fill.set(5, numPairs).set(6, (long) maxPositions).launch(TABLE_BLOCKS);
            stream.synchronize();
        }
        return new Table(cosSin.address(), table.rotaryDim(), table.interleaved());
    }

    @Override
    public void rotate(Tensor x, int column, int numHeads, int headDim, Rope table, int[] positions, int numRows) {
        Table t = (Table) table;
        rope.set(0, address(x)).set(1, column).set(2, numHeads).set(3, headDim).set(4, x.rowStride());
        rope.set(5, step.data().positions())
                .set(6, t.cosSin)
                .set(7, t.rotaryDim)
                .set(8, t.interleaved ? 1 : 0);
        rope.set(9, numRows).launch(Rows.gridX(numHeads * headDim, BLOCK), Rows.gridY(numRows));
    }

    @Override
    public void close() {
        tables.forEach(DeviceMemory::close);
    }
}
