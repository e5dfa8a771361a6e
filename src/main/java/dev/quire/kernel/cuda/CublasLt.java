package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.jspecify.annotations.Nullable;

/** The context of cuBLASLt: handle, workspace, and the products it computes. */
final class CublasLt implements AutoCloseable {
    /** What NVIDIA recommends for Hopper is 32 MiB; split-K of wide outputs takes more. */
    static final long WORKSPACE_BYTES = 64L << 20;

    /** The first is the best, or within a few percent of it, nearly always. */
    private static final int MAX_CANDIDATES = 4;
    /** What its heuristics take for granted unless told. */
    private static final int MAX_ALIGNMENT = 256;

    private final CudaStream stream;
    private final cublasLtContext handle = new cublasLtContext();
    private final cublasLtMatmulPreferenceOpaque_t preference;
    private final DeviceMemory workspace;
    private final Address workspaceAddress;
    private final FloatPointer one = new FloatPointer(1).put(1f);
    private final FloatPointer zero = new FloatPointer(1).put(0f);
    private final IntPointer oneInt = new IntPointer(1).put(1);
    private final IntPointer zeroInt = new IntPointer(1).put(0);

    CublasLt(CudaStream stream) {
        this.stream = stream;
        Cuda.checkBlas(cublas.cublasLtCreate(handle), "cublasLtCreate");
        workspace = DeviceMemory.allocate("cuBLASLt workspace", WORKSPACE_BYTES);
        workspaceAddress = new Address(workspace.address());
        PointerPointer<Pointer> out = new PointerPointer<>(1);
        Cuda.checkBlas(cublas.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
        preference = new cublasLtMatmulPreferenceOpaque_t(out.get(0));
        try (SizeTPointer bytes = new SizeTPointer(1).put(WORKSPACE_BYTES)) {
            Cuda.checkBlas(
                    cublas.cublasLtMatmulPreferenceSetAttribute(
                            preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES),
                    "cublasLtMatmulPreferenceSetAttribute");
        }
    }

    /** Bytes that the address of a result is a multiple of, as far as cuBLASLt cares. */
    static int alignment(long address) {
        return (int) Math.min(MAX_ALIGNMENT, Long.lowestOneBit(address | MAX_ALIGNMENT));
    }

    private void promise(int outAlignment) {
        try (IntPointer bytes = new IntPointer(1).put(outAlignment)) {
            int[] attributes = {
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
            };
            for (int attribute : attributes) {
                Cuda.checkBlas(
                        cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, bytes, Integer.BYTES),
                        "cublasLtMatmulPreferenceSetAttribute");
            }
        }
    }

    /** What is multiplied, and how factors come in. */
    enum Format {
        BF16(cudart.CUDA_R_16BF, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F, 0, 0),
        /** A factor for each row of the input and one for each row of the weights. Hopper. */
        E4M3_ROWS(
                cudart.CUDA_R_8F_E4M3,
                cublas.CUBLAS_COMPUTE_32F,
                cudart.CUDA_R_32F,
                cublas.CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F,
                cublas.CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F),
        /**
         * A factor for each 128 columns of each row of the input, [ceil(k / 128), m], and one for each block of 128 × 128 of the
         * weights, [ceil(n / 128), ceil(k / 128) rounded up to 4]. Hopper.
         */
        E4M3_BLOCKS(
                cudart.CUDA_R_8F_E4M3,
                cublas.CUBLAS_COMPUTE_32F,
                cudart.CUDA_R_32F,
                cublas.CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F,
                cublas.CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F),
        /** Without factors; for F32. */
        E4M3_SUMS(cudart.CUDA_R_8F_E4M3, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F, 0, 0),
        /** The result is 32-bit integers. */
        INT8_SUMS(cudart.CUDA_R_8I, cublas.CUBLAS_COMPUTE_32I, cudart.CUDA_R_32I, 0, 0);

        private final int operands;
        private final int compute;
        private final int factor;
        private final int weightScales;
        private final int inputScales;

        Format(int operands, int compute, int factor, int weightScales, int inputScales) {
            this.operands = operands;
            this.compute = compute;
            this.factor = factor;
            this.weightScales = weightScales;
            this.inputScales = inputScales;
        }

