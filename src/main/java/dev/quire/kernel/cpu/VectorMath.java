package dev.quire.kernel.cpu;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Elementary functions and conversions on whole vectors. */
final class VectorMath {
    private static final VectorSpecies<Float> F = Species.F;

    /** As many shorts as {@link Lanes#F} has floats. */
    private static final VectorSpecies<Short> HALF =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

    /** At least as many bytes as {@link Lanes#F} has floats; no vector is shorter than 64 bits. */
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    private static final int SIGN = 0x80000000;

    private VectorMath() {}

    /** {@link Exponential#exp}, bit for bit. */
    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(broadcast(Exponential.LOG2_E), broadcast(Exponential.MAGIC));
        FloatVector n = shifted.sub(Exponential.MAGIC);
        FloatVector r = n.fma(broadcast(-Exponential.LN2_HIGH), x);
        r = n.fma(broadcast(-Exponential.LN2_LOW), r);
        FloatVector p = r.fma(broadcast(Exponential.P0), broadcast(Exponential.P1));
        p = p.fma(r, broadcast(Exponential.P2));
        p = p.fma(r, broadcast(Exponential.P3));
        p = p.fma(r, broadcast(Exponential.P4));
        p = p.fma(r, broadcast(Exponential.P5));
        p = p.fma(r.mul(r), r).add(1f);
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector scaled = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        return scaled.blend(0f, x.compare(VectorOperators.LT, Exponential.CUTOFF));
    }

    /** tanh with an absolute error of about 1e-7. */
    static FloatVector tanh(FloatVector x) {
        FloatVector magnitude = x.abs();
        FloatVector e = exp(magnitude.mul(-2f));
        FloatVector large = broadcast(1f).sub(e).div(e.add(1f));
        FloatVector square = x.mul(x);
        FloatVector p = square.fma(broadcast(Exponential.TANH_7), broadcast(Exponential.TANH_5));
        p = p.fma(square, broadcast(Exponential.TANH_3));
        p = p.fma(square, broadcast(Exponential.TANH_1));
        FloatVector small = p.mul(square).fma(magnitude, magnitude);
        FloatVector result = large.blend(small, magnitude.compare(VectorOperators.LT, Exponential.SMALL_TANH));
        return result.blend(result.neg(), x.compare(VectorOperators.LT, 0f));
    }

    /** Widens n bfloat16 values; n is a multiple of the lanes. */
    static void widen(short[] source, int from, float[] target, int to, int n) {
        for (int i = 0; i < n; i += Lanes.COUNT) {
            IntVector bits = (IntVector)
                    ShortVector.fromArray(HALF, source, from + i).convertShape(VectorOperators.S2I, Species.I, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, to + i);
        }
    }

    /** Widens n FP8 E4M3 values, as {@code FloatBits} does; n is a multiple of 16. */
    static void widen(byte[] source, int from, float[] target, int to, int n) {
        for (int i = 0; i < n; i += BYTES.length()) {
            ByteVector bytes = ByteVector.fromArray(BYTES, source, from + i);
            for (int part = 0; part * Lanes.COUNT < BYTES.length(); part++) {
                IntVector bits = (IntVector) bytes.convertShape(VectorOperators.B2I, Species.I, part);
                IntVector magnitude = bits.and(0x7f);
                FloatVector value = magnitude
                        .lanewise(VectorOperators.LSHL, 20)
                        .reinterpretAsFloats()
                        .mul(0x1p120f);
                value = value.blend(
                        Float.NaN, magnitude.compare(VectorOperators.EQ, 0x7f).cast(F));
                value.reinterpretAsInts()
                        .or(bits.and(SIGN))
                        .reinterpretAsFloats()
                        .intoArray(target, to + i + part * Lanes.COUNT);
            }
        }
    }

    private static FloatVector broadcast(float value) {
        return FloatVector.broadcast(F, value);
    }
}
