package dev.quire.kernel;

import dev.quire.tensor.HostTensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A matrix as the checkpoint stores it, [outFeatures, inFeatures], before a backend takes it into its own layout. */
public sealed interface LinearWeight {
    /** For errors and logs: the checkpoint's prefix, such as {@code model.layers.0.self_attn.q_proj}. */
    String name();

    int outFeatures();

    int inFeatures();

    /**
     * Plain elements.
     *
     * @param weight [outFeatures, inFeatures] in F32, BF16 or F16
     * @param bias [outFeatures], or null
     */
    record Dense(String name, HostTensor weight, @Nullable HostTensor bias) implements LinearWeight {
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
     * Integers of {@code numBits}, packed little end first into int32 along inFeatures and offset by
     * 2^(numBits-1), as compressed-tensors' pack-quantized stores them; w = (q - zeroPoint) × scale.
     *
     * @param numBits 4 or 8
     * @param groupSize inputs that share a scale; equal to inFeatures for one scale a row
     * @param packed I32 [outFeatures, inFeatures × numBits / 32]
     * @param scale BF16, F16 or F32 [outFeatures, inFeatures / groupSize]
     * @param zeroPoint I32 packed along outFeatures, [outFeatures × numBits / 32, inFeatures / groupSize]; null when
     *     symmetric
     * @param bias [outFeatures], or null
     */
    record GroupQuantized(
            String name,
            int outFeatures,
            int inFeatures,
            int numBits,
            int groupSize,
            HostTensor packed,
            HostTensor scale,
            @Nullable HostTensor zeroPoint,
            @Nullable HostTensor bias)
            implements LinearWeight {}

    /** Matrices of the same inFeatures stacked along outFeatures, such as q, k, v: one product computes all. */
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
}