        boolean isScaled() {
            return weightScales != 0;
        }

        private int outType(DType asked) {
            return this == INT8_SUMS ? cudart.CUDA_R_32I : asked == DType.F32 ? cudart.CUDA_R_32F : cudart.CUDA_R_16BF;
        }
    }

    /**
     * Sizes of one product out[m, n] = x[m, k] · w[n, k]ᵀ.
     *
     * @param use with a bias every run brings one in the type that cuBLASLt wants: see {@link #isBiasInFloats}
     */
    record Spec(Format format, int m, int n, int k, ProductUse use) {
        @Override
        public String toString() {
            return format + " product of " + m + " × " + k + " with " + n + " × " + k;
        }
    }

    /** A bias of bf16 products has the type of the result; that of E4M3 products is bf16 whatever the result. */
    static boolean isBiasInFloats(Spec spec) {
        return spec.format == Format.BF16 && spec.use.outType() == DType.F32;
    }

    /** Throws {@link CudaException} when cuBLASLt does not offer the product. */
    Product product(Spec spec) {
        return new Product(spec, 0, 0);
    }

    /**
     * Null when cuBLASLt does not offer the product on this card.
     *
     * @param weightScales of any matrix that it is for, on the device, of formats that take some
     * @param inputScales likewise
     */
    @Nullable
    Product productIfOffered(Spec spec, long weightScales, long inputScales) {
        try {
            return new Product(spec, weightScales, inputScales);
        } catch (CudaException e) {
            return null;
        }
    }

    /** One product. In cuBLAS' column-major eyes w is a k × n matrix, transposed, x is k × m, out is n × m. */
    final class Product {
        private final Spec spec;
        private final cublasLtMatmulDescOpaque_t description;
        private final cublasLtMatrixLayoutOpaque_t weights;
        private final cublasLtMatrixLayoutOpaque_t input;
        private final cublasLtMatrixLayoutOpaque_t output;
        /** Holds the memory of the candidates' algorithms. */
        private final cublasLtMatmulHeuristicResult_t results = new cublasLtMatmulHeuristicResult_t(MAX_CANDIDATES);

        private final cublasLtMatmulAlgo_t[] candidates;
        private final Address w = new Address(0);
        private final Address x = new Address(0);
        private final Address y = new Address(0);
        private final Operand bias = new Operand(cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER);
        private final Operand weightScales = new Operand(cublas.CUBLASLT_MATMUL_DESC_A_SCALE_POINTER);
        private final Operand inputScales = new Operand(cublas.CUBLASLT_MATMUL_DESC_B_SCALE_POINTER);
        private int chosen;

        private Product(Spec spec, long weightScalesAddress, long inputScalesAddress) {
            this.spec = spec;
            Format format = spec.format;
            PointerPointer<Pointer> out = new PointerPointer<>(1);
            Cuda.checkBlas(
                    cublas.cublasLtMatmulDescCreate(out, format.compute, format.factor), "cublasLtMatmulDescCreate");
            description = new cublasLtMatmulDescOpaque_t(out.get(0));
            set(cublas.CUBLASLT_MATMUL_DESC_TRANSA, cublas.CUBLAS_OP_T);
            if (spec.use.hasBias()) {
                set(cublas.CUBLASLT_MATMUL_DESC_EPILOGUE, cublas.CUBLASLT_EPILOGUE_BIAS);
                set(
                        cublas.CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE,
                        isBiasInFloats(spec) ? cudart.CUDA_R_32F : cudart.CUDA_R_16BF);
            }
            if (format.isScaled()) {
                set(cublas.CUBLASLT_MATMUL_DESC_A_SCALE_MODE, format.weightScales);
                set(cublas.CUBLASLT_MATMUL_DESC_B_SCALE_MODE, format.inputScales);
                // The choice of algorithms may look whether there are any.
                scale(weightScalesAddress, inputScalesAddress);
            }
            weights = layout(format.operands, spec.k, spec.n, spec.k);
            input = layout(format.operands, spec.k, spec.m, spec.use.xStride());
            output = layout(format.outType(spec.use.outType()), spec.n, spec.m, spec.use.outStride());
            promise(spec.use.outAlignment());
            int[] count = new int[1];
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, description, weights, input, output, output, preference, MAX_CANDIDATES, results, count);
            if (status != 0 || count[0] == 0) {
                close();
                Cuda.checkBlas(status, "choosing an algorithm for the " + spec);
                throw new CudaException(
                        cublas.CUBLAS_STATUS_NOT_SUPPORTED, spec.toString(), "cuBLASLt has no algorithm");
            }
            candidates = new cublasLtMatmulAlgo_t[count[0]];
            for (int i = 0; i < candidates.length; i++) {
                candidates[i] = new cublasLtMatmulHeuristicResult_t(results.getPointer(i)).algo();
            }
        }

