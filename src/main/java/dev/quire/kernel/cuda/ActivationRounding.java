package dev.quire.kernel.cuda;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;

/** {@code quantize.cu}: a step's input as codes with scales, in the shared scratch. */
final class ActivationRounding {
    private static final int GROUP_BLOCK = 128;
    private static final int MIN_BLOCK = 64;
    private static final int MAX_BLOCK = 1024;

    private final RoundingScratch scratch;
    private final KernelLaunch e4m3;
    private final KernelLaunch e4m3Groups;
    private final KernelLaunch int8;
    private final KernelLaunch int8Zero;
    private final KernelLaunch int8FixedZero;

    ActivationRounding(KernelFactory kernels, RoundingScratch scratch) {
        this.scratch = scratch;
        e4m3 = kernels.kernel("quantize_e4m3", 1, 7);
        e4m3Groups = kernels.kernel("quantize_e4m3_groups", GROUP_BLOCK, 8);
        int8 = kernels.kernel("quantize_int8", 1, 7);
        int8Zero = kernels.kernel("quantize_int8_zero", 1, 7);
        int8FixedZero = kernels.kernel("quantize_int8_fixed_zero", 1, 9);
    }

    /** Whether the kernels know the scheme. */
    static boolean fits(ActivationScheme scheme) {
        return switch (scheme.kind()) {
            case NONE -> true;
            case E4M3 -> !isGrouped(scheme) || scheme.groupSize() == CodesMatrix.GROUP;
            case INT8 -> !isGrouped(scheme);
        };
    }

    static boolean isGrouped(ActivationScheme scheme) {
        return scheme.kind() != Kind.NONE && scheme.isDynamic() && scheme.groupSize() != 0;
    }

    static boolean hasZeroPoint(ActivationScheme scheme) {
        return scheme.kind() == Kind.INT8 && (scheme.isDynamic() ? !scheme.isSymmetric() : scheme.zeroPoint() != 0);
    }

    /** What {@link #round} needs for each row. */
    static RoundingScratch.Demand demand(ActivationScheme scheme, int inFeatures) {
        if (scheme.kind() == Kind.NONE) {
            return RoundingScratch.Demand.NONE;
        }
        int scales = isGrouped(scheme) ? CodesMatrix.numGroups(inFeatures) : 1;
        return new RoundingScratch.Demand(CodesMatrix.inStride(inFeatures), scales, 0);
    }

    /**
     * Rounds rows of bf16 to the scratch: codes in rows of {@link CodesMatrix#inStride} bytes; scales [rows], or with groups
     * [groups, paddedRows].
     *
     * @param paddedRows that the product will compute
     */
    void round(ActivationScheme scheme, long x, int xStride, int inFeatures, int rows, int paddedRows) {
        int codeStride = CodesMatrix.inStride(inFeatures);
        KernelLaunch kernel = kernel(scheme);
        int at = 0;
        kernel.set(at++, scratch.codes(paddedRows)).set(at++, scratch.scales());
        if (hasZeroPoint(scheme)) {
            kernel.set(at++, scratch.zeros());
        }
        kernel.set(at++, x).set(at++, inFeatures).set(at++, codeStride).set(at++, xStride);
        if (kernel == e4m3Groups) {
            kernel.set(at++, paddedRows).set(at, rows);
            kernel.launch(Rows.gridX(codeStride, GROUP_BLOCK), Rows.gridY(rows));
            return;
        }
        if (kernel != int8Zero) {
            kernel.set(at++, scheme.isDynamic() ? 0f : scheme.scale());
        }
        if (kernel == int8FixedZero) {
            kernel.set(at, scheme.zeroPoint());
        }
        int threads = (codeStride / 8 + 31) / 32 * 32;
        kernel.block(Math.max(MIN_BLOCK, Math.min(MAX_BLOCK, threads))).launch(rows);
    }

    private KernelLaunch kernel(ActivationScheme scheme) {
        if (scheme.kind() == Kind.E4M3) {
            return isGrouped(scheme) ? e4m3Groups : e4m3;
        }
        if (!hasZeroPoint(scheme)) {
            return int8;
        }
        return scheme.isDynamic() ? int8Zero : int8FixedZero;
    }
}
