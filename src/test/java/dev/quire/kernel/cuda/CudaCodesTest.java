package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.Backend.StepLimits;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.FloatBits;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products with 8-bit weights and rounded inputs against plain Java, by every way that a card has. */
class CudaCodesTest {
    private static final int GUARD = 3;

    private static final ActivationScheme ROWS = ActivationScheme.dynamic(Kind.E4M3, 0);
    private static final ActivationScheme GROUPS = ActivationScheme.dynamic(Kind.E4M3, 128);
    private static final ActivationScheme FIXED = ActivationScheme.fixed(Kind.E4M3, 0.004f, 0);
    private static final ActivationScheme BYTES = ActivationScheme.dynamic(Kind.INT8, 0);
    private static final ActivationScheme ASYMMETRIC = new ActivationScheme(Kind.INT8, true, 0, false, 1, 0);
    private static final ActivationScheme FIXED_BYTES = ActivationScheme.fixed(Kind.INT8, 0.02f, 0);
    private static final ActivationScheme FIXED_ZERO = ActivationScheme.fixed(Kind.INT8, 0.02f, -17);

    private final Random random = new Random(11);

    /** @param groupSize 0: the row */
    record Layer(
            Codes codes, int out, int in, int groupSize, int scaleRows, boolean symmetric, ActivationScheme scheme) {
        LinearWeight.Quantized random(String name, int rows, boolean hasBias, Random random) {
            CodesCase.Matrix matrix = new CodesCase.Matrix(
                    name, rows, in, codes, groupSize == 0 ? in : groupSize, scaleRows, symmetric, random);
            return CodesCase.layer(matrix, scheme, hasBias, random);
        }
    }

    private static Layer e4m3(int out, int in, ActivationScheme scheme) {
        return new Layer(Codes.E4M3, out, in, 0, 1, true, scheme);
    }

    private static Layer blocks(int out, int in, ActivationScheme scheme) {
        return new Layer(Codes.E4M3, out, in, 128, 128, true, scheme);
    }

    private static Layer int8(int out, int in, ActivationScheme scheme) {
        return new Layer(Codes.INT8, out, in, 0, 1, true, scheme);
    }

    /** Layers that are kept in codes. */
    static Stream<Layer> codes() {
        return Stream.of(
                e4m3(176, 272, ROWS),
                e4m3(160, 200, ROWS),
                e4m3(131, 272, FIXED),
                e4m3(131, 400, GROUPS),
                e4m3(96, 272, ActivationScheme.NONE),
                blocks(320, 400, GROUPS),
                blocks(150, 256, ActivationScheme.NONE),
                blocks(256, 256, ROWS),
                int8(176, 272, BYTES),
                int8(131, 200, ASYMMETRIC),
                int8(64, 100, FIXED_BYTES),
                int8(64, 512, FIXED_ZERO));
    }

    /** Layers that are computed in bf16 after the rounding. */
    static Stream<Layer> others() {
        return Stream.of(
                new Layer(Codes.INT4, 64, 256, 32, 1, true, BYTES),
                new Layer(Codes.INT8, 64, 256, 64, 1, true, ASYMMETRIC),
                new Layer(Codes.INT8, 40, 104, 0, 1, false, FIXED_ZERO),
                new Layer(Codes.E4M3, 64, 256, 64, 1, true, ROWS),
                new Layer(Codes.E4M3, 64, 256, 0, 1, true, ActivationScheme.dynamic(Kind.E4M3, 32)),
                new Layer(Codes.E4M3, 48, 104, 0, 1, true, ActivationScheme.NONE),
                new Layer(Codes.E4M3, 64, 256, 0, 1, true, FIXED_BYTES));
    }

    @AfterEach
    void ampere() {
        if (!TestDevice.isReal() && TestDevice.isThere()) {
            TestDevice.setCapability(80);
        }
    }

    /** The device with what a loader of codes needs. */
    private static final class Rig implements AutoCloseable {
        final CudaStream stream = new CudaStream();
        final CudaModule module = CudaModule.load();
        final KernelFactory kernels;
        final WeightLoader loader;
        final ProductTimer timer = new ProductTimer(stream);
        final CublasLt blas = new CublasLt(stream);
        final RoundingScratch scratch = new RoundingScratch();
        final ActivationRounding rounding;
        final CodesProducts products;
        final CodesLoader codes;

        Rig(boolean invariant) throws CudaUnavailableException {
            kernels = new KernelFactory(module, stream, CudaDevice.open(), false);
            loader = new WeightLoader(kernels);
            rounding = new ActivationRounding(kernels, scratch);
            products = new CodesProducts(blas, new CodesKernels(kernels), kernels.device(), invariant);
            codes = new CodesLoader(loader, timer, products, rounding, scratch);
        }

        @Override
        public void close() {
            loader.close();
            scratch.close();
            blas.close();
            timer.close();
            module.close();
            stream.close();
        }
    }

