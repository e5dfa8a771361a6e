package dev.quire.weights.hub;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The files of a commit that a model needs: configuration, tokenizer and templates, and the safetensors files. Pickles, ONNX
 * and folders of other formats are left where they are.
 *
 * @param commit 40 hexadecimal digits
 * @param small file names and sizes, without the weights
 * @param weights safetensors file names and sizes
 * @param ggufs GGUF files in any folder, and their sizes
 */
record HubListing(String commit, Map<String, Long> small, Map<String, Long> weights, Map<String, Long> ggufs) {
    static final String INDEX = "model.safetensors.index.json";
    static final String SINGLE = "model.safetensors";

    private static final Pattern SMALL = Pattern.compile(
            "[^/]+\\.(json|jinja|model|tiktoken)|(merges|vocab)\\.txt|additional_chat_templates/[^/]+\\.jinja");
    private static final Pattern WEIGHTS = Pattern.compile("[^/]+\\.safetensors");
    private static final Pattern SAFE_SEGMENT = Pattern.compile("(?!\\.{1,2}$)[^/\\\\:\\p{Cntrl}]{1,255}");
    private static final Set<String> OTHER_INDEXES =
            Set.of("pytorch_model.bin.index.json", "tf_model.h5.index.json", "flax_model.msgpack.index.json");

    record Entry(String name, long sizeBytes) {}

    /** Chooses from all files of a commit. */
    static HubListing of(String commit, List<Entry> entries) {
        Map<String, Long> small = new LinkedHashMap<>();
        Map<String, Long> weights = new LinkedHashMap<>();
        Map<String, Long> ggufs = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (WEIGHTS.matcher(entry.name).matches()) {
                weights.put(safe(entry.name), entry.sizeBytes);
            } else if (SMALL.matcher(entry.name).matches() && !OTHER_INDEXES.contains(entry.name)) {
                small.put(safe(entry.name), entry.sizeBytes);
            } else if (GgufChoice.isGguf(entry.name)) {
                ggufs.put(safe(entry.name), entry.sizeBytes);
            }
        }
        // Without an index the one file of the usual name is the model; others are copies in other forms.
        if (!small.containsKey(INDEX) && weights.containsKey(SINGLE)) {
            weights.keySet().retainAll(Set.of(SINGLE));
        }
        return new HubListing(commit, small, weights, ggufs);
    }

    /** The name, or {@link HubException} when it would leave the model's folder. */
    static String safe(String name) {
        for (String segment : name.split("/", -1)) {
            if (!SAFE_SEGMENT.matcher(segment).matches()) {
                throw new HubException("refused file name '" + name + "' from the hub");
            }
        }
        return name;
    }

    /** The weights that an index names, with their sizes; a shard that the commit lacks is a {@link HubException}. */
    Map<String, Long> shards(Set<String> indexed) {
        Map<String, Long> chosen = new LinkedHashMap<>();
        for (String shard : indexed) {
            Long size = weights.get(shard);
            if (size == null) {
                throw new HubException(INDEX + " names '" + shard + "', which commit " + commit + " does not have");
            }
            chosen.put(shard, size);
        }
        return chosen;
    }

    /** All names, for messages and tests. */
    List<String> names() {
        List<String> names = new ArrayList<>(small.keySet());
        names.addAll(weights.keySet());
        return names;
    }
}
