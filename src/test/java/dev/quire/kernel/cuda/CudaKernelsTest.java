package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.Backend;
import dev.quire.kernel.Backend.StepLimits;
import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.KvScales;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeTable;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kernel through the backend, against the CPU's, at sizes that fill no tile. */
class CudaKernelsTest {
    /** Of a result in bf16: half a unit in the last place, and sums in another order. */
    private static final double BF16 = 6e-3;

    private static final int MAX_TOKENS = 512;
    private static final int MAX_SEQS = 32;
    private static final int BLOCK_SIZE = 16;
    private static final int NUM_BLOCKS = 64;

    private static CudaBackend cuda;
    private static CpuBackend cpu;
    private static Arena cudaArena;
    private static Arena cpuArena;
    private final Random random = new Random(7);

    @BeforeAll
    static void open() {
        cuda = TestDevice.open();
        cpu = new CpuBackend(CpuOptions.defaults());
        cudaArena = cuda.newArena();
        cpuArena = cpu.newArena();
    }

    @AfterAll
    static void close() {
        if (cuda != null) {
            cudaArena.close();
            cuda.close();
            cpu.close();
        }
    }

    /** The same tensor on both devices, in the device's type on each. */
    private record Pair(Tensor gpu, Tensor host) {
        void check(String what, int from, int count, double tolerance) {
            float[] got = TestDevice.get(cuda, gpu);
            float[] want = host.floats();
            double error = 0;
            double size = 0;
            for (int i = from; i < from + count; i++) {
                double difference = got[i] - want[i];
                error += difference * difference;
                size += (double) want[i] * want[i];
            }
            assertThat(Math.sqrt(error / Math.max(size, 1e-30))).as(what).isLessThan(tolerance);
        }
    }

    private Pair random(DType type, int rows, int cols) {
        Pair pair =
                new Pair(cudaArena.allocate("gpu", type, rows, cols), cpuArena.allocate("host", DType.F32, rows, cols));
        float[] values = pair.host.floats();
        for (int i = 0; i < values.length; i++) {
            float value = (float) random.nextGaussian();
            values[i] = type == DType.BF16 ? FloatBits.bf16ToFloat(FloatBits.floatToBf16(value)) : value;
        }
        TestDevice.put(pair.gpu, values);
        return pair;
    }

    private Pair vector(int length) {
        Pair pair =
                new Pair(cudaArena.allocate("gpu", DType.F32, length), cpuArena.allocate("host", DType.F32, length));
        Arrays.setAll(new Object[length], i -> pair.host.floats()[i] = 1 + 0.1f * (float) random.nextGaussian());
        TestDevice.put(pair.gpu, pair.host.floats());
        return pair;
    }

    private HostTensor host(DType type, float scale, int... dims) {
        long[] shape = Arrays.stream(dims).asLongStream().toArray();
        int count = Math.toIntExact(Shape.of(shape).numElements());
        ByteBuffer bytes = ByteBuffer.allocate(count * type.sizeBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            float value = (float) random.nextGaussian() * scale;
            if (type == DType.F32) {
                bytes.putFloat(FloatBits.bf16ToFloat(FloatBits.floatToBf16(value)));
            } else {
                bytes.putShort(FloatBits.floatToBf16(value));
            }
        }
        return new HostTensor("random", type, Shape.of(shape), HostBytes.of(bytes.flip()));
    }

    private static void onBoth(BiConsumer<Backend, Boolean> work) {
        work.accept(cuda, true);
        work.accept(cpu, false);
    }

    private static Tensor on(boolean gpu, Pair pair) {
        return gpu ? pair.gpu : pair.host;
    }

