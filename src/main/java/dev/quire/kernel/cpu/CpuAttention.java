package dev.quire.kernel.cpu;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;

/**
 * Attention, tiles spread over the pool.
 *
 * <p>A row's result is the same to the last bit whatever else is in the batch, however its prompt was cut into chunks,
 * for any block size and number of threads: scores are summed over dimensions in order, the softmax runs over tiles of
 * {@link AttentionTile#KEYS} keys and spans of {@link AttentionPlan#SPAN} that start at multiples of their size.
 */
final class CpuAttention implements AttentionKernels {
    private final WorkerPool pool;
    private final LoopChoice choice;
    private final AttentionPlan plan = new AttentionPlan();
    private final AttentionTile[] workers;
    private final WorkerPool.Task task = this::work;

    CpuAttention(WorkerPool pool, LoopChoice choice) {
        this.pool = pool;
        this.choice = choice;
        workers = new AttentionTile[pool.numThreads()];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new AttentionTile(choice.current().attention());
        }
    }

    @Override
    public void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata) {
        for (AttentionTile worker : workers) {
            worker.use(choice.current().attention());
        }
        plan.begin(out, qkv, (CpuPagedKvCache) cache, layer, params, metadata, pool.numThreads());
        pool.run(Math.min(workers.length, plan.numUnits), task);
    }

    private void work(int worker) {
        AttentionTile tile = workers[worker];
        for (int unit = plan.next.getAndIncrement(); unit < plan.numUnits; unit = plan.next.getAndIncrement()) {
            if (plan.split) {
                tile.computeSpan(plan, unit);
            } else {
                tile.compute(plan, unit);
            }
        }
    }
}
