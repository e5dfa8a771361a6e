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
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The CPU: activations f32 in heap arrays, kernels over a fixed pool, their inner loops in the Vector API. Without the
 * module {@code jdk.incubator.vector} they are scalar, several times slower, and the log says so once.
 */
public final class CpuBackend implements Backend {
    private static final Logger LOG = Logger.getLogger(CpuBackend.class.getName());

    private final WorkerPool pool;
    private final HeapBudget budget = new HeapBudget();
    private final LoopChoice loops;
    private final CpuOptions options;
    private final WeightPacker packer;
    private final NormKernels norm;
    private final RopeKernels rope;
    private final CpuGemm gemm;
    private final ProductChoice products;
    private final ActivationKernels activation;
    private final EmbeddingKernels embedding;
    private final KvCacheKernels kvCache;
    private final AttentionKernels attention;
    private final SamplingKernels sampling;

    /**
     * Starts the threads of the pool.
     *
     * @throws OneDnnUnavailableException when the options ask for oneDNN and it does not start
     */
    public CpuBackend(CpuOptions options) {
        this.options = options;
        pool = new WorkerPool(options.numThreads());
        if (!VectorModule.isPresent()) {
            LOG.log(
                    Level.WARNING,
                    "NO VECTOR INSTRUCTIONS: the module {0} is absent, products run as scalar loops, several times"
                            + " slower. Start the JVM with --add-modules {0}.",
                    VectorModule.NAME);
        }
        loops = options.startsPlain() ? new LoopChoice(CpuLoops.plain()) : LoopChoice.fastest();
        packer = new WeightPacker(pool, budget, options.expandsTinyModels() ? WeightPacker.TINY_MODEL_ELEMENTS : 0);
        norm = new CpuNorm(pool, loops);
        rope = new CpuRope(pool, loops);
        gemm = new CpuGemm(pool, loops, packer);
        try {
            products = new ProductChoice(options.gemm(), pool, gemm);
        } catch (OneDnnUnavailableException e) {
            pool.close();
            throw e;
        }
        activation = new CpuActivation(pool, loops);
        embedding = new CpuEmbedding(packer);
        kvCache = new CpuKvCache(pool);
        attention = new CpuAttention(pool, loops);
        sampling = new CpuSampling(pool, loops);
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
        String form = VectorModule.isPresent()
                ? "Vector API, " + 32 * Lanes.COUNT + "-bit vectors"
                : "scalar loops (no " + VectorModule.NAME + ")";
        return form + ", " + threads(options);
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

    @Override
    public void prepare() {
        if (options.startsPlain() && VectorModule.isPresent()) {
            new LoopWarmUp(loops, packer.kinds()).run();
        }
    }

    /** @throws OneDnnUnavailableException when the options ask for oneDNN and its copy of the weights does not fit */
    @Override
    public String chooseProducts() {
        return products.choose();
    }

    /** Returns at once: every kernel has ended when its call returns. */
    @Override
    public void synchronize() {}

    @Override
    public void close() {
        pool.close();
        products.close();
    }
}
