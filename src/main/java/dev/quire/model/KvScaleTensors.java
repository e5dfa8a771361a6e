package dev.quire.model;

import dev.quire.kernel.KvScales;
import dev.quire.tensor.HostTensor;
import dev.quire.weights.Checkpoint;
import dev.quire.weights.CheckpointException;
import java.util.List;

/**
 * The scales of cached K and V that a checkpoint brings: one number each a layer, under the names that compressed-tensors,
 * ModelOpt and older tools give them (as vLLM reads them).
 */
public final class KvScaleTensors {
    private static final List<String> KEY_NAMES =
            List.of("k_scale", "attn.k_scale", "k_proj.k_scale", "k_proj.output_scale", "kv_scale");

    private static final List<String> VALUE_NAMES =
            List.of("v_scale", "attn.v_scale", "v_proj.v_scale", "v_proj.output_scale", "kv_scale");

    private KvScaleTensors() {}

    /** The scales of all layers, 1 for those without; throws {@link CheckpointException} naming file and tensor. */
    public static KvScales find(Checkpoint checkpoint, ModelConfig config) {
        return find(checkpoint, config.names().roots(), config.numLayers());
    }

    static KvScales find(Checkpoint checkpoint, List<WeightNames.Root> roots, int numLayers) {
        float[] keys = new float[numLayers];
        float[] values = new float[numLayers];
        for (int i = 0; i < numLayers; i++) {
            keys[i] = scale(checkpoint, roots, i, KEY_NAMES);
            values[i] = scale(checkpoint, roots, i, VALUE_NAMES);
        }
        return new KvScales(keys, values);
    }

    private static float scale(Checkpoint checkpoint, List<WeightNames.Root> roots, int layer, List<String> names) {
        for (WeightNames.Root root : roots) {
            String prefix = root.decoder() + "layers." + layer + ".self_attn.";
            for (String name : names) {
                if (checkpoint.has(prefix + name)) {
                    return number(checkpoint, prefix + name);
                }
            }
        }
        return 1f;
    }

    private static float number(Checkpoint checkpoint, String name) {
        HostTensor tensor = checkpoint.tensor(name);
        if (tensor.numElements() != 1) {
            throw CheckpointException.ofTensor(
                    checkpoint.files().location(), name, "has shape " + tensor.shape() + ", one scale a layer is read");
        }
        float scale = tensor.toFloats()[0];
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY)) {
            throw CheckpointException.ofTensor(
                    checkpoint.files().location(), name, "is " + scale + ", a scale is finite and above 0");
        }
        return scale;
    }
}