        /** An address that belongs to the description. */
        private final class Operand {
            private final int attribute;
            private final PointerPointer<Pointer> pointer = new PointerPointer<>(1);
            private final Address value = new Address(0);
            private long address;

            Operand(int attribute) {
                this.attribute = attribute;
            }

            void set(long newAddress) {
                if (newAddress != address) {
                    address = newAddress;
                    pointer.put(0, value.set(newAddress));
                    Cuda.checkBlas(
                            cublas.cublasLtMatmulDescSetAttribute(description, attribute, pointer, Long.BYTES),
                            "cublasLtMatmulDescSetAttribute");
                }
            }
        }

        private void set(int attribute, int value) {
            try (IntPointer pointer = new IntPointer(1).put(value)) {
                Cuda.checkBlas(
                        cublas.cublasLtMatmulDescSetAttribute(description, attribute, pointer, Integer.BYTES),
                        "cublasLtMatmulDescSetAttribute");
            }
        }

        private cublasLtMatrixLayoutOpaque_t layout(int type, long rows, long columns, long stride) {
            PointerPointer<Pointer> out = new PointerPointer<>(1);
            Cuda.checkBlas(
                    cublas.cublasLtMatrixLayoutCreate(out, type, rows, columns, stride), "cublasLtMatrixLayoutCreate");
            return new cublasLtMatrixLayoutOpaque_t(out.get(0));
        }

        /**
         * Measures the candidates and uses the best from now on; cuBLASLt's own first choice until then.
         *
         * @param run calls {@link #run}
         * @return microseconds
         */
        double chooseBest(ProductTimer timer, Runnable run) {
            double least = Double.POSITIVE_INFINITY;
            int best = 0;
            for (int i = 0; i < candidates.length; i++) {
                chosen = i;
                double micros = timer.micros(run);
                if (micros < least) {
                    least = micros;
                    best = i;
                }
            }
            chosen = best;
            return least;
        }

        int chosen() {
            return chosen;
        }

        /** The factors of the next runs, on the device, of formats that take some. */
        void scale(long weightScalesAddress, long inputScalesAddress) {
            weightScales.set(weightScalesAddress);
            inputScales.set(inputScalesAddress);
        }

        /** @param biasAddress of this matrix' bias; not used by a product without */
        void run(long weightAddress, long biasAddress, long xAddress, long outAddress) {
            if (spec.use.hasBias()) {
                bias.set(biasAddress);
            }
            w.set(weightAddress);
            x.set(xAddress);
            y.set(outAddress);
            boolean integers = spec.format == Format.INT8_SUMS;
            int status = cublas.cublasLtMatmul(
                    handle,
                    description,
                    integers ? oneInt : one,
                    w,
                    weights,
                    x,
                    input,
                    integers ? zeroInt : zero,
                    y,
                    output,
                    y,
                    output,
                    candidates[chosen],
                    workspaceAddress,
                    WORKSPACE_BYTES,
                    stream.handle);
            if (status != 0) {
                Cuda.checkBlas(status, spec.toString());
            }
        }

        void close() {
            cublas.cublasLtMatrixLayoutDestroy(weights);
            cublas.cublasLtMatrixLayoutDestroy(input);
            cublas.cublasLtMatrixLayoutDestroy(output);
            cublas.cublasLtMatmulDescDestroy(description);
        }
    }

    @Override
    public void close() {
        cublas.cublasLtMatmulPreferenceDestroy(preference);
        cublas.cublasLtDestroy(handle);
        workspace.close();
    }
}