    @ParameterizedTest
    @CsvSource({"1,64", "3,384", "5,172", "2,4096", "37,1000"})
    void norms(int rows, int hidden) {
        Pair residual = random(DType.F32, rows + 1, hidden);
        Pair delta = random(DType.BF16, rows + 1, hidden);
        Pair weight = vector(hidden);
        Pair out = random(DType.BF16, rows + 1, hidden);
        onBoth((b, gpu) -> b.norm().rmsNorm(on(gpu, out), on(gpu, residual), on(gpu, weight), 1e-5f, rows));
        out.check("norm, and the row behind untouched", 0, (rows + 1) * hidden, BF16);
        onBoth((b, gpu) -> b.norm()
                .addRmsNorm(on(gpu, delta), on(gpu, residual), on(gpu, delta), 0.22f, on(gpu, weight), 1e-5f, rows));
        delta.check("add norm", 0, (rows + 1) * hidden, BF16);
        residual.check("residual", 0, (rows + 1) * hidden, 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"1,64", "3,172", "2,4099"})
    void additionWithoutANorm(int rows, int hidden) {
        for (boolean adds : new boolean[] {true, false}) {
            Pair residual = random(DType.F32, rows + 1, hidden);
            Pair out = random(DType.BF16, rows + 1, hidden);
            onBoth((b, gpu) -> b.norm().add(on(gpu, out), on(gpu, residual), adds ? on(gpu, out) : null, 0.22f, rows));
            out.check("sum, and the row behind untouched", 0, (rows + 1) * hidden, BF16);
            residual.check("residual", 0, (rows + 1) * hidden, 1e-6);
        }
    }

    /** Heads in a warp's registers, and runs as wide as a projection. */
    @ParameterizedTest
    @CsvSource({"3,5,96", "2,3,512", "3,2,514", "2,1,4096"})
    void normsOfHeads(int rows, int heads, int headDim) {
        int column = 8;
        Pair x = random(DType.BF16, rows + 1, column + (heads + 1) * headDim);
        Pair weight = vector(headDim);
        onBoth((b, gpu) -> b.norm().rmsNormHeads(on(gpu, x), column, heads, headDim, on(gpu, weight), 1e-6f, rows));
        x.check("heads, and all else untouched", 0, (rows + 1) * (column + (heads + 1) * headDim), BF16);
    }

    @Test
    void softCap() {
        Pair logits = random(DType.F32, 4, 1234);
        onBoth((b, gpu) -> b.activation().softCap(on(gpu, logits), 0.7f, 3));
        logits.check("capped, and the row behind untouched", 0, 4 * 1234, 1e-6);
    }

