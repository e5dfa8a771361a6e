package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.QuantizedMatrix;
import java.util.HashMap;
import java.util.Map;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Keeps any matrix in bf16: plain ones, and those whose codes no other loader keeps. */
final class Bf16Loader implements LinearLoader {
    /** Of a weight matrix; matrices of the same shape share what was measured. */
    private record ShapeKey(int outFeatures, int inFeatures) {}

    private static final Logger LOG = Logger.getLogger(Bf16Loader.class.getName());

    private final WeightLoader loader;
    private final CublasLt blas;
    private final Gemv gemv;
    private final ProductTimer timer;
    private final @Nullable InvariantGemm invariant;
    private final Map<ShapeKey, ShapeProducts> shapes = new HashMap<>();

    /** @param invariant null: the fastest product is used, whose bits may depend on the number of rows */
    Bf16Loader(
            KernelFactory kernels,
            WeightLoader loader,
            CublasLt blas,
            ProductTimer timer,
            @Nullable InvariantGemm invariant) {
        this.loader = loader;
        this.blas = blas;
        this.timer = timer;
        this.invariant = invariant;
        gemv = new Gemv(kernels);
    }

    @Override
    public boolean takes(LinearWeight.Leaf leaf) {
        return true;
    }

    @Override
    public boolean joins(LinearWeight.Leaf first, LinearWeight.Leaf next) {
        return true;
    }

    @Override
    public Bf16Linear load(LinearWeight weight) {
        for (LinearWeight.Leaf leaf : weight.leaves()) {
            if (leaf instanceof LinearWeight.Quantized quantized) {
                QuantizedMatrix matrix = quantized.matrix();
                LOG.info(leaf.name() + ": " + matrix.codes() + " in groups of " + matrix.groupSize() + " of "
                        + matrix.numCols() + " is kept in bf16");
            }
        }
        Bias bias = Bias.load(weight, loader);
        return linear(weight.outFeatures(), weight.inFeatures(), loader.loadBf16(weight), bias);
    }

    /** A matrix that is on the device already. */
    Bf16Linear linear(int outFeatures, int inFeatures, long weights, Bias bias) {
        return new Bf16Linear(
                outFeatures,
                inFeatures,
                weights,
                bias.floats(),
                bias.halves(),
                products(outFeatures, inFeatures),
                invariant);
    }

    ShapeProducts products(int out, int in) {
        return shapes.computeIfAbsent(new ShapeKey(out, in), key -> new ShapeProducts(blas, gemv, timer, out, in));
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        return 2L * weight.outFeatures() * weight.inFeatures();
    }

    /**
     * The bias of a stack on the device.
     *
     * @param floats device address of f32 [outFeatures], or 0
     * @param halves the same in bf16, or 0
     */
    record Bias(long floats, long halves) {
        static final Bias NONE = new Bias(0, 0);

        static Bias load(LinearWeight weight, WeightLoader loader) {
            float[] values = values(weight);
            if (values.length == 0) {
                return NONE;
            }
            Bias bias = new Bias(
                    loader.allocate(weight.name() + " bias", 4L * values.length),
                    loader.allocate(weight.name() + " bias", 2L * values.length));
            loader.uploadFloats(values, bias.floats);
            loader.uploadBf16(values, bias.halves);
            return bias;
        }

        /** From this output on. */
        Bias from(int first) {
            return floats == 0 ? NONE : new Bias(floats + 4L * first, halves + 2L * first);
        }

        /** Of all parts, zero where a part has none; empty when no part has one. */
        private static float[] values(LinearWeight weight) {
            float[] values = new float[weight.outFeatures()];
            boolean any = false;
            int at = 0;
            for (LinearWeight.Leaf part : weight.leaves()) {
                HostTensor own = part.bias();
                if (own != null) {
                    own.copyTo(0, values, at, part.outFeatures());
                    any = true;
                }
                at += part.outFeatures();
            }
            return any ? values : new float[0];
        }
    }
}
