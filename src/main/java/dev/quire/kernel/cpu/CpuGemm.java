package dev.quire.kernel.cpu;

import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Matrix products. For a few rows the packed weights are converted in registers; for more, a thread
 * unpacks a tile of a panel into its first-level cache and multiplies it with all activation rows, so unpacking is paid
 * once a step. All paths add in the same order, see {@link PanelLoops}: a row's product has the same bits alone, in a
 * batch, in any chunk of a prompt, and on any vector length.
 *
 * <p>With AVX2 oneDNN's f32 product is as fast as these tiles (54–57 against 57–65 GFLOP/s a core). It gains where the CPU
 * multiplies bf16 itself (AVX512-BF16, AMX): there {@link ProductChoice} may give bf16 weights a {@link LargeProducts}
 * copy, which takes steps of {@link LargeProducts#MIN_ROWS} rows or more. It rounds activations to bf16 there, and adds
 * in another order, so that a row's bits then depend on whether its step had that many rows.
 */
final class CpuGemm implements GemmKernels {
    private static final int PANEL_ROWS = PackedMatrix.PANEL_ROWS;

    /** Bands that a tile meets: TILE_COLS of each fit the second-level cache. */
    private static final int TILE_BANDS = 32;

    private static final int MAX_BATCH = TILE_BANDS * FloatTile.MAX_ROWS;

    /** Activations of half a second-level cache. */
    private static final long CACHED_ACTIVATIONS = 64 << 10;

    /** Multiply-adds below which a second thread does not pay. */
    private static final long MIN_SPREAD_WORK = 64 << 10;

    private final WorkerPool pool;
    private final LoopChoice choice;
    private final WeightPacker packer;
    private final PackedRows rows;
    private final WorkerPool.Task productTask = this::multiplyBlocks;
    private final AtomicInteger nextBlock = new AtomicInteger();
    /** One for each task. */
    private final PanelScratch[] scratches;

    private final List<CpuLinear> loaded = new ArrayList<>();

    // Arguments of the call under way.
    private float[] out = {};
    private int outOffset;
    private int outStride;
    private CpuLinear linear;
    private PanelBlocks blocks;
    private PanelLoops loops;

    CpuGemm(WorkerPool pool, LoopChoice choice, WeightPacker packer) {
        this.pool = pool;
        this.choice = choice;
        loops = choice.current().panels();
        this.packer = packer;
        rows = new PackedRows(pool);
        scratches = new PanelScratch[pool.numThreads()];
        Arrays.setAll(scratches, task -> new PanelScratch(CpuLinear.MAX_BLOCK_PANELS, MAX_BATCH));
        linear = CpuLinear.of(new FloatMatrix(0, 0), 1);
        blocks = linear.products[0].blocks(1);
    }

    @Override
    public Linear load(LinearWeight weight) {
        return remember(packer.pack(weight));
    }

    @Override
    public Linear tied(EmbeddingTable table) {
        CpuEmbedding.Table shared = (CpuEmbedding.Table) table;
        return remember(
                new CpuLinear(List.of(new CpuLinear.Part(shared.matrix(), shared.form())), null, pool.numThreads()));
    }

    private CpuLinear remember(CpuLinear linear) {
        loaded.add(linear);
        return linear;
    }

    /** All weights until now. */
    List<CpuLinear> loaded() {
        return loaded;
    }

    @Override
    public void expect(List<LinearWeight> matrices) {
        packer.expect(matrices);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        return packer.residentBytes(weight);
    }

    @Override
    public long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures) {
        return PackedRows.scratchBytes(pool.numThreads(), maxRows, maxInFeatures);
    }

    @Override
    public void matmul(Tensor out, Tensor x, Linear weight, int numRows) {
        if (numRows == 0) {
            return;
        }
        linear = (CpuLinear) weight;
        if (numRows >= LargeProducts.MIN_ROWS && linear.large != null) {
            linear.large.multiply(out, x, numRows);
            return;
        }
        loops = choice.current().panels();
        this.out = out.floats();
        outOffset = (int) out.offset();
        outStride = out.rowStride();
        long work = (long) numRows * linear.inFeatures() * linear.outFeatures();
        int numTasks = work < MIN_SPREAD_WORK ? 1 : pool.numThreads();
        for (CpuLinear.Product product : linear.products) {
            blocks = product.blocks(numRows);
            rows.set(loops, product.form, x.floats(), (int) x.offset(), x.rowStride(), numRows, linear.inFeatures());
            nextBlock.set(0);
            pool.run(numTasks, productTask);
        }
    }

    private void multiplyBlocks(int task) {
        PanelBlocks blocks = this.blocks;
        PanelScratch scratch = scratches[task];
        for (int block = nextBlock.getAndIncrement(); block < blocks.count; block = nextBlock.getAndIncrement()) {
            PackedMatrix matrix = linear.parts.get(blocks.part[block]);
            int panel = blocks.panel[block];
            int numPanels = blocks.numPanels[block];
            int numBands = rows.numBands();
            int done = 0;
            if (numBands == 1) {
                done = matrix.multiplyPanels(loops, panel, numPanels, rows, scratch);
                store(block, 0, done, 0, rows.numRows(), scratch.sums);
            }
            for (int band = 0; band < numBands && done < numPanels; band += TILE_BANDS) {
                int end = Math.min(band + TILE_BANDS, numBands);
                multiplyTiles(matrix, panel + done, numPanels - done, band, end, scratch);
                store(block, done, numPanels, rows.firstRow(band), rows.firstRow(end), scratch.sums);
            }
        }
    }

    private void multiplyTiles(
            PackedMatrix matrix, int panel, int numPanels, int firstBand, int endBand, PanelScratch scratch) {
        int batch = rows.firstRow(endBand) - rows.firstRow(firstBand);
        Arrays.fill(scratch.sums, 0, numPanels * batch * PANEL_ROWS, 0);
        if ((long) batch * matrix.cols <= CACHED_ACTIVATIONS) {
            // The activations stay in cache: read each panel from its start to its end.
            for (int p = 0; p < numPanels; p++) {
                int to = p * batch * PANEL_ROWS;
                for (int k = 0; k < matrix.cols; k += matrix.tileCols(k)) {
                    matrix.multiplyTile(loops, panel + p, k, rows, firstBand, endBand, scratch, to);
                }
            }
        } else {
            for (int k = 0; k < matrix.cols; k += matrix.tileCols(k)) {
                for (int p = 0; p < numPanels; p++) {
                    int to = p * batch * PANEL_ROWS;
                    matrix.multiplyTile(loops, panel + p, k, rows, firstBand, endBand, scratch, to);
                }
            }
        }
    }

    /** sums [endPanel - firstPanel, rows, PANEL_ROWS] to the output rows, bias added. */
    private void store(int block, int firstPanel, int endPanel, int firstRow, int endRow, float[] sums) {
        PackedMatrix matrix = linear.parts.get(blocks.part[block]);
        float[] bias = linear.bias;
        int at = 0;
        for (int p = firstPanel; p < endPanel; p++) {
            int output = blocks.output[block] + p * PANEL_ROWS;
            int count = matrix.panelRows(blocks.panel[block] + p);
            for (int row = firstRow; row < endRow; row++, at += PANEL_ROWS) {
                int to = outOffset + row * outStride + output;
                if (bias != null) {
                    for (int j = 0; j < count; j++) {
                        out[to + j] = sums[at + j] + bias[output + j];
                    }
                } else if (count == PANEL_ROWS) {
                    loops.copyPanel(sums, at, out, to);
                } else {
                    System.arraycopy(sums, at, out, to, count);
                }
            }
        }
    }
}
