package dev.quire.model;

import dev.quire.kernel.RopeTable;
import dev.quire.weights.ConfigJson;

/**
 * Rotary frequencies as a config.json asks for them: types default, linear and llama3 (transformers'
 * {@code modeling_rope_utils}).
 */
final class RopeSpec {
    private RopeSpec() {}

    /**
     * @param rope {@code rope_parameters} in transformers 5's form
     * @param headDim width of a head; {@code partial_rotary_factor} takes its share of it
     */
    static RopeTable table(ConfigJson rope, int headDim) {
        double theta = rope.number("rope_theta", 10000);
        int rotaryDim = (int) (headDim * rope.number("partial_rotary_factor", 1));
        double[] frequencies = new double[rotaryDim / 2];
        for (int j = 0; j < frequencies.length; j++) {
            frequencies[j] = Math.pow(theta, -2.0 * j / rotaryDim);
        }
        String type = rope.string("rope_type", "default");
        switch (type) {
            case "default" -> {}
            case "linear" -> linear(frequencies, rope.number("factor"));
            case "llama3" -> llama3(frequencies, rope);
            default ->
                throw rope.error("rope_type", "\"" + type + "\" is not supported; supported: default, linear, llama3");
        }
        float[] inverse = new float[frequencies.length];
        for (int j = 0; j < inverse.length; j++) {
            inverse[j] = (float) frequencies[j];
        }
        return new RopeTable(inverse, 1f, false);
    }

    private static void linear(double[] frequencies, double factor) {
        for (int j = 0; j < frequencies.length; j++) {
            frequencies[j] /= factor;
        }
    }

    /** Long wavelengths are stretched by the factor, short ones kept, those between interpolated. */
    private static void llama3(double[] frequencies, ConfigJson rope) {
        double factor = rope.number("factor");
        double low = rope.number("low_freq_factor");
        double high = rope.number("high_freq_factor");
        double original = rope.number("original_max_position_embeddings");
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
