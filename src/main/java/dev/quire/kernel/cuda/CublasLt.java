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

    /**
     * out[m, n] = x[m, k] · w[n, k]ᵀ for one set of sizes. In cuBLAS' column-major eyes w is a k × n matrix, transposed, x
     * is k × m, out is n × m.
     */
    final class Product {
        private final String what;
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
        private final PointerPointer<Pointer> biasPointer = new PointerPointer<>(1);
        private final Address biasValue = new Address(0);
        private long bias;
        private int chosen;

        /**
         * @param outType BF16 or F32
         * @param hasBias every run brings an [n] vector of {@code outType}, as cuBLASLt wants it, that is added to every row
         * @param outAlignment of the result's address, see {@link #alignment}
         */
        Product(int m, int n, int k, int xStride, int outStride, DType outType, boolean hasBias, int outAlignment) {
            what = "product of " + m + " × " + k + " with " + n + " × " + k;
            PointerPointer<Pointer> out = new PointerPointer<>(1);
            Cuda.checkBlas(
                    cublas.cublasLtMatmulDescCreate(out, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
                    "cublasLtMatmulDescCreate");
            description = new cublasLtMatmulDescOpaque_t(out.get(0));
            set(cublas.CUBLASLT_MATMUL_DESC_TRANSA, cublas.CUBLAS_OP_T);
            if (hasBias) {
                set(cublas.CUBLASLT_MATMUL_DESC_EPILOGUE, cublas.CUBLASLT_EPILOGUE_BIAS);
                set(cublas.CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type(outType));
            }
            weights = layout(cudart.CUDA_R_16BF, k, n, k);
            input = layout(cudart.CUDA_R_16BF, k, m, xStride);
            output = layout(type(outType), n, m, outStride);
            promise(outAlignment);
            int[] count = new int[1];
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, description, weights, input, output, output, preference, MAX_CANDIDATES, results, count);
            Cuda.checkBlas(status, "choosing an algorithm for the " + what);
            if (count[0] == 0) {
                throw new CudaException(cublas.CUBLAS_STATUS_NOT_SUPPORTED, what, "cuBLASLt has no algorithm");
            }
            candidates = new cublasLtMatmulAlgo_t[count[0]];
            for (int i = 0; i < candidates.length; i++) {
                candidates[i] = new cublasLtMatmulHeuristicResult_t(results.getPointer(i)).algo();
            }
        }

        private static int type(DType outType) {
            return outType == DType.F32 ? cudart.CUDA_R_32F : cudart.CUDA_R_16BF;
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

        int numCandidates() {
            return candidates.length;
        }

        /** Which candidate {@link #run} uses; cuBLASLt's own first choice until told otherwise. */
        void choose(int candidate) {
            chosen = Math.min(candidate, candidates.length - 1);
        }

        int chosen() {
            return chosen;
        }

        /** @param biasAddress of this matrix' bias; not used by a product without */
        void run(long weightAddress, long biasAddress, long xAddress, long outAddress) {
            if (biasAddress != bias) {
                bias = biasAddress;
                biasPointer.put(0, biasValue.set(biasAddress));
                Cuda.checkBlas(
                        cublas.cublasLtMatmulDescSetAttribute(
                                description, cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER, biasPointer, Long.BYTES),
                        "cublasLtMatmulDescSetAttribute");
            }
            w.set(weightAddress);
            x.set(xAddress);
            y.set(outAddress);
            int status = cublas.cublasLtMatmul(
                    handle,
                    description,
                    one,
                    w,
                    weights,
                    x,
                    input,
                    zero,
                    y,
                    output,
                    y,
                    output,
                    candidates[chosen],
                    workspaceAddress,
                    WORKSPACE_BYTES,
                    stream.handle);
            if (status != 0) {
                Cuda.checkBlas(status, what);
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
