package dev.quire.model;

/** How a rope type stretches the frequencies θ^(-2j/d) (transformers' {@code modeling_rope_utils}). */
sealed interface RopeScaling {
    /**
     * Changes the unscaled frequencies in place.
     *
     * @param frequencies rotaryDim / 2 values
     * @param maxModelLen the longest sequence that will be served
     */
    void apply(double[] frequencies, double theta, int maxModelLen);

    /** Multiplies cos and sin. */
    default double attentionFactor() {
        return 1;
    }

    /** Positions that the stretched frequencies reach, where the type says so; else 0. */
    default int maxPositions() {
        return 0;
    }

    /** As they are. */
    record None() implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {}
    }

    /** Positions divided by a factor. */
    record Linear(double factor) implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {
            for (int j = 0; j < frequencies.length; j++) {
                frequencies[j] /= factor;
            }
        }
    }

    /**
     * A larger θ for sequences beyond the trained length. transformers chooses it by the length so far, which would rotate
     * cached keys anew; here, as in vLLM, it is chosen once: the trained one when no served sequence is longer, else the one
     * for {@code factor} times the trained length.
     */
    record Dynamic(double factor, int trainedPositions) implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {
            if (maxModelLen <= trainedPositions) {
                return;
            }
            int dim = 2 * frequencies.length;
            double base = theta * Math.pow(factor * factor - (factor - 1), (double) dim / (dim - 2));
            for (int j = 0; j < frequencies.length; j++) {
                frequencies[j] = Math.pow(base, -2.0 * j / dim);
            }
        }
    }

    /** Long wavelengths are stretched by the factor, short ones kept, those between interpolated (Llama 3.1). */
    record Llama3(double factor, double low, double high, double original) implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {
            for (int j = 0; j < frequencies.length; j++) {
                double wavelength = 2 * Math.PI / frequencies[j];
                if (wavelength > original / low) {
                    frequencies[j] /= factor;
                } else if (wavelength >= original / high) {
                    double smooth = (original / wavelength - low) / (high - low);
                    frequencies[j] = (1 - smooth) * frequencies[j] / factor + smooth * frequencies[j];
                }
            }
        }
    }

    /**
     * A ramp over the dimensions from kept to stretched (Peng et al., YaRN, 2023).
     *
     * @param betaFast rotations within the original length from which on a dimension is kept
     * @param betaSlow rotations below which it is stretched
     * @param truncate the ramp's ends are whole dimensions
     */
    record Yarn(
            double factor, double original, double betaFast, double betaSlow, boolean truncate, double attentionFactor)
            implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {
            int dim = 2 * frequencies.length;
            double low = dimension(betaFast, dim, theta);
            double high = dimension(betaSlow, dim, theta);
            if (truncate) {
                low = Math.floor(low);
                high = Math.ceil(high);
            }
            low = Math.max(low, 0);
            high = Math.min(high, dim - 1);
            double width = high == low ? 0.001 : high - low;
            for (int j = 0; j < frequencies.length; j++) {
                double stretched = Math.min(1, Math.max(0, (j - low) / width));
                frequencies[j] *= stretched / factor + 1 - stretched;
            }
        }

        /** The dimension that turns so often within the original length. */
        private double dimension(double rotations, int dim, double theta) {
            return dim * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
        }

        @Override
        public int maxPositions() {
            return (int) (factor * original);
        }
    }

    /**
     * A factor for each frequency, one set for short sequences and one for long (Ding et al., LongRoPE, 2024). transformers
     * chooses by the length so far; here, as in vLLM, the long set is used for all when any served sequence may be longer
     * than the original length, since cached keys cannot be rotated anew.
     */
    record LongRope(double[] shortFactors, double[] longFactors, int original, double attentionFactor)
            implements RopeScaling {
        @Override
        public void apply(double[] frequencies, double theta, int maxModelLen) {
            double[] factors = maxModelLen > original ? longFactors : shortFactors;
            for (int j = 0; j < frequencies.length; j++) {
                frequencies[j] /= factors[j];
            }
        }
    }
}
