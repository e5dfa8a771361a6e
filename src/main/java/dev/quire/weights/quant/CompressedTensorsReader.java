package dev.quire.weights.quant;

import dev.quire.tensor.ActivationScheme.Kind;
import dev.quire.tensor.QuantizedMatrix.Codes;
import dev.quire.weights.ConfigJson;
import java.util.ArrayList;
import java.util.List;

/** Reads what compressed-tensors writes into {@code quantization_config}, all of it or an error. */
final class CompressedTensorsReader {
    private static final String FORMATS = "pack-quantized, int-quantized, float-quantized, naive-quantized";
    private static final String PACKED = "pack-quantized";
    private static final List<String> BYTES = List.of("int-quantized", "float-quantized", "naive-quantized");
    /** Columns of a dynamic group of inputs when block-quantized weights do not say. */
    private static final int DEFAULT_INPUT_GROUP = 128;

    private CompressedTensorsReader() {}

    static CompressedTensors read(ConfigJson json) {
        // The outer format may be absent or mixed when each group names its own.
        String format = json.string("format", "absent");
        if (!format.equals("mixed-precision") && !format.equals("absent")) {
            checkFormat(json, format);
        }
        String status = json.string("quantization_status", "compressed");
        // Older writers left it at frozen and compressed all the same; the types of the tensors tell if one did not.
        if (!status.equals("compressed") && !status.equals("frozen")) {
            throw Refusal.of(json, "quantization_status", status, "compressed, frozen");
        }
        String sparsity = json.optionalObject("sparsity_config")
                .map(s -> s.string("format", "dense"))
                .orElse("dense");
        if (!sparsity.equals("dense")) {
            throw Refusal.of(json, "sparsity_config.format", sparsity, "dense");
        }
        if (!isEmpty(json, "transform_config")) {
            throw Refusal.ofJson(json, "transform_config", "none");
        }
        List<CompressedTensors.Group> groups = new ArrayList<>();
        ConfigJson configGroups = json.object("config_groups");
        for (String name : configGroups.keys()) {
            if (!configGroups.isObject(name)) {
                throw Refusal.ofJson(configGroups, name, "an object with targets and weights");
            }
            groups.add(group(configGroups.object(name), format));
        }
        return new CompressedTensors(json.file(), groups, ModuleNames.read(json, "ignore"), kvCacheIsFp8(json));
    }

    private static boolean isEmpty(ConfigJson json, String key) {
        return !json.has(key) || json.isObject(key) && json.object(key).keys().isEmpty();
    }

    private static boolean kvCacheIsFp8(ConfigJson json) {
        if (isEmpty(json, "kv_cache_scheme")) {
            return false;
        }
        ConfigJson scheme = json.object("kv_cache_scheme");
        boolean fp8 = scheme.string("type", "int").equals("float")
                && scheme.integer("num_bits", 0) == 8
                && scheme.string("strategy", "tensor").equals("tensor");
        if (!fp8) {
            throw Refusal.ofJson(json, "kv_cache_scheme", "8-bit floats with strategy tensor");
        }
        return true;
    }

    private static void checkFormat(ConfigJson json, String format) {
        if (!format.equals(PACKED) && !BYTES.contains(format)) {
            throw Refusal.of(json, "format", format, FORMATS);
        }
    }

    private static CompressedTensors.Group group(ConfigJson json, String outerFormat) {
        ConfigJson weights = json.object("weights");
        boolean isFloat = isFloat(weights);
        String format = json.string("format", outerFormat);
        if (format.equals("absent")) {
            format = isFloat ? "float-quantized" : json.has("input_activations") ? "int-quantized" : PACKED;
        }
        checkFormat(json, format);
        if (json.has("output_activations")) {
            throw Refusal.ofJson(json, "output_activations", "null");
        }
        if (!weights.text("dynamic").matches("absent|false")) {
            throw Refusal.ofJson(weights, "dynamic", "false");
        }
        LinearScheme scheme = format.equals(PACKED) ? packed(json, weights) : bytes(json, weights, isFloat, format);
        return new CompressedTensors.Group(ModuleNames.read(json, "targets"), scheme);
    }

    private static boolean isFloat(ConfigJson args) {
        String type = args.string("type", "int");
        if (!type.equals("int") && !type.equals("float")) {
            throw Refusal.of(args, "type", type, "int, float");
        }
        return type.equals("float");
    }

    private static WeightScheme packed(ConfigJson json, ConfigJson weights) {
        int numBits = weights.integer("num_bits");
        if (isFloat(weights)) {
            throw Refusal.of(weights, "type", "float", "int, in format " + PACKED);
        }
        if (numBits != 4 && numBits != 8) {
            throw Refusal.ofJson(weights, "num_bits", "4, 8");
        }
        if (json.has("input_activations")) {
            throw Refusal.ofJson(json, "input_activations", "null, in format " + PACKED);
        }
        String strategy = strategy(weights);
        if (!strategy.equals("group") && !strategy.equals("channel")) {
            throw Refusal.of(weights, "strategy", strategy, "group, channel");
        }
        return new WeightScheme(
                numBits,
                strategy.equals("group") ? groupSize(weights) : 0,
                weights.bool("symmetric", true),
                groupIndexed(weights));
    }