    private float[] input(int rows, int in) {
        float[] x = new float[rows * in];
        for (int i = 0; i < x.length; i++) {
            float value = (float) random.nextGaussian() + 0.3f;
            x[i] = FloatBits.bf16ToFloat(FloatBits.floatToBf16(value));
        }
        // A row of zeros, and groups of zeros.
        if (rows > 2) {
            Arrays.fill(x, 2 * in, 3 * in, 0f);
        }
        Arrays.fill(x, 0, Math.min(in / 2, 128), 0f);
        return x;
    }

    /** The two layers' results side by side. */
    private static double[][] expected(List<LinearWeight.Quantized> layers, float[] x, int rows, int in) {
        double[][] y = new double[rows][];
        for (int row = 0; row < rows; row++) {
            float[] values = Arrays.copyOfRange(x, row * in, (row + 1) * in);
            y[row] = layers.stream()
                    .flatMapToDouble(layer -> Arrays.stream(CodesCase.expected(layer, values)))
                    .toArray();
        }
        return y;
    }

    /** Relative distance of the first {@code rows} rows; fails when a row's end was written. */
    private static double distance(float[] got, int stride, double[][] want) {
        double error = 0;
        double size = 0;
        for (int row = 0; row < want.length; row++) {
            for (int col = 0; col < want[row].length; col++) {
                double difference = got[row * stride + col] - want[row][col];
                error += difference * difference;
                size += want[row][col] * want[row][col];
            }
            for (int col = want[row].length; col < stride; col++) {
                assertThat(got[row * stride + col]).as("behind row %d", row).isEqualTo(7f);
            }
        }
        return Math.sqrt(error / size);
    }

    @ParameterizedTest
    @MethodSource("codes")
    void everyWayOfEveryCard(Layer layer) throws CudaUnavailableException {
        TestDevice.assumeEmulated();
        List<LinearWeight.Quantized> layers = List.of(
                layer.random("a", 128, false, random), layer.random("b", layer.out, layer.out % 3 == 0, random));
        LinearWeight stacked = new LinearWeight.Stacked("stacked", List.copyOf(layers));
        int out = 128 + layer.out;
        for (int capability : new int[] {80, 89, 90}) {
            TestDevice.setCapability(capability);
            try (Rig rig = new Rig(false);
                    Arena arena = new CudaArena(rig.stream)) {
                assertThat(rig.codes.takes(layers.get(0))).isTrue();
                assertThat(rig.codes.joins(layers.get(0), layers.get(1))).isTrue();
                CodesLinear linear = rig.codes.load(stacked);
                rig.loader.await();
                rig.scratch.reserve(64);
                for (int rows : new int[] {1, 5, 8, 16, 33}) {
                    float[] x = input(rows, layer.in);
                    double[][] want = expected(layers, x, rows, layer.in);
                    Set<String> names = new TreeSet<>();
                    for (DType type : List.of(DType.F32, DType.BF16)) {
                        names.addAll(runAll(rig, arena, linear, layer, x, want, rows, out, type));
                    }
                    assertThat(names)
                            .as("ways of %d rows on %d", rows, capability)
                            .isEqualTo(names(layer, out, rows, capability));
                }
            }
        }
    }

    private static List<String> runAll(
            Rig rig,
            Arena arena,
            CodesLinear linear,
            Layer layer,
            float[] x,
            double[][] want,
            int rows,
            int out,
            DType type) {
        int padded = MeasuredProducts.paddedRows(rows);
        int outStride = (out + GUARD + 7) / 8 * 8;
        Tensor input = arena.allocate("x", DType.BF16, padded, layer.in);
        Tensor result = arena.allocate("out", type, padded, outStride);
        TestDevice.put(input, x);
        boolean rounded = layer.scheme.kind() != Kind.NONE;
        long address = CudaArena.address(result);
        ProductUse use = new ProductUse(
                rounded ? linear.matrix().inStride() : layer.in,
                outStride,
                type,
                linear.matrix().bias() != 0,
                CublasLt.alignment(address));
        List<String> names = new ArrayList<>();
        for (MeasuredProducts.Way<CodesLinear> way : rig.products.find(linear, use, padded)) {
            float[] sevens = new float[padded * outStride];
            Arrays.fill(sevens, 7f);
            TestDevice.put(result, sevens);
            long from = CudaArena.address(input);
            if (rounded) {
                rig.rounding.round(layer.scheme, from, layer.in, layer.in, rows, padded);
                from = rig.scratch.codes(padded);
            }
            way.run(linear, from, address, rows);
            rig.stream.synchronize();
            String what = way.name() + " of " + rows + " rows to " + type;
            assertThat(distance(TestDevice.get(result), outStride, want))
                    .as(what)
                    .isLessThan(type == DType.F32 ? 1e-5 : 4e-3);
            names.add(way.name().replaceAll("#\\d", ""));
        }
        return names;
    }

