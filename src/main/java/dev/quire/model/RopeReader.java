package dev.quire.model;

import dev.quire.weights.ConfigJson;
import java.util.Set;

/**
 * Reads RoPE parameters in transformers 5's form ({@link ConfigJson#ropeParameters()}). What it does not know it refuses by
 * name: a rotation that is slightly wrong gives fluent nonsense.
 *
 * @param headDim width of a head; {@code partial_rotary_factor} takes its share of it
 * @param maxPositions {@code max_position_embeddings}
 */
record RopeReader(int headDim, int maxPositions, double defaultTheta, double defaultShare, boolean interleaved) {
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final String GROWTH = "llama_4_scaling_beta";

    /** Read below, or without meaning for text. */
    private static final Set<String> ALWAYS = Set.of(
            "rope_type",
            "type",
            "rope_theta",
            "partial_rotary_factor",
            ORIGINAL,
            "max_position_embeddings",
            GROWTH,
            "mrope_section",
            "mrope_interleaved",
            "finetuned");

    RopeSpec read(ConfigJson rope) {
        double theta = rope.number("rope_theta", defaultTheta);
        return withTheta(rope, theta);
    }

    /** The same with another θ, which a layer may have of its own. */
    RopeSpec withTheta(ConfigJson rope, double theta) {
        double share = rope.number("partial_rotary_factor", defaultShare);
        int rotaryDim = (int) (headDim * share);
        if (rotaryDim < 2 || rotaryDim % 2 != 0 || rotaryDim > headDim) {
            throw rope.error(
                    "partial_rotary_factor",
                    "is " + share + ", which rotates " + rotaryDim + " of " + headDim + " dimensions: must be even");
        }
        double growth = rope.number(GROWTH, 0);
        if (growth != 0 && rotaryDim != headDim) {
            throw rope.error(GROWTH, "is not supported with a partial_rotary_factor");
        }
        int period = growth == 0 ? 0 : rope.integer(ORIGINAL);
        return new RopeSpec(theta, rotaryDim, interleaved, scaling(rope, rotaryDim), growth, period);
    }

    private RopeScaling scaling(ConfigJson rope, int rotaryDim) {
        String type = rope.string("rope_type", "default");
        switch (type) {
            case "default":
                allow(rope, type, Set.of());
                return new RopeScaling.None();
            case "linear":
                allow(rope, type, Set.of("factor"));
                return new RopeScaling.Linear(rope.number("factor"));
            case "dynamic":
                allow(rope, type, Set.of("factor"));
                return new RopeScaling.Dynamic(rope.number("factor"), maxPositions);
            case "llama3":
                allow(rope, type, Set.of("factor", "low_freq_factor", "high_freq_factor"));
                return new RopeScaling.Llama3(
                        rope.number("factor"),
                        rope.number("low_freq_factor"),
                        rope.number("high_freq_factor"),
                        rope.number(ORIGINAL, maxPositions));
            case "yarn":
                return yarn(rope);
            case "longrope":
                return longRope(rope, rotaryDim);
            default:
                throw rope.error(
                        "rope_type",
                        "\"" + type
                                + "\" is not supported; supported: default, linear, dynamic, llama3, yarn, longrope");
        }
    }

    private RopeScaling yarn(ConfigJson rope) {
        allow(
                rope,
                "yarn",
                Set.of(
                        "factor",
                        "attention_factor",
                        "beta_fast",
                        "beta_slow",
                        "truncate",
                        "mscale",
                        "mscale_all_dim",
                        "extrapolation_factor",
                        "attn_factor"));
        requireOne(rope, "extrapolation_factor");
        requireOne(rope, "attn_factor");
        double original = rope.number(ORIGINAL, maxPositions);
        double factor = rope.number("factor", maxPositions / original);
        double mscale = rope.number("mscale", 0);
        double mscaleAllDim = rope.number("mscale_all_dim", 0);
        double inferred = mscale != 0 && mscaleAllDim != 0
                ? yarnScale(factor, mscale) / yarnScale(factor, mscaleAllDim)
                : yarnScale(factor, 1);
        return new RopeScaling.Yarn(
                factor,
                original,
                orDefault(rope, "beta_fast", 32),
                orDefault(rope, "beta_slow", 1),
                rope.bool("truncate", true),
                rope.number("attention_factor", inferred));
    }

    private static double yarnScale(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
    }

    private RopeScaling longRope(ConfigJson rope, int rotaryDim) {
        allow(rope, "longrope", Set.of("factor", "attention_factor", "short_factor", "long_factor"));
        int original = rope.integer(ORIGINAL, maxPositions);
        double factor = rope.number("factor", (double) maxPositions / original);
        double inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return new RopeScaling.LongRope(
                factors(rope, "short_factor", rotaryDim / 2),
                factors(rope, "long_factor", rotaryDim / 2),
                original,
                rope.number("attention_factor", inferred));
    }

    private static double[] factors(ConfigJson rope, String key, int length) {
        double[] factors = rope.numberList(key);
        if (factors.length != length) {
            throw rope.error(key, "has " + factors.length + " values, " + length + " are needed");
        }
        return factors;
    }

    /** transformers takes 0 for absent. */
    private static double orDefault(ConfigJson rope, String key, double absent) {
        double value = rope.number(key, absent);
        return value == 0 ? absent : value;
    }

    private static void requireOne(ConfigJson rope, String key) {
        if (rope.number(key, 1) != 1) {
            throw rope.error(key, "is " + rope.text(key) + "; only 1 is supported");
        }
    }

    private static void allow(ConfigJson rope, String type, Set<String> keys) {
        for (String key : rope.keys()) {
            if (rope.has(key) && !ALWAYS.contains(key) && !keys.contains(key)) {
                throw rope.error(key, "is not understood with rope_type \"" + type + "\"");
            }
        }
    }
}
