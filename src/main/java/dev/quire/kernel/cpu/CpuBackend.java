package dev.quire.kernel.cpu;

import dev.quire.kernel.ActivationKernels;
import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.Backend;
import dev.quire.kernel.EmbeddingKernels;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.KvCacheKernels;
import dev.quire.kernel.NormKernels;
import dev.quire.kernel.RopeKernels;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The CPU: activations f32 in heap arrays, Vector API kernels over a fixed pool. Without the module
 * {@code jdk.incubator.vector} it is the plain reference, many times slower, and says so once in the log.
 */
public final class CpuBackend implements Backend {
    private static final Logger LOG = Logger.getLogger(CpuBackend.class.getName());
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private final WorkerPool pool;
    private final HeapBudget budget = new HeapBudget();
    private final String description;
    private final NormKernels norm;
    private final RopeKernels rope;
    private final GemmKernels gemm;
    private final ActivationKernels activation;
    private final EmbeddingKernels embedding;
    private final KvCacheKernels kvCache;
    private final AttentionKernels attention;
    private final SamplingKernels sampling;

    /**
     * @param kvCache makes the family for this backend's pool; so do {@code attention} and {@code sampling}
     */
    public CpuBackend(
            CpuOptions options,
            Function<WorkerPool, KvCacheKernels> kvCache,
            Function<WorkerPool, AttentionKernels> attention,
            Function<WorkerPool, SamplingKernels> sampling) {
        this(options, hasVectorModule(), kvCache, attention, sampling);
    }

    CpuBackend(
            CpuOptions options,
            boolean vectorized,
            Function<WorkerPool, KvCacheKernels> kvCache,
            Function<WorkerPool, AttentionKernels> attention,
            Function<WorkerPool, SamplingKernels> sampling) {
        pool = new WorkerPool(options.numThreads());
        if (vectorized) {
            WeightPacker packer = new WeightPacker(pool, budget);
            norm = new CpuNorm(pool);
            rope = new CpuRope(pool);
            gemm = new CpuGemm(pool, packer);
            activation = new CpuActivation(pool);
            embedding = new CpuEmbedding(packer);
            description = "Vector API, " + Lanes.F.vectorBitSize() + "-bit vectors, " + threads(options);
        } else {
            LOG.log(
                    Level.WARNING,
                    "NO VECTOR INSTRUCTIONS: the module {0} is absent, every product runs as a plain loop, up to 40"
                            + " times slower. Start the JVM with --add-modules {0}.",
                    VECTOR_MODULE);
            norm = new ReferenceNorm();
            rope = new ReferenceRope();
            gemm = new ReferenceGemm(pool);
            activation = new ReferenceActivation();
            embedding = new ReferenceEmbedding();
            description = "plain loops (no " + VECTOR_MODULE + "), " + threads(options);
        }
        this.kvCache = kvCache.apply(pool);
        this.attention = attention.apply(pool);
        this.sampling = sampling.apply(pool);
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    private static String threads(CpuOptions options) {
        return options.numThreads() + (options.numThreads() == 1 ? " thread" : " threads") + ", JDK "
                + Runtime.version().feature();
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public DType activationType() {
        return DType.F32;
    }

    /** What the Java heap can still take, a sixteenth kept free; collects garbage first. */
    @Override
    public long availableBytes() {
        return budget.availableBytes();
    }

    @Override
    public void upload(HostTensor source, Tensor target) {
        if (source.numElements() != target.shape().numElements()) {
            throw new IllegalArgumentException(
                    source.name() + " has " + source.shape() + ", its place on the device " + target.shape());
        }
        source.copyTo(0, target.floats(), Math.toIntExact(target.offset()), Math.toIntExact(source.numElements()));
    }

    @Override
    public Arena newArena() {
        return new CpuArena(budget);
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

    /** Returns at once: every kernel has ended when its call returns. */
    @Override
    public void synchronize() {}

    @Override
    public void close() {
        pool.close();
    }
}