    /** What should be there. */
    private static Set<String> names(Layer layer, int out, int rows, int capability) {
        Set<String> names = new TreeSet<>();
        names.add("tiles");
        if (rows <= 8) {
            names.add("gemv");
        }
        boolean inputGroups = layer.scheme.kind() == Kind.E4M3 && layer.scheme.groupSize() > 0;
        boolean groups = layer.groupSize > 0 || inputGroups;
        if (layer.scheme.kind() == Kind.INT8 && out % 4 == 0) {
            names.add("cublasLt and factors");
        } else if (layer.scheme.kind() == Kind.E4M3 && out % 16 == 0) {
            boolean blocks = layer.groupSize > 0 && inputGroups && MeasuredProducts.paddedRows(rows) % 4 == 0;
            if (capability == 90 && (!groups || blocks)) {
                names.add("cublasLt");
            } else if (capability == 89 && !groups) {
                names.add("cublasLt and factors");
            }
        }
        return names;
    }

    /** In pieces, of which the last two share rows. */
    @Test
    void sumsInPieces() {
        int most = RoundingScratch.piece(1 << 20, 100_000);
        assertThat(most).isEqualTo(256);
        assertThat(RoundingScratch.piece(300, 100_000)).isEqualTo(160);
        assertThat(RoundingScratch.piece(8192, 28672)).isEqualTo(1024);
        assertThat(RoundingScratch.piece(7, 1000)).isEqualTo(7);
        for (int columns : new int[] {64, 4096, 28672, 100_000}) {
            RoundingScratch.Demand demand = new RoundingScratch.Demand(0, 0, 100_000);
            for (int rows : new int[] {1, 16, 300, 8192, 16384}) {
                long needed = 4L * RoundingScratch.piece(rows, columns) * columns;
                assertThat(demand.bytes(rows)).as(rows + " x " + columns).isGreaterThanOrEqualTo(needed);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void throughTheBackend(boolean invariant) {
        try (CudaBackend backend = TestDevice.open(invariant, false);
                Arena arena = backend.newArena()) {
            List<Layer> all = Stream.concat(codes(), others()).toList();
            List<List<LinearWeight.Quantized>> layers = new ArrayList<>();
            List<Linear> loaded = new ArrayList<>();
            long planned = 0;
            for (Layer layer : all) {
                // Another scheme: not one matrix with the first.
                Layer second = new Layer(Codes.E4M3, 32, layer.in, 0, 1, true, FIXED);
                List<LinearWeight.Quantized> pair =
                        List.of(layer.random("a", layer.out, true, random), second.random("b", 32, false, random));
                LinearWeight stacked = new LinearWeight.Stacked("stacked", List.copyOf(pair));
                layers.add(pair);
                planned += backend.gemm().residentBytes(stacked);
                loaded.add(backend.gemm().load(stacked));
            }
            assertThat(planned).isPositive();
            assertThat(backend.gemm().scratchBytes(64, 0, 0)).isPositive();
            backend.synchronize();
            backend.reserveSteps(new StepLimits(64, 8, 4, 100));
            for (int rows : new int[] {3, 20}) {
                for (int i = 0; i < all.size(); i++) {
                    Layer layer = all.get(i);
                    int out = layer.out + 32;
                    int padded = backend.paddedRows(rows);
                    float[] x = input(padded, layer.in);
                    Tensor input = arena.allocate("x", DType.BF16, padded, layer.in);
                    Tensor result = arena.allocate("out", DType.F32, padded, out);
                    TestDevice.put(input, x);
                    backend.gemm().matmul(result, input, loaded.get(i), rows);
                    float[] got = TestDevice.get(backend, result);
                    String what = layer + " by " + backend.describeProduct(loaded.get(i), rows);
                    assertThat(distance(got, out, expected(layers.get(i), x, rows, layer.in)))
                            .as(what)
                            .isLessThan(6e-3);
                    if (invariant) {
                        backend.gemm().matmul(result, input, loaded.get(i), 1);
                        float[] alone = TestDevice.get(backend, result);
                        assertThat(Arrays.copyOf(alone, out)).as(what).isEqualTo(Arrays.copyOf(got, out));
                    }
                }
            }
        }
    }

    @Test
    void tooManyRowsAreRefused() {
        try (CudaBackend backend = TestDevice.open();
                Arena arena = backend.newArena()) {
            Layer layer = e4m3(64, 64, ROWS);
            Linear linear = backend.gemm().load(layer.random("a", 64, false, random));
            backend.synchronize();
            backend.reserveSteps(new StepLimits(8, 8, 4, 100));
            Tensor input = arena.allocate("x", DType.BF16, 16, 64);
            Tensor result = arena.allocate("out", DType.F32, 16, 64);
            assertThatThrownBy(() -> backend.gemm().matmul(result, input, linear, 9))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has 16 rows, reserved are 8");
        }
    }

    @Test
    void residentBytesAreCountedByForm() {
        try (CudaBackend backend = TestDevice.open()) {
            Map<Layer, Long> bytes = Map.of(
                    e4m3(64, 200, ROWS), 64L * 208 + 4 * 64,
                    blocks(256, 400, GROUPS), 256L * 400 + 4 * 2 * 4,
                    int8(64, 128, BYTES), 64L * 128 + 4 * 64,
                    int8(64, 128, ASYMMETRIC), 64L * 128 + 8 * 64);
            bytes.forEach((layer, want) -> assertThat(
                            backend.gemm().residentBytes(layer.random("a", layer.out, false, random)))
                    .as(layer.toString())
                    .isEqualTo(want));
        }
    }
}
