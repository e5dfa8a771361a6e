package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Products by cuBLASLt, by the own matrix-vector kernel for few rows, or by the batch-invariant kernel where asked. */
final class CudaGemm implements GemmKernels, AutoCloseable {
    /** Of a weight matrix; matrices of the same shape share what was measured. */
    private record ShapeKey(int outFeatures, int inFeatures) {}

    private final WeightLoader loader;
    private final CublasLt blas;
    private final Gemv gemv;
    private final ProductTimer timer;
    private final @Nullable InvariantGemm invariant;
    private final Map<ShapeKey, ShapeProducts> shapes = new HashMap<>();

    /** @param invariant null: the fastest product is used, whose bits may depend on the number of rows */
    CudaGemm(KernelFactory kernels, WeightLoader loader, ProductTimer timer, @Nullable InvariantGemm invariant) {
        this.loader = loader;
        this.timer = timer;
        this.invariant = invariant;
        blas = new CublasLt(kernels.stream());
        gemv = new Gemv(kernels);
    }

    @Override
    public Linear load(LinearWeight weight) {
        int out = weight.outFeatures();
        int in = weight.inFeatures();
        long weights = loader.loadBf16(weight);
        float[] bias = bias(weight);
        if (bias.length == 0) {
            return new Bf16Linear(out, in, weights, 0, 0, products(out, in), invariant);
        }
        long floats = loader.allocate(weight.name() + " bias", 4L * out);
        long halves = loader.allocate(weight.name() + " bias", 2L * out);
        loader.uploadFloats(bias, floats);
        loader.uploadBf16(bias, halves);
        return new Bf16Linear(out, in, weights, floats, halves, products(out, in), invariant);
    }

    /** The bias of all parts, zero where a part has none; empty when no part has one. */
    private static float[] bias(LinearWeight weight) {
        float[] bias = new float[weight.outFeatures()];
        boolean any = false;
        int at = 0;
        for (LinearWeight.Leaf part : weight.leaves()) {
            HostTensor own = part.bias();
            if (own != null) {
                own.copyTo(0, bias, at, part.outFeatures());
                any = true;
            }
            at += part.outFeatures();
        }
        return any ? bias : new float[0];
    }

    private ShapeProducts products(int out, int in) {
        return shapes.computeIfAbsent(new ShapeKey(out, in), key -> new ShapeProducts(blas, gemv, timer, out, in));
    }

    @Override
    public Linear tied(EmbeddingTable table) {
        CudaEmbedding.Table t = (CudaEmbedding.Table) table;
        return new Bf16Linear(
                t.vocabSize(), t.hidden(), t.weights(), 0, 0, products(t.vocabSize(), t.hidden()), invariant);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        return 2L * weight.outFeatures() * weight.inFeatures();
    }

    /** The workspace is taken when the backend starts. */
    @Override
    public long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures) {
        return 0;
    }

    @Override
    public void matmul(Tensor out, Tensor x, Linear weight, int numRows) {
        ((CudaLinear) weight).multiply(address(x), x.rowStride(), address(out), out.rowStride(), out.dtype(), numRows);
    }

    /** For the log: how the product of this shape runs at so many rows. */
    String describe(Linear weight, int rows) {
        return ((CudaLinear) weight).describe(rows);
    }

    @Override
    public void close() {
        blas.close();
    }
}
