package dev.quire.kernel.cuda;

import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;

/** {@code round_trip.cu}: a step's input rounded to codes and back, for every scheme. */
final class RoundTrip {
    private static final int BLOCK = 128;
    private static final int MADE = 1;
    private static final int GIVEN = 2;

    private final RoundingScratch scratch;
    private final KernelLaunch kernel;

    RoundTrip(KernelFactory kernels, RoundingScratch scratch) {
        this.scratch = scratch;
        kernel = kernels.kernel("round_trip_bf16", BLOCK, 10);
    }

    static RoundingScratch.Demand demand(int inFeatures) {
        return new RoundingScratch.Demand(2 * inFeatures, 0, 0);
    }

    /** Device address of bf16 [rows, inFeatures]. */
    long run(ActivationScheme scheme, long x, int xStride, int inFeatures, int rows, int paddedRows) {
        long out = scratch.codes(paddedRows);
        boolean grouped = ActivationRounding.isGrouped(scheme);
        int zeros = !ActivationRounding.hasZeroPoint(scheme) ? 0 : scheme.isDynamic() ? MADE : GIVEN;
        int groupSize = grouped ? scheme.groupSize() : inFeatures;
        kernel.set(0, out).set(1, x).set(2, inFeatures).set(3, xStride).set(4, groupSize);
        kernel.set(5, scheme.kind() == Kind.INT8 ? 1 : 0).set(6, zeros);
        kernel.set(7, scheme.isDynamic() ? 0f : scheme.scale())
                .set(8, scheme.zeroPoint())
                .set(9, rows);
        kernel.launch((inFeatures + groupSize - 1) / groupSize, Rows.gridY(rows));
        return out;
    }
}
