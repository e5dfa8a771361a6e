package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.quire.kernel.ActivationKernels.Gate;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.DType;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Once compiled, no kernel allocates: a vector that the compiler boxes costs a hundred times the arithmetic. */
@Tag("slow")
class CpuAllocationTest {
    private static final long DEADLINE_NANOS = 60_000_000_000L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Random random = new Random(4);
    private final WorkerPool pool = new WorkerPool(1);

    private void assertEndsWithoutAllocating(String what, Runnable call) {
        long deadline = System.nanoTime() + DEADLINE_NANOS;
        long allocated = Long.MAX_VALUE;
        int quiet = 0;
        while (quiet < 20 && System.nanoTime() < deadline) {
            long before = threads.getCurrentThreadAllocatedBytes();
            call.run();
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
            quiet = allocated == 0 ? quiet + 1 : 0;
        }
        assertThat(allocated).as("bytes allocated by one call of %s", what).isZero();
        assertThat(quiet).as(what).isEqualTo(20);
    }

    @Test
    void products() {
        CpuGemm gemm = new CpuGemm(pool, LoopChoice.fastest(), new WeightPacker(pool, new HeapBudget(), 0));
        List<LinearWeight> weights = new ArrayList<>();
        for (DType dtype : new DType[] {DType.BF16, DType.F16, DType.F32}) {
            weights.add(CpuTensors.dense(random, dtype, 250, 1000, true));
        }
        ActivationScheme[] schemes = {
            ActivationScheme.NONE,
            ActivationScheme.dynamic(Kind.INT8, 0),
            ActivationScheme.dynamic(Kind.E4M3, 128),
            new ActivationScheme(Kind.INT8, true, 0, false, 1, 0)
        };
        for (Codes codes : Codes.values()) {
            ActivationScheme scheme = schemes[codes.ordinal() % schemes.length];
            weights.add(ArrayMatrix.random(random, codes, 32, true, true, DType.F16, 250, 1024)
                    .weight(scheme));
            weights.add(ArrayMatrix.random(random, codes, 1000, false, false, DType.F32, 250, 1000)
                    .weight(ActivationScheme.NONE));
            weights.add(ArrayMatrix.random(random, codes, 64, false, false, DType.BF16, 250, 1024)
                    .weight(ActivationScheme.NONE));
        }
        for (LinearWeight weight : weights) {
            Linear linear = gemm.load(weight);
            for (int numRows : new int[] {1, 2, 3, 4, 5, 16}) {
                Tensor x = CpuTensors.random(random, numRows, weight.inFeatures(), 0);
                Tensor out = CpuTensors.poisoned(numRows, 250, 0);
                assertEndsWithoutAllocating(
                        name(weight) + " times " + numRows, () -> gemm.matmul(out, x, linear, numRows));
            }
        }
    }

    private static String name(LinearWeight weight) {
        return weight instanceof LinearWeight.Dense dense ? dense.weight().dtype() + "" : weight.name();
    }

    @Test
    void rowKernels() {
        Tensor x = CpuTensors.random(random, 8, 1024, 0);
        Tensor out = CpuTensors.poisoned(8, 1024, 0);
        Tensor weight = CpuTensors.vector(new float[1024]);
        CpuNorm norm = new CpuNorm(pool, LoopChoice.fastest());
        assertEndsWithoutAllocating("rmsNorm", () -> norm.rmsNorm(out, x, weight, 1e-5f, 8));
        assertEndsWithoutAllocating("addRmsNorm", () -> norm.addRmsNorm(out, x, x, 0.5f, weight, 1e-5f, 8));
        Tensor head = CpuTensors.vector(new float[64]);
        assertEndsWithoutAllocating("rmsNormHeads", () -> norm.rmsNormHeads(x, 0, 16, 64, head, 1e-5f, 8));
        CpuActivation activation = new CpuActivation(pool, LoopChoice.fastest());
        for (Gate gate : Gate.values()) {
            assertEndsWithoutAllocating(gate.name(), () -> activation.gatedMultiply(out, x, gate, 512, 8));
        }
        CpuRope rope = new CpuRope(pool, LoopChoice.fastest());
        var table = rope.load(new RopeTable(new float[32], 1, false), 64);
        int[] positions = {1, 2, 3, 4, 5, 6, 7, 8};
        assertEndsWithoutAllocating("rope", () -> rope.rotate(x, 0, 16, 64, table, positions, 8));
    }
}
