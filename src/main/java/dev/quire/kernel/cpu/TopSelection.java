package dev.quire.kernel.cpu;

import java.util.Arrays;

/**
 * Top-k and top-p on the weights of one row without sorting the vocabulary: bisection over the bits of a weight, one
 * pass over the row a step, until few tokens are left between two bounds; quickselect among those by rank (falling
 * logit, then rising id); then all that is outside gets weight 0. Sums are exact, so the result is that of sorting. One
 * per worker: it keeps scratch.
 */
final class TopSelection {
    /** So many tokens go to quickselect anyway, and 1 / 64 of the vocabulary. */
    private static final int MIN_FEW = 256;

    private static final int INSERTION = 12;

    private static final int ABOVE_ALL = Float.floatToRawIntBits(1f) + 1;

    private LogitOps ops;
    private long[] keys = {};
    private int[] ids = {};

    // The row: logits x[from, from + n), their weights, and the weights' sums by chunk.
    private float[] x;
    private int from;
    private int n;
    private float[] weights;
    private double[] chunkSums;

    TopSelection(LogitOps ops) {
        this.ops = ops;
    }

    void use(LogitOps ops) {
        this.ops = ops;
    }

    void begin(float[] x, int from, int n, float[] weights, double[] chunkSums) {
        this.x = x;
        this.from = from;
        this.n = n;
        this.weights = weights;
        this.chunkSums = chunkSums;
        if (ids.length < n) {
            ids = new int[n];
        }
    }

    /** Zeroes weights below {@code minP}; returns the new total. */
    double keepMinP(float minP) {
        return ops.mask(weights, 0, n, minP, weights, chunkSums);
    }

    /** Keeps the k largest logits and all that equal the k-th; returns the new total. */
    double keepTopK(int k, double total) {
        int low = Float.floatToRawIntBits((float) LogitOps.WEIGHT_UNIT);
        int high = ABOVE_ALL;
        int countLow = ops.countAtLeast(weights, n, Float.intBitsToFloat(low));
        int countHigh = 0;
        if (k >= countLow) {
            return total;
        }
        int few = few();
        while (countLow - countHigh > few && high - low > 1) {
            int middle = (low + high) >>> 1;
            int count = ops.countAtLeast(weights, n, Float.intBitsToFloat(middle));
            if (count >= k) {
                low = middle;
                countLow = count;
            } else {
                high = middle;
                countHigh = count;
            }
        }
        int numKeys = collect(low, high);
        long last = keyAtRank(numKeys, k - 1 - countHigh);
        return ops.mask(x, from, n, x[from + (int) last], weights, chunkSums);
    }

    /** Keeps the smallest set of best tokens that has {@code topP} of the total; returns the new total. */
    double keepTopP(float topP, double total) {
        double target = topP * total;
        // Tokens below this cannot hold what topP leaves over even together, so they are not needed.
        double floor = Math.max((1.0 - topP) * total / n * 0.999, LogitOps.WEIGHT_UNIT);
        int low = Float.floatToRawIntBits((float) floor);
        int high = ABOVE_ALL;
        double sumLow = total;
        double sumHigh = 0;
        double count = ops.countAtLeast(weights, n, (float) floor);
        int few = few();
        while (count > few && high - low > 1) {
            int middle = (low + high) >>> 1;
            double sum = ops.sumAtLeast(weights, n, Float.intBitsToFloat(middle));
            if (sum >= target) {
                low = middle;
                sumLow = sum;
            } else {
                high = middle;
                sumHigh = sum;
            }
            count = Math.min(count, (sumLow - sumHigh) / Float.intBitsToFloat(low));
        }
        int numKeys = collect(low, high);
        long last = keyAtWeight(numKeys, sumHigh, target);
        float lastLogit = x[from + (int) last];
        return ops.mask(x, from, n, lastLogit, weights, chunkSums) - dropTies(numKeys, lastLogit, (int) last);
    }

    /** Zeroes tokens that equal the last kept one but have a higher id; returns their weight. */
    private double dropTies(int numKeys, float logit, int lastId) {
        double dropped = 0;
        for (int i = 0; i < numKeys; i++) {
            int id = ids[i];
            if (id > lastId && x[from + id] == logit) {
                dropped += weights[id];
                chunkSums[id / LogitOps.CHUNK] -= weights[id];
                weights[id] = 0f;
            }
        }
        return dropped;
    }

    private int few() {
        return Math.max(MIN_FEW, n / 64);
    }

    /** Ids with weight bits in [low, high) and their ranking keys. */
    private int collect(int low, int high) {
        int count = ops.select(weights, n, Float.intBitsToFloat(low), Float.intBitsToFloat(high), ids);
        if (keys.length < count) {
            keys = new long[Math.max(count, 2 * keys.length)];
        }
        for (int i = 0; i < count; i++) {
            keys[i] = key(x[from + ids[i]], ids[i]);
        }
        return count;
    }

    /** Rising keys are falling logits, then rising ids; the id is the low half. */
    static long key(float logit, int id) {
        int bits = Float.floatToRawIntBits(logit + 0f);
        int ascending = bits ^ ((bits >> 31) & 0x7fffffff);
        return ((long) ~ascending << 32) | id;
    }

    private long keyAtRank(int count, int rank) {
        int low = 0;
        int high = count;
        while (high - low > INSERTION) {
            int split = partition(low, high);
            if (rank < split) {
                high = split;
            } else {
                low = split;
            }
        }
        Arrays.sort(keys, low, high);
        return keys[rank];
    }

    /** The key at which {@code before} and the weights up to it reach {@code target}. */
    private long keyAtWeight(int count, double before, double target) {
        int low = 0;
        int high = count;
        while (high - low > INSERTION) {
            int split = partition(low, high);
            double left = before;
            for (int i = low; i < split; i++) {
                left += weights[(int) keys[i]];
            }
            if (left >= target) {
                high = split;
            } else {
                before = left;
                low = split;
            }
        }
        Arrays.sort(keys, low, high);
        double sum = before + weights[(int) keys[low]];
        while (sum < target && low < high - 1) {
            sum += weights[(int) keys[++low]];
        }
        return keys[low];
    }

    /** Hoare: afterwards keys[low, split) < keys[split, high), both parts non-empty; keys are distinct. */
    private int partition(int low, int high) {
        long a = keys[low];
        long b = keys[(low + high) >>> 1];
        long c = keys[high - 1];
        long pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
        int i = low - 1;
        int j = high;
        while (true) {
            do {
                i++;
            } while (keys[i] < pivot);
            do {
                j--;
            } while (keys[j] > pivot);
            if (i >= j) {
                return j + 1 == high ? j : j + 1;
            }
            long swap = keys[i];
            keys[i] = keys[j];
            keys[j] = swap;
        }
    }
}
