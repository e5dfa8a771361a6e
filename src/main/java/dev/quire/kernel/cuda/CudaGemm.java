package dev.quire.kernel.cuda;

import static dev.quire.kernel.cuda.CudaArena.address;

import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Products with matrices of any form: each leaf of a weight goes to the first loader that takes it. */
final class CudaGemm implements GemmKernels, AutoCloseable {
    private final CublasLt blas;
    private final Bf16Loader bf16;
    private final IntLoader ints;
    /** The last one takes what is left. */
    private final List<LinearLoader> loaders;

    private final RoundingScratch scratch = new RoundingScratch();

    /** @param invariant null: the fastest product is used, whose bits may depend on the number of rows */
    CudaGemm(KernelFactory kernels, WeightLoader loader, ProductTimer timer, @Nullable InvariantGemm invariant) {
        blas = new CublasLt(kernels.stream());
        bf16 = new Bf16Loader(kernels, loader, blas, timer, invariant);
        ints = new IntLoader(kernels, loader, bf16, timer, invariant != null);
        CodesProducts ways = new CodesProducts(blas, new CodesKernels(kernels), kernels.device(), invariant != null);
        CodesLoader codes = new CodesLoader(loader, timer, ways, new ActivationRounding(kernels, scratch), scratch);
        // What takes matrices whose inputs are not rounded.
        List<LinearLoader> plain = List.of(codes, ints, bf16);
        RoundedLoader rounded = new RoundedLoader(plain, new RoundTrip(kernels, scratch), scratch);
        loaders = List.of(codes, rounded, ints, bf16);
    }

    /** Leaves that become one matrix. */
    private record Run(LinearLoader loader, LinearWeight weight) {}

    private List<Run> runs(LinearWeight weight) {
        List<Run> runs = new ArrayList<>();
        List<LinearWeight> leaves = new ArrayList<>();
        LinearWeight.Leaf last = null;
        LinearLoader loader = null;
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            LinearLoader own = loader(leaf);
            if (last != null && (own != loader || !own.joins(last, leaf))) {
                runs.add(run(weight, loader, leaves));
                leaves = new ArrayList<>();
            }
            leaves.add(leaf);
            last = leaf;
            loader = own;
        }
        runs.add(run(weight, loader, leaves));
        return runs;
    }

    private static Run run(LinearWeight all, LinearLoader loader, List<LinearWeight> leaves) {
        return new Run(loader, leaves.size() == 1 ? leaves.get(0) : new LinearWeight.Stacked(all.name(), leaves));
    }

    private LinearLoader loader(LinearWeight.Leaf leaf) {
        for (LinearLoader loader : loaders) {
            if (loader.takes(leaf)) {
                return loader;
            }
        }
        throw new IllegalStateException("no loader for " + leaf.name());
    }

    @Override
    public Linear load(LinearWeight weight) {
        List<CudaLinear> parts = new ArrayList<>();
        for (Run run : runs(weight)) {
            parts.add(run.loader.load(run.weight));
        }
        return parts.size() == 1 ? parts.get(0) : new StackedLinear(weight.outFeatures(), weight.inFeatures(), parts);
    }

    @Override
    public Linear tied(EmbeddingTable table) {
        CudaEmbedding.Table t = (CudaEmbedding.Table) table;
        return t.ints() != null
                ? ints.linear(t.ints(), Bf16Loader.Bias.NONE)
                : bf16.linear(t.vocabSize(), t.hidden(), t.weights(), Bf16Loader.Bias.NONE);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        long bytes = 0;
        for (Run run : runs(weight)) {
            bytes += run.loader.residentBytes(run.weight);
        }
        return bytes;
    }

    /** Asked after {@link #residentBytes} of all weights. cuBLASLt's workspace is taken when the backend starts. */
    @Override
    public long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures) {
        return loaders.stream()
                .mapToLong(loader -> loader.scratchBytes(maxRows))
                .sum();
    }

    /** Takes what products of up to {@code maxRows} rows need, once all matrices are loaded. */
    void reserve(int maxRows) {
        loaders.forEach(loader -> loader.reserve(maxRows));
    }

    /** Keeps quantized embeddings. */
    IntLoader ints() {
        return ints;
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
        scratch.close();
        ints.close();
        blas.close();
    }
}
