package dev.quire.kernel.cpu;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.Random;

/**
 * Prints src/test/cuda/sampling_table.h, which holds the CUDA kernels to what the CPU does: values of {@link Exponential},
 * blocks of {@link Philox}, ids drawn by {@link CpuSampling}.
 *
 * <pre>mvn -q test-compile
 * java --add-modules jdk.incubator.vector -cp target/classes:target/test-classes dev.quire.kernel.cpu.SamplingTable >
 *     src/test/cuda/sampling_table.h</pre>
 */
final class SamplingTable {
    private static int printed;

    private SamplingTable() {}

    public static void main(String[] args) {
        System.out.println("// Printed by the Java class SamplingTable, from the CPU's sampling.");
        System.out.println("#pragma once");
        exponentials();
        blocks();
        draws();
    }

    private static void exponentials() {
        System.out.println("// Bits of x and of its exp.\nstatic const unsigned EXPONENTIALS[][2] = {");
        float[] edges = {
            0f,
            -0f,
            -87f,
            Math.nextDown(-87f),
            Math.nextUp(-87f),
            -1e-45f,
            -1e-30f,
            -1f,
            -1e30f,
            Float.NEGATIVE_INFINITY
        };
        for (float x : edges) {
            exponential(x);
        }
        Random random = new Random(1);
        for (int i = 0; i < 400; i++) {
            exponential(-random.nextFloat() * (i % 2 == 0 ? 90f : 2f));
        }
        System.out.println("};");
    }

    private static void exponential(float x) {
        System.out.printf(
                "{0x%08xu, 0x%08xu},%s",
                Float.floatToRawIntBits(x),
                Float.floatToRawIntBits(Exponential.exp(x)),
                ++printed % 5 == 0 ? "\n" : " ");
    }

    private static void blocks() {
        System.out.println("// Key, counter, first 64 bits.\nstatic const unsigned long long BLOCKS[][3] = {");
        Random random = new Random(2);
        for (int i = 0; i < 50; i++) {
            long key = i == 0 ? 0 : random.nextLong();
            long counter = i == 0 ? 0 : i % 2 == 0 ? i : random.nextLong();
            System.out.printf("{0x%xull, 0x%xull, 0x%xull},%n", key, counter, Philox.bits(key, counter));
        }
        System.out.println("};");
    }

    private static void draws() {
        System.out.println("struct Draw { int vocab, seed, shift; float temperature, topP, minP; int topK; "
                + "unsigned long long key, counter; int id; };");
        System.out.println("static const Draw DRAWS[] = {");
        Random random = new Random(3);
        try (WorkerPool pool = new WorkerPool(1)) {
            CpuSampling cpu = new CpuSampling(pool, LoopChoice.fastest());
            for (int i = 0; i < 175; i++) {
                draw(cpu, random, new int[] {1, 2, 33, 1000, 8193, 32000, 128256}[i % 7]);
            }
        }
        System.out.println("};");
    }

    private static void draw(CpuSampling cpu, Random random, int vocabSize) {
        int seed = random.nextInt(1 << 20);
        int shift = 4 + random.nextInt(7);
        SamplingBatch batch = new SamplingBatch(1);
        batch.numRows = 1;
        batch.temperature[0] = new float[] {0f, 0.3f, 0.7f, 1f, 2f}[random.nextInt(5)];
        batch.topP[0] = random.nextBoolean() ? 1f : 0.05f + 0.95f * random.nextFloat();
        batch.topK[0] = random.nextBoolean() ? 0 : 1 + random.nextInt(Math.min(vocabSize, 200));
        batch.minP[0] = random.nextInt(3) > 0 ? 0f : random.nextFloat() * 0.2f;
        batch.repetitionPenalty[0] = 1f;
        batch.numLogprobs[0] = -1;
        batch.seed[0] = random.nextLong();
        batch.counter[0] = random.nextInt(5000);
        float[] x = new float[vocabSize];
        for (int i = 0; i < vocabSize; i++) {
            x[i] = logit(seed, i, shift);
        }
        Tensor logits = new Tensor(DType.F32, Shape.of(1, vocabSize), new Storage.Floats(x));
        SampledTokens out = new SampledTokens(1);
        cpu.sample(logits, vocabSize, batch, out);
        System.out.printf(
                "{%d, %d, %d, %sf, %sf, %sf, %d, 0x%xull, 0x%xull, %d},%n",
                vocabSize,
                seed,
                shift,
                Float.toHexString(batch.temperature[0]),
                Float.toHexString(batch.topP[0]),
                Float.toHexString(batch.minP[0]),
                batch.topK[0],
                batch.seed[0],
                batch.counter[0],
                out.ids[0]);
    }

    /** Bell-shaped and exact in f32; the test program has the same. */
    private static float logit(int seed, int i, int shift) {
        int h = (seed * 0x9E3779B9) ^ (i * 0x85EBCA6B);
        h = (h ^ (h >>> 16)) * 0x7FEB352D;
        h = (h ^ (h >>> 15)) * 0x846CA68B;
        h ^= h >>> 16;
        int sum = (h & 0x3ff) + (h >>> 10 & 0x3ff) + (h >>> 20 & 0x3ff) - 1535;
        return (float) sum / (1 << shift);
    }
}