    private static ByteScheme bytes(ConfigJson json, ConfigJson weights, boolean isFloat, String format) {
        if (weights.integer("num_bits") != 8) {
            throw Refusal.ofJson(weights, "num_bits", "8, in format " + format);
        }
        if (format.equals(isFloat ? "int-quantized" : "float-quantized")) {
            throw Refusal.of(weights, "type", isFloat ? "float" : "int", "the other type, in format " + format);
        }
        boolean symmetric = weights.bool("symmetric", true);
        if (isFloat && !symmetric) {
            throw Refusal.ofJson(weights, "symmetric", "true, for type float");
        }
        if (groupIndexed(weights)) {
            throw Refusal.ofJson(weights, "actorder", "null, \"weight\", in format " + format);
        }
        int scaleRows = 1;
        int scaleCols = 0;
        String strategy = strategy(weights);
        switch (strategy) {
            case "tensor" -> scaleRows = 0;
            case "channel" -> {}
            case "group" -> scaleCols = groupSize(weights);
            case "block" -> {
                List<Integer> block = blockStructure(weights, "block_structure");
                scaleRows = block.get(0);
                scaleCols = block.get(1);
            }
            default -> throw Refusal.of(weights, "strategy", strategy, "tensor, channel, group, block");
        }
        InputScheme input =
                json.has("input_activations") ? input(json.object("input_activations"), isFloat) : InputScheme.NONE;
        return new ByteScheme(
                isFloat ? Codes.E4M3 : Codes.INT8, scaleRows, scaleCols, symmetric, "weight_scale", input);
    }

    /** Two positive numbers: rows and columns of a block. */
    static List<Integer> blockStructure(ConfigJson json, String key) {
        List<Integer> block = json.intList(key);
        if (block.size() != 2 || block.get(0) < 1 || block.get(1) < 1) {
            throw json.error(key, "must be two positive numbers, found " + json.text(key));
        }
        return block;
    }

    private static InputScheme input(ConfigJson args, boolean weightsAreFloat) {
        if (args.integer("num_bits") != 8) {
            throw Refusal.ofJson(args, "num_bits", "8");
        }
        boolean isFloat = isFloat(args);
        if (isFloat != weightsAreFloat) {
            throw Refusal.of(args, "type", isFloat ? "float" : "int", "the type of the weights");
        }
        boolean symmetric = args.bool("symmetric", true);
        if (isFloat && !symmetric) {
            throw Refusal.ofJson(args, "symmetric", "true, for type float");
        }
        Kind kind = isFloat ? Kind.E4M3 : Kind.INT8;
        String dynamic = args.text("dynamic");
        int groupSize = args.integer("group_size", -1);
        String strategy = args.string("strategy", groupSize > 0 ? "group" : "tensor");
        if (dynamic.matches("absent|false")) {
            if (!strategy.equals("tensor")) {
                throw Refusal.of(args, "strategy", strategy, "tensor, when not dynamic");
            }
            return new InputScheme(kind, false, 0, symmetric);
        }
        if (!dynamic.equals("true")) {
            throw Refusal.ofJson(args, "dynamic", "false, true");
        }
        return switch (strategy) {
            // One scale for all tokens of a step would let requests change each other's answers: each gets its own.
            case "token", "tensor" -> new InputScheme(kind, true, 0, symmetric);
            case "group" -> new InputScheme(kind, true, groupSize > 0 ? groupSize : DEFAULT_INPUT_GROUP, symmetric);
            default -> throw Refusal.of(args, "strategy", strategy, "token, group, tensor");
        };
    }

    private static String strategy(ConfigJson weights) {
        int groupSize = weights.integer("group_size", 0);
        return weights.string("strategy", groupSize > 0 ? "group" : groupSize == -1 ? "channel" : "tensor");
    }

    private static int groupSize(ConfigJson weights) {
        int groupSize = weights.integer("group_size");
        if (groupSize < 1) {
            throw weights.error("group_size", "must be positive for strategy group, found " + groupSize);
        }
        return groupSize;
    }

    /** Whether columns were reordered by activation, and groups with them. */
    private static boolean groupIndexed(ConfigJson weights) {
        String order = weights.text("actorder");
        switch (order) {
            case "absent", "false", "\"weight\"", "\"static\"":
                return false;
            case "true", "\"group\"", "\"dynamic\"":
                return true;
            default:
                throw Refusal.ofJson(weights, "actorder", "null, \"weight\", \"static\", \"group\", \"dynamic\"");
        }
    }
}
