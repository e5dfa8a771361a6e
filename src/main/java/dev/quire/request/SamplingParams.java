package dev.quire.request;

/**
 * How a request samples and when it stops. Immutable; {@link Builder#build()} is the only place where ranges are
 * checked, and every violation names the parameter, the value and the limit.
 */
public final class SamplingParams {
    /** Below this a temperature means greedy decoding. */
    public static final float GREEDY_TEMPERATURE = 1e-5f;
    /** Sampling temperatures are raised to this, below it the distribution overflows. */
    public static final float MIN_TEMPERATURE = 1e-2f;
    /** {@link #numLogprobs} and {@link #numPromptLogprobs} when none were asked. */
    public static final int NO_LOGPROBS = -1;
    /** All of the vocabulary. */
    public static final int ALL_LOGPROBS = Integer.MAX_VALUE;

    private final Builder values;

    private SamplingParams(Builder values) {
        this.values = values;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** A builder with this object's values. */
    public Builder toBuilder() {
        return values.copy();
    }

    /** Number of sequences to draw from one prompt, ≥ 1. */
    public int n() {
        return values.n;
    }

    /** 0 for greedy, else ≥ {@link #MIN_TEMPERATURE}. */
    public float temperature() {
        return values.temperature;
    }

    public boolean isGreedy() {
        return values.temperature == 0f;
    }

    /** In (0, 1]; 1 is off. */
    public float topP() {
        return values.topP;
    }

    /** ≥ 1; 0 is off. */
    public int topK() {
        return values.topK;
    }

    /** In [0, 1]; 0 is off. */
    public float minP() {
        return values.minP;
    }

    /** > 0; 1 is off. Over prompt and generated tokens. */
    public float repetitionPenalty() {
        return values.repetitionPenalty;
    }

    /** In [-2, 2]; 0 is off. Over generated tokens. */
    public float presencePenalty() {
        return values.presencePenalty;
    }

    /** In [-2, 2]; 0 is off. Over generated tokens. */
    public float frequencyPenalty() {
        return values.frequencyPenalty;
    }

    public boolean hasPenalties() {
        return values.repetitionPenalty != 1f || values.presencePenalty != 0f || values.frequencyPenalty != 0f;
    }

    public boolean hasSeed() {
        return values.hasSeed;
    }

    public long seed() {
        return values.seed;
    }

    /** Generated tokens at most, ≥ 1 (0 only computes the prompt). */
    public int maxTokens() {
        return values.maxTokens;
    }

    /** Until so many tokens are generated, end-of-sequence and stop ids are masked. */
    public int minTokens() {
        return values.minTokens;
    }

    public boolean ignoreEos() {
        return values.ignoreEos;
    }

    public TokenIds stopTokenIds() {
        return values.stopTokenIds;
    }

    public LogitBias logitBias() {
        return values.logitBias;
    }

    /** Only these may be sampled; empty means all. */
    public TokenIds allowedTokenIds() {
        return values.allowedTokenIds;
    }

    /** Most probable tokens to report beside the sampled one; {@link #NO_LOGPROBS} or {@link #ALL_LOGPROBS}. */
    public int numLogprobs() {
        return values.numLogprobs;
    }

    public int numPromptLogprobs() {
        return values.numPromptLogprobs;
    }

    /** Collects values; defaults are the OpenAI API's, {@code maxTokens} 16. */
    public static final class Builder {
        private int n = 1;
        private float temperature = 1f;
        private float topP = 1f;
        private int topK;
        private float minP;
        private float repetitionPenalty = 1f;
        private float presencePenalty;
        private float frequencyPenalty;
        private boolean hasSeed;
        private long seed;
        private int maxTokens = 16;
        private int minTokens;
        private boolean ignoreEos;
        private TokenIds stopTokenIds = TokenIds.empty();
        private LogitBias logitBias = LogitBias.none();
        private TokenIds allowedTokenIds = TokenIds.empty();
        private int numLogprobs = NO_LOGPROBS;
        private int numPromptLogprobs = NO_LOGPROBS;

        public Builder n(int value) {
            n = value;
            return this;
        }

        public Builder temperature(float value) {
            temperature = value;
            return this;
        }

        public Builder topP(float value) {
            topP = value;
            return this;
        }

        /** 0 and -1 switch it off. */
        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder minP(float value) {
            minP = value;
            return this;
        }

        public Builder repetitionPenalty(float value) {
            repetitionPenalty = value;
            return this;
        }

        public Builder presencePenalty(float value) {
            presencePenalty = value;
            return this;
        }

        public Builder frequencyPenalty(float value) {
            frequencyPenalty = value;
            return this;
        }

        public Builder seed(long value) {
            hasSeed = true;
            seed = value;
            return this;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        public Builder minTokens(int value) {
            minTokens = value;
            return this;
        }

        public Builder ignoreEos(boolean value) {
            ignoreEos = value;
            return this;
        }

        public Builder stopTokenIds(TokenIds value) {
            stopTokenIds = value;
            return this;
        }

        public Builder logitBias(LogitBias value) {
            logitBias = value;
            return this;
        }

        public Builder allowedTokenIds(TokenIds value) {
            allowedTokenIds = value;
            return this;
        }

        public Builder numLogprobs(int value) {
            numLogprobs = value;
            return this;
        }

        public Builder numPromptLogprobs(int value) {
            numPromptLogprobs = value;
            return this;
        }

        /** @throws InvalidParameterException when a value is out of range */
        public SamplingParams build() {
            Builder checked = copy();
            checked.check();
            return new SamplingParams(checked);
        }

        private void check() {
            require(n >= 1, "n", "n must be at least 1, got " + n);
            finite("temperature", temperature, 0f, 2f);
            require(topP > 0f && topP <= 1f, "top_p", "top_p must be in (0, 1], got " + topP);
            require(topK >= -1, "top_k", "top_k must be -1 or 0 (off), or at least 1, got " + topK);
            finite("min_p", minP, 0f, 1f);
            require(
                    repetitionPenalty > 0f && Float.isFinite(repetitionPenalty),
                    "repetition_penalty",
                    "repetition_penalty must be greater than zero, got " + repetitionPenalty);
            finite("presence_penalty", presencePenalty, -2f, 2f);
            finite("frequency_penalty", frequencyPenalty, -2f, 2f);
            require(maxTokens >= 0, "max_tokens", "max_tokens must be at least 1, got " + maxTokens);
            require(minTokens >= 0, "min_tokens", "min_tokens must be at least 0, got " + minTokens);
            require(
                    minTokens <= maxTokens,
                    "min_tokens",
                    "min_tokens must be at most max_tokens=" + maxTokens + ", got " + minTokens);
            require(numLogprobs >= NO_LOGPROBS, "logprobs", "logprobs must not be negative, got " + numLogprobs);
            require(
                    numPromptLogprobs >= NO_LOGPROBS,
                    "prompt_logprobs",
                    "prompt_logprobs must not be negative, got " + numPromptLogprobs);
            topK = Math.max(topK, 0);
            if (temperature < GREEDY_TEMPERATURE) {
                require(n == 1, "n", "n must be 1 when using greedy sampling (temperature 0), got " + n);
                temperature = 0f;
                topP = 1f;
                topK = 0;
                minP = 0f;
            } else {
                temperature = Math.max(temperature, MIN_TEMPERATURE);
            }
        }

        private static void finite(String name, float value, float low, float high) {
            // Written so that NaN fails too.
            require(
                    value >= low && value <= high,
                    name,
                    name + " must be in [" + low + ", " + high + "], got " + value);
        }

        private static void require(boolean holds, String parameter, String message) {
            if (!holds) {
                throw new InvalidParameterException(parameter, message);
            }
        }

        private Builder copy() {
            Builder b = new Builder();
            b.n = n;
            b.temperature = temperature;
            b.topP = topP;
            b.topK = topK;
            b.minP = minP;
            b.repetitionPenalty = repetitionPenalty;
            b.presencePenalty = presencePenalty;
            b.frequencyPenalty = frequencyPenalty;
            b.hasSeed = hasSeed;
            b.seed = seed;
            b.maxTokens = maxTokens;
            b.minTokens = minTokens;
            b.ignoreEos = ignoreEos;
            b.stopTokenIds = stopTokenIds;
            b.logitBias = logitBias;
            b.allowedTokenIds = allowedTokenIds;
            b.numLogprobs = numLogprobs;
            b.numPromptLogprobs = numPromptLogprobs;
            return b;
        }
    }
}
