package dev.quire.kernel.cpu;

import dev.quire.kernel.EmbeddingTable;
import dev.quire.kernel.GemmKernels;
import dev.quire.kernel.Linear;
import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Matrix products in the Vector API. A thread takes a block of weight rows, unpacks a tile of it into its first-level
 * cache, and multiplies the tile with all activation rows, so unpacking is paid once a step whatever the batch.
 */
final class CpuGemm implements GemmKernels {
    private static final VectorSpecies<Float> F = Lanes.F;
    private static final int L = Lanes.COUNT;
    private static final int BLOCK_ROWS = CpuLinear.BLOCK_ROWS;

    /** Columns of a tile: three weight rows and four activation rows of it fit the first-level cache. */
    private static final int TILE_COLS = 512;

    /** Activation rows that a tile meets: TILE_COLS of each fit the second-level cache. */
    private static final int TILE_BATCH = 64;

    /** Multiply-adds below which a second thread does not pay. */
    private static final long MIN_SPREAD_WORK = 64 << 10;

    private final WorkerPool pool;
    private final WeightPacker packer;
    private final RowSpread packing;
    private final WorkerPool.Task packTask = this::packRows;
    private final WorkerPool.Task productTask = this::multiplyBlocks;
    private final AtomicInteger nextBlock = new AtomicInteger();
    /** Unpacked weights and lane sums, one of each a task. */
    private final float[][] tiles;

    private final float[][] sums;
    /** Activations in the order they are read: [paddedCols / TILE_COLS][numRows][TILE_COLS]. */
    private float[] packed = {};

    // Arguments of the call under way.
    private float[] out = {};
    private float[] x = {};
    private int outOffset;
    private int outStride;
    private int xOffset;
    private int xStride;
    private int numRows;
    private int paddedCols;
    private CpuLinear linear;

    CpuGemm(WorkerPool pool, WeightPacker packer) {
        this.pool = pool;
        this.packer = packer;
        packing = new RowSpread(pool);
        tiles = new float[pool.numThreads()][DotTile.ROWS * TILE_COLS];
        sums = new float[pool.numThreads()][TILE_BATCH * BLOCK_ROWS * L];
        linear = new CpuLinear(List.of(new FloatMatrix(0, 0)), null);
    }

    @Override
    public Linear load(LinearWeight weight) {
        return packer.pack(weight);
    }

    @Override
    public Linear tied(EmbeddingTable table) {
        return new CpuLinear(List.of(((CpuEmbedding.Table) table).matrix()), null);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        return packer.residentBytes(weight);
    }

    @Override
    public long scratchBytes(int maxRows, int maxInFeatures, int maxOutFeatures) {
        return 4L * maxRows * Lanes.roundUp(maxInFeatures, GroupMatrix.blockCols(4));
    }

    @Override
    public void matmul(Tensor out, Tensor x, Linear weight, int numRows) {
        if (numRows == 0) {
            return;
        }
        linear = (CpuLinear) weight;
        this.numRows = numRows;
        this.out = out.floats();
        this.x = x.floats();
        outOffset = (int) out.offset();
        outStride = out.rowStride();
        xOffset = (int) x.offset();
        xStride = x.rowStride();
        paddedCols = linear.paddedCols();
        int length = Math.multiplyExact(numRows, paddedCols);
        if (packed.length < length) {
            packed = new float[length];
        }
        packing.run(numRows, paddedCols, packTask);
        nextBlock.set(0);
        long work = (long) numRows * paddedCols * linear.outFeatures();
        pool.run(work < MIN_SPREAD_WORK ? 1 : pool.numThreads(), productTask);
    }

    private void packRows(int task) {
        int cols = linear.inFeatures();
        for (int i = packing.first(task); i < packing.first(task + 1); i++) {
            int from = xOffset + i * xStride;
            for (int k = 0; k < paddedCols; k += TILE_COLS) {
                int n = Math.min(TILE_COLS, paddedCols - k);
                int copied = Math.max(0, Math.min(n, cols - k));
                int to = k * numRows + i * n;
                System.arraycopy(x, from + k, packed, to, copied);
                Arrays.fill(packed, to + copied, to + n, 0);
            }
        }
    }

    private void multiplyBlocks(int task) {
        int numBlocks = linear.numBlocks();
        for (int block = nextBlock.getAndIncrement(); block < numBlocks; block = nextBlock.getAndIncrement()) {
            for (int m = 0; m < numRows; m += TILE_BATCH) {
                int batch = Math.min(TILE_BATCH, numRows - m);
                multiplyBlock(block, m, batch, tiles[task], sums[task]);
                storeBlock(block, m, batch, sums[task]);
            }
        }
    }

    private void multiplyBlock(int block, int firstRow, int batch, float[] tile, float[] sums) {
        PackedMatrix matrix = linear.blockMatrix(block);
        int row = linear.blockRow(block);
        int rows = Math.min(BLOCK_ROWS, matrix.rows - row);
        Arrays.fill(sums, 0, batch * BLOCK_ROWS * L, 0);
        for (int k = 0; k < matrix.paddedCols; k += TILE_COLS) {
            int n = Math.min(TILE_COLS, matrix.paddedCols - k);
            int xTile = Math.min(TILE_COLS, paddedCols - k);
            int xFrom = k * numRows + firstRow * xTile;
            for (int r = 0; r < rows; r += DotTile.ROWS) {
                for (int i = r; i < Math.min(r + DotTile.ROWS, rows); i++) {
                    matrix.unpack(row + i, k, n, tile, (i - r) * TILE_COLS);
                }
                for (int c = 0; c < batch; c += DotTile.COLS) {
                    DotTile.accumulate(
                            tile,
                            0,
                            TILE_COLS,
                            packed,
                            xFrom + c * xTile,
                            xTile,
                            n,
                            sums,
                            (c * BLOCK_ROWS + r) * L,
                            BLOCK_ROWS * L,
                            Math.min(DotTile.COLS, batch - c));
                }
            }
        }
    }

    private void storeBlock(int block, int firstRow, int batch, float[] sums) {
        int output = linear.blockOutput(block);
        PackedMatrix matrix = linear.blockMatrix(block);
        int rows = Math.min(BLOCK_ROWS, matrix.rows - linear.blockRow(block));
        float[] bias = linear.bias;
        for (int m = 0; m < batch; m++) {
            int to = outOffset + (firstRow + m) * outStride + output;
            for (int r = 0; r < rows; r += L) {
                int at = (m * BLOCK_ROWS + r) * L;
                DotTile.fold(sums, at);
                FloatVector result = FloatVector.fromArray(F, sums, at);
                if (r + L <= rows) {
                    if (bias != null) {
                        result = result.add(FloatVector.fromArray(F, bias, output + r));
                    }
                    result.intoArray(out, to + r);
                } else {
                    for (int j = 0; j < rows - r; j++) {
                        out[to + r + j] = sums[at + j] + (bias == null ? 0 : bias[output + r + j]);
                    }
                }
            }
        }
    }
}
