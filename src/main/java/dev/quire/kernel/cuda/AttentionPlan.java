package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionMetadata;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Which sequences of a step attend by which kernel, and how their work is cut: one entry and a number of key tiles for each
 * sequence with a single row (decode), one item for each tile of rows of the others (prefill).
 */
final class AttentionPlan {
    /**
     * How the kernels in use cut the work.
     *
     * @param decodeKeys keys of a tile of the decode kernel; 0: sequences of one row are items of their own instead, for a
     *     kernel that does not split their keys
     * @param prefillRows rows of a tile of the prefill kernel
     */
    record Tiles(int decodeKeys, int prefillRows) {}

    private static final int NOTHING = -1;

    private final int maxNumSeqs;
    private final int decodeTile;
    private final int rowTile;

    private final int[] windows;
    private final int[] decodeSeqs;
    private final int[] tileStarts;
    private int numDecodes;
    private final long[] sortedItems;
    private int numItems;
    /** Sequences of one row that the decode kernel does not take; -1 for padding, since the grid of a graph is fixed. */
    private final int[] rowSeqs;

    private int numRowItems;

    /** @param windows sliding windows of the model's layers, all different; 0: none */
    AttentionPlan(int maxNumTokens, int maxNumSeqs, Tiles tiles, int[] windows) {
        this.maxNumSeqs = maxNumSeqs;
        this.windows = windows.clone();
        decodeTile = tiles.decodeKeys;
        rowTile = tiles.prefillRows;
        decodeSeqs = new int[maxNumSeqs];
        tileStarts = new int[windows.length * (maxNumSeqs + 1)];
        sortedItems = new long[maxItems(maxNumTokens, maxNumSeqs)];
        rowSeqs = new int[maxNumSeqs];
    }

    int maxItems(int maxNumTokens, int maxNumSeqs) {
        return maxNumTokens / rowTile + 2 * maxNumSeqs;
    }

    int indexOf(int window) {
        for (int i = 0; i < windows.length; i++) {
            if (windows[i] == window) {
                return i;
            }
        }
        throw new IllegalStateException("sliding window " + window + " was not announced");
    }

    int numWindows() {
        return windows.length;
    }

    int numDecodes() {
        return numDecodes;
    }

    int numItems() {
        return numItems;
    }

    /** Sequences of one row that are items of their own. */
    int numRowItems() {
        return numRowItems;
    }

    void compute(AttentionMetadata metadata) {
        numDecodes = 0;
        numItems = 0;
        numRowItems = 0;
        for (int s = 0; s < metadata.numSeqs; s++) {
            int rows = metadata.cuSeqlensQ[s + 1] - metadata.cuSeqlensQ[s];
            if (rows == 1 && decodeTile > 0) {
                addDecode(s, metadata.seqLens[s]);
            } else if (rows == 1) {
                rowSeqs[numRowItems++] = metadata.seqLens[s] == 0 ? NOTHING : s;
            } else {
                addItems(s, rows, metadata.seqLens[s]);
            }
        }
        // Most expensive first: what runs last should be short.
        Arrays.sort(sortedItems, 0, numItems);
    }

    private void addDecode(int sequence, int seqLen) {
        for (int w = 0; w < windows.length; w++) {
            int first = windows[w] > 0 ? Math.max(0, seqLen - windows[w]) / decodeTile : 0;
            int numTiles = (seqLen + decodeTile - 1) / decodeTile - first;
            int base = w * (maxNumSeqs + 1);
            tileStarts[base] = 0;
            tileStarts[base + numDecodes + 1] = tileStarts[base + numDecodes] + numTiles;
        }
        decodeSeqs[numDecodes++] = sequence;
    }

    private void addItems(int sequence, int rows, int seqLen) {
        for (int row = 0; row < rows; row += rowTile) {
            int keys = seqLen - rows + Math.min(row + rowTile, rows);
            // Sorted ascending: falling keys, then sequence and tile in order.
            sortedItems[numItems++] = (long) (Integer.MAX_VALUE - keys) << 32 | (long) sequence << 16 | row / rowTile;
        }
    }

    /** Writes the arrays of the plan; entries up to {@code seqs} are padded with nothing to do. */
    void put(IntBuffer to, int decodeSeqsAt, int tileStartsAt, int tileStartsStride, int itemsAt, int seqs) {
        to.put(decodeSeqsAt, decodeSeqs, 0, numDecodes);
        for (int i = numDecodes; i < seqs; i++) {
            to.put(decodeSeqsAt + i, 0);
        }
        for (int w = 0; w < windows.length; w++) {
            int base = w * (maxNumSeqs + 1);
            int at = tileStartsAt + w * tileStartsStride;
            int total = numDecodes == 0 ? 0 : tileStarts[base + numDecodes];
            to.put(at, 0);
            if (numDecodes > 0) {
                to.put(at, tileStarts, base, numDecodes + 1);
            }
            for (int i = numDecodes + 1; i <= seqs; i++) {
                to.put(at + i, total);
            }
        }
        for (int i = 0; i < numItems; i++) {
            long item = sortedItems[i];
            to.put(itemsAt + 2 * i, (int) (item >>> 16 & 0xffff));
            to.put(itemsAt + 2 * i + 1, (int) (item & 0xffff) * rowTile);
        }
        int at = itemsAt + 2 * numItems;
        for (int i = 0; i < numRowItems; i++) {
            to.put(at + 2 * i, rowSeqs[i]);
            to.put(at + 2 * i + 1, 0);
        }
    }
}
