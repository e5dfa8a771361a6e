package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels;
import dev.quire.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Gated activations in the Vector API. Both gates are x · σ(z): z = x for SiLU, and z = 2 √(2/π) (x + 0.044715 x³) for
 * the tanh form of GELU, as ½ (1 + tanh u) = σ(2u).
 */
final class CpuActivation implements ActivationKernels {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final int L = Lanes.COUNT;

    // e^t = 2ⁿ e^r, |r| ≤ ½ ln 2; ln 2 in two parts and the polynomial of Cephes' expf (Moshier, 1992): about 2 ulp.
    private static final float LOG2_E = 1.44269504f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** Adding it rounds to an integer, which then lies in the low bits of the significand. */
    private static final float ROUNDING = 0x1.8p23f;

    private static final int ROUNDING_TO_EXPONENT = 127 - Float.floatToRawIntBits(ROUNDING);
    private static final float MAX_EXPONENT = 88;
    private static final float MIN_EXPONENT = -87;

    private static final float GELU_LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float GELU_CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);

    private final RowSpread spread;
    private final WorkerPool.Task rows = this::gateRows;

    // Arguments of the call under way.
    private float[] out = {};
    private float[] gateUp = {};
    private int outOffset;
    private int gateUpOffset;
    private int outStride;
    private int gateUpStride;
    private int ffn;
    private Gate gate = Gate.SILU;

    CpuActivation(WorkerPool pool) {
        spread = new RowSpread(pool);
    }

    @Override
    public void gatedMultiply(Tensor out, Tensor gateUp, Gate gate, int ffn, int numRows) {
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

    private void gateRows(int task) {
        for (int i = spread.first(task); i < spread.first(task + 1); i++) {
            int from = gateUpOffset + i * gateUpStride;
            int to = outOffset + i * outStride;
            if (gate == Gate.SILU) {
                gateRow(to, from, gateUp, from);
            } else {
                geluArgument(to, from);
                gateRow(to, from, out, to);
            }
        }
    }

    private void geluArgument(int to, int from) {
        for (int j = 0; j <= ffn - L; j += L) {
            FloatVector x = FloatVector.fromArray(F, gateUp, from + j);
            x.mul(x).mul(GELU_CUBIC).add(GELU_LINEAR).mul(x).intoArray(out, to + j);
        }
    }

    /** out = x · σ(z) · up; z may be out itself. */
    private void gateRow(int to, int from, float[] z, int zFrom) {
        int j = 0;
        for (; j <= ffn - L; j += L) {
            FloatVector t = FloatVector.fromArray(F, z, zFrom + j).neg();
            // Both keep NaN.
            t = t.min(MAX_EXPONENT).max(MIN_EXPONENT);
            FloatVector rounded = t.mul(LOG2_E).add(ROUNDING);
            FloatVector n = rounded.sub(ROUNDING);
            FloatVector r = t.sub(n.mul(LN2_HIGH)).sub(n.mul(LN2_LOW));
            FloatVector p = r.mul(1.9875691500e-4f).add(1.3981999507e-3f);
            p = p.mul(r).add(8.3334519073e-3f);
            p = p.mul(r).add(4.1665795894e-2f);
            p = p.mul(r).add(1.6666665459e-1f);
            p = p.mul(r).add(5.0000001201e-1f);
            p = p.mul(r).mul(r).add(r).add(1f);
            IntVector power = rounded.reinterpretAsInts().add(ROUNDING_TO_EXPONENT);
            FloatVector e = p.mul(power.lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
            FloatVector x = FloatVector.fromArray(F, gateUp, from + j);
            FloatVector up = FloatVector.fromArray(F, gateUp, from + ffn + j);
            x.div(e.add(1f)).mul(up).intoArray(out, to + j);
        }
        for (; j < ffn; j++) {
            out[to + j] = (float) ReferenceActivation.activate(gateUp[from + j], gate) * gateUp[from + ffn + j];
        }
    }
}
