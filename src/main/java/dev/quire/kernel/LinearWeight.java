package dev.quire.kernel;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A matrix as the checkpoint stores it, [outFeatures, inFeatures], before a backend takes it into its own layout. */
public sealed interface LinearWeight {
    /** For errors and logs: the checkpoint's prefix, such as {@code model.layers.0.self_attn.q_proj}. */
    String name();

    int outFeatures();

    int inFeatures();

    /** A single matrix, with its bias. */
    sealed interface Leaf extends LinearWeight {
        /** [outFeatures], or null. */
        @Nullable
        HostTensor bias();
    }

    /**
     * Plain elements.
     *
     * @param weight [outFeatures, inFeatures] in F32, BF16 or F16
     * @param bias [outFeatures], or null
     */
    record Dense(String name, HostTensor weight, @Nullable HostTensor bias) implements Leaf {
        @Override
        public int outFeatures() {
            return Math.toIntExact(weight.shape().dim(0));
        }

        @Override
        public int inFeatures() {
            return Math.toIntExact(weight.shape().dim(1));
        }
    }

    /**
     * Small codes with scales.
     *
     * @param activations how the input is rounded before the product
     * @param bias [outFeatures], or null
     */
    record Quantized(
            String name,
            QuantizedMatrix matrix,
            ActivationScheme activations,
            @Nullable HostTensor bias) implements Leaf {
        @Override
        public int outFeatures() {
            return matrix.numRows();
        }

        @Override
        public int inFeatures() {
            return matrix.numCols();
        }
    }

    /**
     * Matrices of the same inFeatures stacked along outFeatures, such as q, k, v: one product computes all. Parts may differ in
     * type and in how they round their input.
     */
    record Stacked(String name, List<LinearWeight> parts) implements LinearWeight {
        public Stacked {
            parts = List.copyOf(parts);
        }

        @Override
        public int outFeatures() {
            return parts.stream().mapToInt(LinearWeight::outFeatures).sum();
        }

        @Override
        public int inFeatures() {
            return parts.get(0).inFeatures();
        }
    }

    /** The single matrices, from the first output to the last. */
    default List<Leaf> leaves() {
        if (this instanceof Stacked stacked) {
            return stacked.parts.stream()
                    .flatMap(part -> part.leaves().stream())
                    .toList();
        }
        return List.of((Leaf) this);
    }
}
