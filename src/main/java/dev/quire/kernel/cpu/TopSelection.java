package dev.quire.kernel.cpu;

import java.util.Arrays;

/**
 * Finds how far down the ranking (falling logit, then rising id) top-k and top-p reach, without sorting the vocabulary:
 * a histogram over the scaled logit finds the bucket of the last kept token, a quickselect finds it there. One per
 * worker: it keeps scratch.
 */
final class TopSelection {
    /** Buckets for each unit of (max - x) / temperature. */
    private static final int BUCKETS_PER_UNIT = 32;

    /** A weight is 0 from 24 units below the maximum on. */
    private static final int NUM_BUCKETS = 24 * BUCKETS_PER_UNIT + 1;

    /** Up to here quickselect alone is faster. */
    private static final int SMALL = 192;

    private static final int INSERTION = 12;

    private final double[] bucketWeights = new double[NUM_BUCKETS];
    private final int[] bucketCounts = new int[NUM_BUCKETS];
    private long[] keys = {};

    // The candidates of the call in progress: ids[0, n) ascending, logits x[from + id], weights[id].
    private float[] x;
    private int from;
    private float max;
    private float inverseTemperature;
    private float[] weights;
    private int[] ids;

    void begin(float[] x, int from, float max, float inverseTemperature, float[] weights, int[] ids) {
        this.x = x;
        this.from = from;
        this.max = max;
        this.inverseTemperature = inverseTemperature;
        this.weights = weights;
        this.ids = ids;
    }

    /** Keeps the k largest logits of the first n candidates, and all that equal the k-th; returns how many. */
    int keepTopK(int n, int k) {
        if (k >= n) {
            return n;
        }
        int numKeys;
        int rank = k - 1;
        if (n <= SMALL) {
            numKeys = collect(n, -1);
        } else {
            Arrays.fill(bucketCounts, 0);
            for (int i = 0; i < n; i++) {
                bucketCounts[bucket(ids[i])]++;
            }
            int bucket = 0;
            while (rank >= bucketCounts[bucket]) {
                rank -= bucketCounts[bucket++];
            }
            numKeys = collect(n, bucket);
        }
        return keep(n, keyAtRank(numKeys, rank) | 0xffffffffL);
    }

    /**
     * Keeps the smallest set of best candidates whose weights add up to {@code target}, at most all n; returns how many.
     */
    int keepTopP(int n, double target) {
        double before = 0;
        int numKeys;
        if (n <= SMALL) {
            numKeys = collect(n, -1);
        } else {
            Arrays.fill(bucketWeights, 0);
            for (int i = 0; i < n; i++) {
                bucketWeights[bucket(ids[i])] += weights[ids[i]];
            }
            int bucket = 0;
            while (bucket < NUM_BUCKETS - 1 && before + bucketWeights[bucket] < target) {
                before += bucketWeights[bucket++];
            }
            numKeys = collect(n, bucket);
        }
        return numKeys == 0 ? n : keep(n, keyAtWeight(numKeys, before, target));
    }

    double sum(int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += weights[ids[i]];
        }
        return sum;
    }

    /** The candidate at which the running sum of weights, in order of ids, first exceeds {@code target}. */
    int pick(int n, double target) {
        double sum = 0;
        for (int i = 0; i < n - 1; i++) {
            sum += weights[ids[i]];
            if (sum > target) {
                return ids[i];
            }
        }
        return ids[n - 1];
    }

    private int bucket(int id) {
        return Math.min((int) ((max - x[from + id]) * inverseTemperature * BUCKETS_PER_UNIT), NUM_BUCKETS - 1);
    }

    /** Rising keys are falling logits, then rising ids. */
    private long key(int id) {
        int bits = Float.floatToRawIntBits(x[from + id] + 0f);
        int ascending = bits ^ ((bits >> 31) & 0x7fffffff);
        return ((long) ~ascending << 32) | id;
    }

    /** Keys of the candidates in a bucket, or of all when it is -1. */
    private int collect(int n, int bucket) {
        if (keys.length < n) {
            keys = new long[Math.max(n, 2 * keys.length)];
        }
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (bucket < 0 || bucket(ids[i]) == bucket) {
                keys[count++] = key(ids[i]);
            }
        }
        return count;
    }

    private int keep(int n, long lastKey) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            int id = ids[i];
            if (key(id) <= lastKey) {
                ids[count++] = id;
            }
        }
        return count;
    }

    private long keyAtRank(int n, int rank) {
        int low = 0;
        int high = n;
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

    private long keyAtWeight(int n, double before, double target) {
        int low = 0;
        int high = n;
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
        int last = low;
        double sum = before + weights[(int) keys[last]];
        while (sum < target && last < high - 1) {
            sum += weights[(int) keys[++last]];
        }
        return keys[last];
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
