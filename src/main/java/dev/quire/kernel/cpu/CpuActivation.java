package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;

/** Gated activations, see {@link Gates}, and soft caps; rows spread over the pool. */
final class CpuActivation implements ActivationKernels {
    private final RowSpread spread;
    private final LoopChoice choice;
    private final WorkerPool.Task rows = this::gateRows;
    private final WorkerPool.Task caps = this::capRows;

    // Arguments of the call under way.
    private RowLoops loops;
    private float[] out = {};
    private float[] gateUp = {};
    private int outOffset;
    private int gateUpOffset;
    private int outStride;
    private int gateUpStride;
    private int ffn;
    private float cap;
    private Gate gate = Gate.SILU;

    CpuActivation(WorkerPool pool, LoopChoice choice) {
        spread = new RowSpread(pool);
        this.choice = choice;
        loops = choice.current().rows();
    }

    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
        loops = choice.current().rows();
        this.out = out.floats();
        this.gateUp = gateUp.floats();
        outOffset = (int) out.offset();
        gateUpOffset = (int) gateUp.offset();
        outStride = out.rowStride();
        gateUpStride = gateUp.rowStride();
        this.ffn = ffn;
        this.gate = gate;
        spread.run(numRows, 4 * ffn, rows);
    }

    @Override
    public void softCap(Tensor x, float cap, int numRows) {
        out = x.floats();
        outOffset = (int) x.offset();
        outStride = x.rowStride();
        this.cap = cap;
        spread.run(numRows, 8 * outStride, caps);
    }

    private void capRows(int task) {
        int to = outOffset + spread.first(task + 1) * outStride;
        for (int i = outOffset + spread.first(task) * outStride; i < to; i++) {
            out[i] = cap * (float) Math.tanh(out[i] / cap);
        }
    }

    private void gateRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            loops.gate(gate, out, outOffset + i * outStride, gateUp, gateUpOffset + i * gateUpStride, ffn);
        }
    }
}
