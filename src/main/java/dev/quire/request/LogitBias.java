package dev.quire.request;

/** Additive biases by token id, sorted by id; each is clamped to [-100, 100]. */
public final class LogitBias {
    private static final LogitBias NONE = new LogitBias(new int[0], new float[0]);
    private static final float LIMIT = 100f;

    private final int[] ids;
    private final float[] biases;

    private LogitBias(int[] ids, float[] biases) {
        this.ids = ids;
        this.biases = biases;
    }

    public static LogitBias none() {
        return NONE;
    }

    /** Copies both arrays, which run in parallel. */
    public static LogitBias of(int[] ids, float[] biases) {
        if (ids.length != biases.length) {
            throw new InvalidParameterException("logit_bias", ids.length + " ids but " + biases.length + " biases");
        }
        float[] clamped = new float[biases.length];
        for (int i = 0; i < biases.length; i++) {
            if (Float.isNaN(biases[i])) {
                throw new InvalidParameterException("logit_bias", "logit_bias of token " + ids[i] + " is not a number");
            }
            clamped[i] = Math.max(-LIMIT, Math.min(LIMIT, biases[i]));
        }
        return ids.length == 0 ? NONE : new LogitBias(ids.clone(), clamped);
    }

    public int size() {
        return ids.length;
    }

    public int id(int index) {
        return ids[index];
    }

    public float bias(int index) {
        return biases[index];
    }

    /** The ids themselves, not copied: for readers on the step path, which must not write to it. */
    public int[] sharedIds() {
        return ids;
    }

    /** The biases themselves, parallel to {@link #sharedIds}; not to be written to. */
    public float[] sharedBiases() {
        return biases;
    }
}
