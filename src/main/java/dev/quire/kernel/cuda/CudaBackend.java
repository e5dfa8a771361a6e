package dev.quire.kernel.cuda;

import dev.quire.kernel.ActivationKernels;
import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.Backend;
import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.KvCacheKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.NormKernels;
import dev.quire.kernel.PagedKvCache;
import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.kernel.SamplingKernels;
import dev.quire.kernel.StepGraphs;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/**
 * One NVIDIA card: activations bf16, the residual stream f32, all kernels on one stream. Nothing is allocated for a step, and
 * nothing waits but {@link #awaitStep} and {@link #synchronize}.
 */
public final class CudaBackend implements Backend {
    /** For the context, the kernels' code, graphs, workspaces and what others on the card may take meanwhile. */
    private static final long RESERVED_BYTES = 1536L << 20;

    private static final int MAX_STEPS_IN_FLIGHT = 2;

    private final CudaOptions options;
    private final CudaDevice device;
    private final CudaStream stream;
    private final CudaModule module;
    private final WeightLoader loader;
    private final LastSampled lastSampled;
    private final StepInputs step;
    private final ProductTimer timer;
    private final CudaNorm norm;
    private final CudaRope rope;
    private final CudaGemm gemm;
    private final CudaActivation activation;
    private final CudaEmbedding embedding;
    private final CudaKvCache kvCache;
    private final CudaAttention attention;
    private final CudaSampling sampling;
    private final CudaGraphs graphs;
    /** A model that does not come to be leaves them to the backend. */
    private final List<CudaArena> arenas = new ArrayList<>();

    private final CUevent_st[] marks = new CUevent_st[MAX_STEPS_IN_FLIGHT];
    /** Sizes of the steps in flight, to name them when they fail. */
    private final int[] rows = new int[MAX_STEPS_IN_FLIGHT];

    private final int[] seqs = new int[MAX_STEPS_IN_FLIGHT];
    private long numSteps;

    private CudaBackend(CudaOptions options, CudaDevice device) {
        this.options = options;
        this.device = device;
        stream = new CudaStream();
        module = CudaModule.load();
        KernelFactory kernels = new KernelFactory(module, stream, device, options.blockingLaunches());
        loader = new WeightLoader(kernels);
        lastSampled = new LastSampled(stream);
        step = new StepInputs(stream);
        timer = new ProductTimer(stream);
        norm = new CudaNorm(kernels);
        rope = new CudaRope(kernels, step);
        gemm = new CudaGemm(kernels, loader, timer, options.batchInvariant() ? new InvariantGemm(kernels) : null);
        activation = new CudaActivation(kernels);
        embedding = new CudaEmbedding(kernels, step, loader, gemm.ints(), lastSampled);
        attention = new CudaAttention(kernels, step, loader, options.batchInvariant());
        kvCache = new CudaKvCache(kernels, step, attention);
        sampling = new CudaSampling(kernels, lastSampled);
        graphs = new CudaGraphs(stream, timer);
        for (int i = 0; i < marks.length; i++) {
            marks[i] = CudaStream.newMark();
        }
        stream.synchronize();
    }

    /** Whether this build has kernels. */
    public static boolean isBuilt() {
        return CudaModule.isBuilt();
    }

    /**
     * Takes the card into use; the calling thread is bound to it, others must call {@link #bindThread}.
     *
     * @throws CudaUnavailableException in one line, when this build, machine or card cannot
     */
    public static CudaBackend open(CudaOptions options) throws CudaUnavailableException {
        if (!isBuilt()) {
            throw new CudaUnavailableException(
                    "this build has no CUDA kernels (no nvcc was found when it was made); build it where CUDA 13 is installed");
        }
        // Who names the libraries knows that there is a device, whatever its files are called.
        if (options.libraryPath().isEmpty() && !CudaLibraries.isDevicePresent()) {
            throw new CudaUnavailableException("no NVIDIA device (/dev/nvidia0) on this machine");
        }
        CudaLibraries.load(options.libraryPath());
        CudaDevice device = CudaDevice.open();
        try {
            return new CudaBackend(options, device);
        } catch (CudaException e) {
            throw new CudaUnavailableException(device.name() + ": " + e.getMessage());
        }
    }

