package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.QuantizedMatrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keeps matrices of small integers as they are, where inputs are not rounded. */
final class IntLoader implements LinearLoader, AutoCloseable {
    private record Key(int outFeatures, int inFeatures, IntForm form) {}

    private final WeightLoader loader;
    private final Bf16Loader bf16;
    private final IntScratch scratch;
    private final ProductTimer timer;
    private final IntProducts ways;
    private final IntLinear.@Nullable Invariant invariant;
    private final Map<Key, MeasuredProducts<IntLinear>> products = new HashMap<>();
    /** Made by reading scales, so once for each matrix. */
    private final Map<QuantizedMatrix, IntForm> forms = new IdentityHashMap<>();

    private boolean isUsed;
    private int widestOrder;

    /** @param isInvariant a row's bits must not depend on the batch */
    IntLoader(KernelFactory kernels, WeightLoader loader, Bf16Loader bf16, ProductTimer timer, boolean isInvariant) {
        this.loader = loader;
        this.bf16 = bf16;
        this.timer = timer;
        IntGemm gemm = new IntGemm(kernels);
        ways = new IntProducts(new IntGemv(kernels), gemm);
        invariant = isInvariant ? new IntLinear.Invariant(gemm) : null;
        scratch = new IntScratch(kernels);
    }

    @Override
    public boolean takes(LinearWeight.Leaf leaf) {
        return leaf instanceof LinearWeight.Quantized quantized
                && quantized.activations().kind() == ActivationScheme.Kind.NONE
                && IntForm.fits(quantized.matrix())
                && IntScratch.fits(leaf.inFeatures());
    }

    @Override
    public boolean joins(LinearWeight.Leaf first, LinearWeight.Leaf next) {
        return form(first).joins(form(next))
                && Arrays.equals(matrix(first).columnOrder(), matrix(next).columnOrder());
    }

    private static QuantizedMatrix matrix(LinearWeight.Leaf leaf) {
        return ((LinearWeight.Quantized) leaf).matrix();
    }

    private IntForm form(LinearWeight.Leaf leaf) {
        return forms.computeIfAbsent(matrix(leaf), IntForm::of);
    }

    private IntForm form(LinearWeight weight) {
        return weight.leaves().stream().map(this::form).reduce(IntForm::join).orElseThrow();
    }

    @Override
    public IntLinear load(LinearWeight weight) {
        return linear(loadMatrix(weight), Bf16Loader.Bias.load(weight, loader));
    }

    /** The matrix alone, without its bias. */
    IntMatrix loadMatrix(LinearWeight weight) {
        List<QuantizedMatrix> parts = new ArrayList<>();
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            parts.add(matrix(leaf));
        }
        scratch.expanded();
        IntForm form = form(weight);
        int rows = weight.outFeatures();
        int cols = weight.inFeatures();
        long codes = loader.allocate(weight.name(), (long) IntForm.tiles(rows) * form.codeBytes(cols));
        long scales = loader.allocate(weight.name() + " scales", (long) IntForm.tiles(rows) * form.scaleBytes(cols));
        loader.uploadInts(form, parts, codes, scales);
        return new IntMatrix(rows, cols, form, codes, scales, order(parts.get(0)));
    }

    private long order(QuantizedMatrix matrix) {
        int[] order = matrix.columnOrder();
        if (order == null) {
            return 0;
        }
        widestOrder = Math.max(widestOrder, order.length);
        long address = loader.allocate(matrix.name() + " column order", (long) Integer.BYTES * order.length);
        loader.uploadInts(order, address);
        return address;
    }

    /** A matrix that is on the device already. */
    IntLinear linear(IntMatrix matrix, Bf16Loader.Bias bias) {
        int rows = matrix.outFeatures();
        int cols = matrix.inFeatures();
        int piece = IntScratch.expandedRows(rows, cols);
        List<Bf16Linear> pieces = new ArrayList<>();
        for (int first = 0; first < rows; first += piece) {
            int count = Math.min(piece, rows - first);
            pieces.add(bf16.linear(count, cols, scratch.expanded(), bias.from(first)));
        }
        MeasuredProducts<IntLinear> shared = products.computeIfAbsent(
                new Key(rows, cols, matrix.form()), key -> new MeasuredProducts<>(timer, ways));
        return new IntLinear(matrix, bias.floats(), pieces, shared, scratch, invariant);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        isUsed = true;
        int[] order = matrix(weight.leaves().get(0)).columnOrder();
        if (order != null) {
            widestOrder = Math.max(widestOrder, order.length);
        }
        long orderBytes = order == null ? 0 : (long) Integer.BYTES * order.length;
        return form(weight).bytes(weight.outFeatures(), weight.inFeatures()) + orderBytes;
    }

    @Override
    public long scratchBytes(int maxRows) {
        return (isUsed ? IntScratch.EXPANDED_BYTES : 0) + IntScratch.permutedBytes(maxRows, widestOrder);
    }

    @Override
    public void reserve(int maxRows) {
        forms.clear();
        if (widestOrder > 0) {
            scratch.reservePermuted(IntScratch.permutedBytes(maxRows, widestOrder));
        }
    }

    @Override
    public void close() {
        scratch.close();
    }
}