    /** q by a table that grows with the position, k by another, and layers without positions; partial and interleaved. */
    @ParameterizedTest
    @CsvSource({"64,64,false", "64,32,true", "24,24,false", "80,40,true"})
    void ropesApartAndNone(int headDim, int rotaryDim, boolean interleaved) {
        float[] frequencies = new float[rotaryDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) Math.pow(10000, -2.0 * i / rotaryDim);
        }
        RopeTable queries = new RopeTable(frequencies, 1.2f, interleaved, 0.3f, 4);
        RopeTable keys = new RopeTable(frequencies, 1.2f, interleaved);
        AttentionParams params = new AttentionParams(3, 1, headDim, 0.2f, 0, 0f, null);
        AttentionMetadata metadata = new AttentionMetadata(MAX_SEQS, MAX_TOKENS, 4, BLOCK_SIZE);
        metadata.clear();
        metadata.add(0, 21, new int[] {3, 9}, 2);
        try (CudaBackend device = TestDevice.open(false, false)) {
            device.attention().announce(params);
            device.reserveSteps(new StepLimits(MAX_TOKENS, MAX_SEQS, 4, 300));
            device.beginStep(new int[MAX_TOKENS], metadata, new int[] {0}, 1);
            for (boolean positions : new boolean[] {true, false}) {
                Pair qkv = random(DType.BF16, 21, 5 * headDim);
                Pair out = random(DType.BF16, 21, 3 * headDim);
                for (Backend b : List.of(device, cpu)) {
                    boolean gpu = b == device;
                    Tensor x = on(gpu, qkv);
                    PagedKvCache cache =
                            b.kvCache().allocate(1, 16, BLOCK_SIZE, 1, headDim, gpu ? DType.BF16 : DType.F32);
                    if (positions) {
                        b.rope().rotate(x, 0, 3, headDim, b.rope().load(queries, 64), metadata.positions, 21);
                        b.rope().rotate(x, 3 * headDim, 1, headDim, b.rope().load(keys, 64), metadata.positions, 21);
                        b.kvCache().write(cache, 0, x, 3 * headDim, 4 * headDim, metadata);
                    } else {
                        b.rotateAndWrite(cache, 0, x, 3, null, metadata);
                    }
                    b.attention().attend(on(gpu, out), x, cache, 0, params, metadata);
                    b.synchronize();
                    cache.close();
                }
                out.check("positions " + positions, 0, 21 * 3 * headDim, 1e-2);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {172, 1024, 14336})
    void gates(int ffn) {
        Pair gateUp = random(DType.BF16, 4, 2 * ffn);
        Pair out = random(DType.BF16, 4, ffn);
        for (Gate gate : Gate.values()) {
            onBoth((b, gpu) -> b.activation().gatedMultiply(on(gpu, out), on(gpu, gateUp), gate, ffn, 3));
            out.check(gate.toString(), 0, 4 * ffn, BF16);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1,96,64,false",
        "1,344,64,true",
        "5,1000,384,false",
        "8,130,128,true",
        "9,64,172,false",
        "33,96,256,true",
        "3,40,4096,false",
    })
    void products(int rows, int out, int in, boolean bias) {
        HostTensor weight = host(DType.BF16, (float) (1 / Math.sqrt(in)), out, in);
        HostTensor second = host(DType.F32, (float) (1 / Math.sqrt(in)), 24, in);
        LinearWeight stacked = new LinearWeight.Stacked(
                "stacked",
                List.of(
                        new LinearWeight.Dense("a", weight, bias ? host(DType.F32, 1, out) : null),
                        new LinearWeight.Dense("b", second, null)));
        Linear onGpu = cuda.gemm().load(stacked);
        Linear onHost = cpu.gemm().load(stacked);
        cuda.synchronize();
        int padded = cuda.paddedRows(rows);
        Pair x = random(DType.BF16, padded, in);
        for (DType type : List.of(DType.BF16, DType.F32)) {
            Pair result = random(type, padded, out + 24);
            cuda.gemm().matmul(result.gpu, x.gpu, onGpu, rows);
            cpu.gemm().matmul(result.host, x.host, onHost, rows);
            result.check(type + " by " + cuda.describeProduct(onGpu, rows), 0, rows * (out + 24), BF16);
        }
    }

    @Test
    void embeddings() {
        LinearWeight matrix = new LinearWeight.Dense("table", host(DType.BF16, 1, 300, 384), null);
        EmbeddingTable onGpu = cuda.embedding().load(matrix);
        EmbeddingTable onHost = cpu.embedding().load(matrix);
        cuda.synchronize();
        cuda.reserveSteps(new StepLimits(MAX_TOKENS, MAX_SEQS, 4, 300));
        AttentionMetadata metadata = new AttentionMetadata(MAX_SEQS, MAX_TOKENS, 4, BLOCK_SIZE);
        metadata.clear();
        metadata.add(0, 5, new int[] {3, 9}, 2);
        int[] ids = {7, 299, 0, 12, 12};
        int[] rows = {4, 1};
        cuda.beginStep(ids, metadata, rows, 2);
        Pair out = random(DType.F32, 6, 384);
        onBoth((b, gpu) -> b.embedding().lookup(on(gpu, out), gpu ? onGpu : onHost, ids, 5, 12.5f));
        out.check("lookup, and the row behind untouched", 0, 6 * 384, 1e-6);
        Pair picked = random(DType.F32, 3, 384);
        onBoth((b, gpu) -> b.embedding().gatherRows(on(gpu, picked), on(gpu, out), rows, 2));
        picked.check("step's rows", 0, 3 * 384, 1e-6);
        int[] others = {0, 3};
        onBoth((b, gpu) -> b.embedding().gatherRows(on(gpu, picked), on(gpu, out), others, 2));
        picked.check("other rows", 0, 3 * 384, 1e-6);
    }

    /** Head width, query and KV heads, window: a prompt, its next chunk beside a decode row, then decode rows alone. */
    @ParameterizedTest
    @CsvSource({"8,8,4,0", "64,6,2,0", "64,4,4,20", "128,8,2,0", "80,3,1,0", "96,4,2,33", "256,2,1,0"})
    void attention(int headDim, int numHeads, int numKvHeads, int window) {
        try (CudaBackend device = TestDevice.open(false, false);
                CudaBackend invariant = TestDevice.open(true, false)) {
            for (CudaBackend backend : List.of(device, invariant)) {
                for (DType type : backend.kvCache().supportedTypes()) {
                    new AttentionRun(backend, type, headDim, numHeads, numKvHeads, window).run();
                }
            }
        }
    }

    /** The kernels that only a Hopper card runs; a real one has run them above. */
    @ParameterizedTest
    @CsvSource({"64,6,2,0", "128,4,4,20", "80,3,1,0", "256,2,1,0"})
    void attentionOnHopper(int headDim, int numHeads, int numKvHeads, int window) {
        TestDevice.assumeEmulated();
        TestDevice.setCapability(90);
        try (CudaBackend device = TestDevice.open(false, false)) {
            for (DType type : device.kvCache().supportedTypes()) {
                new AttentionRun(device, type, headDim, numHeads, numKvHeads, window).run();
            }
        } finally {
            TestDevice.setCapability(80);
        }
    }

    @Test
    void refusesACacheOfAnotherTypeThanItsKernelsRead() {
        try (CudaBackend device = TestDevice.open(false, false)) {
            AttentionParams params = new AttentionParams(2, 1, 64, 0.125f, 0, 0f, null);
            device.attention().announce(params);
            device.reserveSteps(new StepLimits(MAX_TOKENS, MAX_SEQS, 16, 300));
            Pair qkv = random(DType.BF16, 1, 256);
            Pair out = random(DType.BF16, 1, 128);
            AttentionMetadata metadata = new AttentionMetadata(MAX_SEQS, MAX_TOKENS, 16, BLOCK_SIZE);
            metadata.add(0, 1, new int[] {0}, 1);
            try (PagedKvCache cache = device.kvCache().allocate(1, 4, BLOCK_SIZE, 1, 64, DType.F8_E4M3)) {
                assertThatThrownBy(() -> device.attention().attend(out.gpu, qkv.gpu, cache, 0, params, metadata))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("F8_E4M3")
                        .hasMessageContaining("BF16");
            }
        }
    }

    /** Layers that slide, with sinks, beside layers that see all, with a soft cap: one model's. */
    @ParameterizedTest
    @CsvSource({"64,6,2", "24,3,1", "128,4,4"})
    void layersOfSeveralKinds(int headDim, int numHeads, int numKvHeads) {
        float[] sinks = new float[numHeads];
        for (int i = 0; i < numHeads; i++) {
            sinks[i] = i - 1.5f;
        }
        List<AttentionParams> kinds = List.of(
                new AttentionParams(numHeads, numKvHeads, headDim, 0.2f, 20, 0f, sinks),
                new AttentionParams(numHeads, numKvHeads, headDim, 0.3f, 0, 2f, null),
                new AttentionParams(numHeads, numKvHeads, headDim, 0.3f, 5, 2f, sinks.clone()));
        try (CudaBackend device = TestDevice.open(false, false);
                CudaBackend invariant = TestDevice.open(true, false)) {
            for (CudaBackend backend : List.of(device, invariant)) {
                kinds.forEach(backend.attention()::announce);
                for (AttentionParams kind : kinds) {
                    new AttentionRun(backend, DType.BF16, kind).run();
                }
            }
        }
    }

    private final class AttentionRun {
        private final CudaBackend device;
        private final DType type;
        private final AttentionParams params;
        private final int width;
        private final PagedKvCache gpuCache;
        private final PagedKvCache hostCache;
        private final dev.quire.kernel.RopeKernels.Rope gpuRope;
        private final dev.quire.kernel.RopeKernels.Rope hostRope;
        private final AttentionMetadata metadata = new AttentionMetadata(MAX_SEQS, MAX_TOKENS, 16, BLOCK_SIZE);

        AttentionRun(CudaBackend device, DType type, int headDim, int numHeads, int numKvHeads, int window) {
            this(
                    device,
                    type,
                    announced(
                            device,
                            new AttentionParams(
                                    numHeads,
                                    numKvHeads,
                                    headDim,
                                    (float) (1 / Math.sqrt(headDim)),
                                    window,
                                    0f,
                                    null)));
        }

        private static AttentionParams announced(CudaBackend device, AttentionParams params) {
            device.attention().announce(params);
            return params;
        }

        AttentionRun(CudaBackend device, DType type, AttentionParams params) {
            this.device = device;
            this.type = type;
            this.params = params;
            int headDim = params.headDim();
            int numHeads = params.numHeads();
            int numKvHeads = params.numKvHeads();
            width = (numHeads + 2 * numKvHeads) * headDim;
            KvScales scales = new KvScales(new float[] {1, 0.0271f}, new float[] {1, 0.0103f});
            gpuCache = device.kvCache().allocate(NUM_BLOCKS, BLOCK_SIZE, numKvHeads, headDim, type, scales);
            hostCache = cpu.kvCache()
                    .allocate(
                            NUM_BLOCKS,
                            BLOCK_SIZE,
                            numKvHeads,
                            headDim,
                            type == DType.F8_E4M3 ? type : DType.F32,
                            scales);
            device.reserveSteps(new StepLimits(MAX_TOKENS, MAX_SEQS, 16, 300));
            float[] frequencies = new float[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = (float) Math.pow(10000, -2.0 * i / headDim);
            }
            gpuRope = device.rope().load(new RopeTable(frequencies, 1, false), 512);
            hostRope = cpu.rope().load(new RopeTable(frequencies, 1, false), 512);
        }

        void run() {
            int[] first = {5, 40, 2, 11, 12, 13, 14, 15};
            int[] second = {30, 31, 3, 50, 51, 52, 53, 54};
            step("prompts", new int[][] {{0, 70}, {0, 33}}, first, second);
            step("a chunk beside a decode row", new int[][] {{70, 18}, {33, 1}}, first, second);
            step("decode rows", new int[][] {{88, 1}, {34, 1}}, first, second);
            gpuCache.close();
            hostCache.close();
        }

        private void step(String what, int[][] chunks, int[]... blocks) {
            metadata.clear();
            for (int s = 0; s < chunks.length; s++) {
                metadata.add(chunks[s][0], chunks[s][1], blocks[s], blocks[s].length);
            }
            int rows = metadata.numTokens;
            device.beginStep(new int[MAX_TOKENS], metadata, new int[] {0}, 1);
            Pair qkv = random(DType.BF16, rows, width);
            int outWidth = params.numHeads() * params.headDim();
            Pair out = random(DType.BF16, rows + 1, outWidth);
            device.rotateAndWrite(gpuCache, 1, qkv.gpu, params.numHeads(), gpuRope, metadata);
            cpu.rotateAndWrite(hostCache, 1, qkv.host, params.numHeads(), hostRope, metadata);
            device.attention().attend(out.gpu, qkv.gpu, gpuCache, 1, params, metadata);
            cpu.attention().attend(out.host, qkv.host, hostCache, 1, params, metadata);
            device.synchronize();
            out.check(
                    what + " of " + params + ", " + type + " on " + device.description(),
                    0,
                    (rows + 1) * outWidth,
                    1e-2);
        }
    }
}