    @Override
    public void bindThread() {
        CudaDevice.bind();
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String description() {
        String mode = options.batchInvariant() ? ", batch-invariant" : "";
        return device + mode;
    }

    @Override
    public DType activationType() {
        return DType.BF16;
    }

    @Override
    public DType residualType() {
        return DType.F32;
    }

    @Override
    public int paddedRows(int numRows) {
        return ShapeProducts.paddedRows(numRows);
    }

    /** What the asked share of the card leaves beside what is taken already, by whomever. */
    @Override
    public long availableBytes() {
        long[] info = DeviceMemory.info();
        long mine = (long) (info[1] * options.memoryUtilization());
        long taken = info[1] - info[0];
        return Math.max(0, mine - taken - RESERVED_BYTES);
    }

    @Override
    public double kvCacheShare() {
        return 1;
    }

    @Override
    public Arena newArena() {
        CudaArena arena = new CudaArena(stream);
        arenas.add(arena);
        return arena;
    }

    @Override
    public void upload(HostTensor source, Tensor target) {
        if (source.numElements() != target.shape().numElements()) {
            throw new IllegalArgumentException(
                    source.name() + " has " + source.shape() + ", its place on the device " + target.shape());
        }
        if (target.dtype() != DType.F32) {
            throw new IllegalArgumentException("uploads are F32, " + source.name() + " wants " + target.dtype());
        }
        loader.uploadFloats(source, CudaArena.address(target));
    }

    @Override
    public long stepBytes(StepLimits limits) {
        return StepData.bytes(limits) + CudaSampling.bytes(limits.maxNumSeqs(), limits.vocabSize());
    }

    @Override
    public void reserveSteps(StepLimits limits) {
        AttentionPlan plan = attention.plan(limits.maxNumTokens(), limits.maxNumSeqs());
        step.reserve(plan, limits.maxNumTokens(), limits.maxNumSeqs(), limits.maxBlocksPerSeq());
        sampling.reserve(limits.maxNumSeqs(), limits.vocabSize());
        gemm.reserve(paddedRows(limits.maxNumTokens()));
        // The model is loaded.
        loader.rest();
    }

    @Override
    public void beginStep(int[] tokenIds, AttentionMetadata metadata, int[] logitRows, int numLogitRows) {
        step.upload(tokenIds, metadata, logitRows, numLogitRows);
    }

    @Override
    public NormKernels norm() {
        return norm;
    }

    @Override
    public RopeKernels rope() {
        return rope;
    }

    @Override
    public GemmKernels gemm() {
        return gemm;
    }

    /** How the product with a matrix of this backend runs at so many rows, for tests and logs. */
    String describeProduct(Linear weight, int numRows) {
        return gemm.describe(weight, numRows);
    }

    @Override
    public ActivationKernels activation() {
        return activation;
    }

    @Override
    public EmbeddingKernels embedding() {
        return embedding;
    }

    @Override
    public KvCacheKernels kvCache() {
        return kvCache;
    }

    @Override
    public AttentionKernels attention() {
        return attention;
    }

    @Override
    public SamplingKernels sampling() {
        return sampling;
    }

    @Override
    public void rotateAndWrite(
            PagedKvCache cache, int layer, Tensor qkv, int numHeads, @Nullable Rope rope, AttentionMetadata metadata) {
        if (rope == null) {
            int keyColumn = numHeads * cache.headDim();
            kvCache.write(cache, layer, qkv, keyColumn, keyColumn + cache.numKvHeads() * cache.headDim(), metadata);
            return;
        }
        kvCache.rotateAndWrite(cache, layer, qkv, numHeads, rope);
    }

    @Override
    public @Nullable StepGraphs graphs() {
        return options.graphs() && !options.blockingLaunches() ? graphs : null;
    }

    @Override
    public int maxStepsInFlight() {
        return MAX_STEPS_IN_FLIGHT;
    }

    @Override
    public long recordStep() {
        long number = numSteps++;
        sampling.endStep();
        int turn = (int) (number % marks.length);
        stream.record(marks[turn]);
        rows[turn] = step.numRows();
        seqs[turn] = step.numSeqs();
        return number;
    }

    @Override
    public void awaitStep(long number) {
        int turn = (int) (number % marks.length);
        int code = cudart.cudaEventSynchronize(marks[turn]);
        if (code != 0) {
            Cuda.check(
                    code,
                    "a kernel of step " + number + " (" + rows[turn] + " rows in " + seqs[turn]
                            + " sequences; CUDA_LAUNCH_BLOCKING=1 names it)");
        }
        sampling.collect();
    }

    @Override
    public void synchronize() {
        loader.await();
        stream.synchronize();
        sampling.collectAll();
    }

    @Override
    public void close() {
        graphs.close();
        arenas.forEach(CudaArena::close);
        step.close();
        attention.close();
        embedding.close();
        rope.close();
        gemm.close();
        sampling.close();
        loader.close();
        lastSampled.close();
        timer.close();
        for (CUevent_st mark : marks) {
            cudart.cudaEventDestroy(mark);
        }
        module.close();
        stream.close();
    }
}
