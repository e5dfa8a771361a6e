package dev.quire.kernel.cpu;

/** Scalar loops. */
final class PlainLogitOps implements LogitOps {
    @Override
    public float max(float[] x, int from, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + n; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }

    @Override
    public int indexOf(float[] x, int from, int n, float value) {
        for (int i = 0; i < n; i++) {
            if (x[from + i] == value) {
                return i;
            }
        }
        return n;
    }

    @Override
    public double weights(
            float[] x, int from, int n, float max, float inverseTemperature, float[] weights, double[] chunkSums) {
        double total = 0;
        for (int start = 0; start < n; start += CHUNK) {
            double sum = 0;
            for (int i = start; i < Math.min(start + CHUNK, n); i++) {
                float weight = LogitOps.roundWeight(Exponential.exp((x[from + i] - max) * inverseTemperature));
                weights[i] = weight;
                sum += weight;
            }
            chunkSums[start / CHUNK] = sum;
            total += sum;
        }
        return total;
    }

    @Override
    public int select(float[] weights, int n, float low, float high, int[] ids) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (weights[i] >= low && weights[i] < high) {
                ids[count++] = i;
            }
        }
        return count;
    }

    @Override
    public int countAtLeast(float[] weights, int n, float threshold) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            count += weights[i] >= threshold ? 1 : 0;
        }
        return count;
    }

    @Override
    public double sumAtLeast(float[] weights, int n, float threshold) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += weights[i] >= threshold ? weights[i] : 0f;
        }
        return sum;
    }

    @Override
    public double mask(float[] values, int from, int n, float threshold, float[] weights, double[] chunkSums) {
        double total = 0;
        for (int start = 0; start < n; start += CHUNK) {
            double sum = 0;
            for (int i = start; i < Math.min(start + CHUNK, n); i++) {
                weights[i] = values[from + i] < threshold ? 0f : weights[i];
                sum += weights[i];
            }
            chunkSums[start / CHUNK] = sum;
            total += sum;
        }
        return total;
    }

    @Override
    public double sumExp(float[] x, int from, int n, float max) {
        double sum = 0;
        for (int i = from; i < from + n; i++) {
            sum += Exponential.exp(x[i] - max);
        }
        return sum;
    }

    @Override
    public int countGreater(float[] x, int from, int n, float value) {
        int count = 0;
        for (int i = from; i < from + n; i++) {
            if (x[i] > value) {
                count++;
            }
        }
        return count;
    }
}
