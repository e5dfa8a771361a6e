package dev.quire.kernel.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Scales of {@link GroupScales} to f32. */
final class ScaleTile {
    private static final VectorSpecies<Float> F = Species.F;
    private static final VectorSpecies<Integer> I = Species.I;
    private static final int L = Lanes.COUNT;
    private static final int HIGH = 0xffff0000;
    private static final int F16_BITS = 0x8fffe000;
    private static final float F16_SCALE = 0x1p112f;

    private ScaleTile() {}

    /** As {@link PanelLoops#decodeScales}. */
    static void decode(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < 2 * count; i++) {
            int at = to + (i >> 1) * 4 * L + (i & 1) * L;
            FloatVector scale = IntVector.fromArray(I, scales, from + i * L)
                    .reinterpretAsFloats()
                    .mul(factor);
            scale.intoArray(dst, at);
            if (offsets.length == 0) {
                scale.mul(symmetricBias).intoArray(dst, at + 2 * L);
            } else {
                FloatVector offset =
                        IntVector.fromArray(I, offsets, from + i * L).reinterpretAsFloats();
                offset.sub(scale).intoArray(dst, at + 2 * L);
            }
        }
    }

    static void decodeBf16(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < count; i++) {
            int at = to + i * 4 * L;
            IntVector word = IntVector.fromArray(I, scales, from + i * L);
            FloatVector low = word.lanewise(LSHL, 16).reinterpretAsFloats().mul(factor);
            FloatVector high = word.and(HIGH).reinterpretAsFloats().mul(factor);
            low.intoArray(dst, at);
            high.intoArray(dst, at + L);
            if (offsets.length == 0) {
                low.mul(symmetricBias).intoArray(dst, at + 2 * L);
                high.mul(symmetricBias).intoArray(dst, at + 3 * L);
            } else {
                IntVector offset = IntVector.fromArray(I, offsets, from + i * L);
                offset.lanewise(LSHL, 16).reinterpretAsFloats().sub(low).intoArray(dst, at + 2 * L);
                offset.and(HIGH).reinterpretAsFloats().sub(high).intoArray(dst, at + 3 * L);
            }
        }
    }

    static void decodeF16(
            int[] scales, int[] offsets, int from, int count, float factor, float symmetricBias, float[] dst, int to) {
        for (int i = 0; i < count; i++) {
            int at = to + i * 4 * L;
            IntVector word = IntVector.fromArray(I, scales, from + i * L);
            IntVector lowBits = word.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
            IntVector highBits = word.lanewise(ASHR, 3).and(F16_BITS);
            FloatVector low = lowBits.reinterpretAsFloats().mul(F16_SCALE).mul(factor);
            FloatVector high = highBits.reinterpretAsFloats().mul(F16_SCALE).mul(factor);
            low.intoArray(dst, at);
            high.intoArray(dst, at + L);
            if (offsets.length == 0) {
                low.mul(symmetricBias).intoArray(dst, at + 2 * L);
                high.mul(symmetricBias).intoArray(dst, at + 3 * L);
            } else {
                IntVector offset = IntVector.fromArray(I, offsets, from + i * L);
                IntVector lowOffset =
                        offset.lanewise(LSHL, 16).lanewise(ASHR, 3).and(F16_BITS);
                IntVector highOffset = offset.lanewise(ASHR, 3).and(F16_BITS);
                lowOffset.reinterpretAsFloats().mul(F16_SCALE).sub(low).intoArray(dst, at + 2 * L);
                highOffset.reinterpretAsFloats().mul(F16_SCALE).sub(high).intoArray(dst, at + 3 * L);
            }
        }
    }
}
