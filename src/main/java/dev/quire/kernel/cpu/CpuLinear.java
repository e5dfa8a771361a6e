package dev.quire.kernel.cpu;

import dev.quire.kernel.Linear;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Packed matrices of the same inFeatures, one below the other, and a bias for all of them. */
final class CpuLinear implements Linear {
    /** Panels that a thread takes at a time, at most: they share a visit of the activations. */
    static final int MAX_BLOCK_PANELS = 8;

    /** A matrix and the form of input that it multiplies. */
    record Part(PackedMatrix matrix, InputForm form) {}

    /** The panels of all parts that take the same form of input. */
    static final class Product {
        final InputForm form;
        /** For one or two rows, whose kernels take several panels at once. */
        private final PanelBlocks wide;
        /** For more rows: small enough that all threads end together. */
        private final PanelBlocks fine;

        private Product(InputForm form, List<Part> parts, int size) {
            this.form = form;
            wide = new PanelBlocks(parts, form, Math.max(4, size - size % 4));
            fine = new PanelBlocks(parts, form, Math.max(1, size));
        }

        /** What to spread over the threads in a step of so many rows. */
        PanelBlocks blocks(int numRows) {
            return numRows <= 2 ? wide : fine;
        }
    }

    final List<PackedMatrix> parts;
    /** One for each form of input; nearly always one. */
    final Product[] products;

    final float @Nullable [] bias;
    /** A library's copy, for steps of many rows; set before the first step. */
    LargeProducts.@Nullable Matrix large;

    private final int outFeatures;
    private final int inFeatures;

    /** @param numThreads blocks are made small enough to keep that many busy to the end */
    CpuLinear(List<Part> parts, float @Nullable [] bias, int numThreads) {
        this.parts = parts.stream().map(Part::matrix).toList();
        this.bias = bias;
        inFeatures = this.parts.get(0).cols;
        int numPanels = 0;
        int numOutputs = 0;
        for (PackedMatrix part : this.parts) {
            if (part.cols != inFeatures) {
                throw new IllegalStateException("stacked matrices of " + inFeatures + " and " + part.cols + " inputs");
            }
            numPanels += part.numPanels;
            numOutputs += part.rows;
        }
        outFeatures = numOutputs;
        int size = Math.min(MAX_BLOCK_PANELS, numPanels / (4 * numThreads));
        products = parts.stream()
                .map(Part::form)
                .distinct()
                .map(form -> new Product(form, parts, size))
                .toArray(Product[]::new);
    }

    /** A single matrix that takes its input as it is. */
    static CpuLinear of(PackedMatrix matrix, int numThreads) {
        return new CpuLinear(List.of(new Part(matrix, InputForm.PLAIN)), null, numThreads);
    }

    boolean isBf16() {
        return parts.stream().allMatch(part -> part instanceof HalfMatrix half && half.isBf16());
    }

    @Override
    public int outFeatures() {
        return outFeatures;
    }

    @Override
    public int inFeatures() {
        return inFeatures;
    }

    @Override
    public long weightBytes() {
        return parts.stream().mapToLong(PackedMatrix::numBytes).sum();
    }
}
