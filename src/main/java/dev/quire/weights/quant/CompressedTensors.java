package dev.quire.weights.quant;

import dev.quire.weights.CheckpointException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code compressed-tensors}: groups of modules, each with a scheme.
 *
 * @param file for messages
 * @param groups in file order
 * @param ignore modules left as they were
 */
record CompressedTensors(String file, List<Group> groups, ModuleNames ignore, boolean kvCacheIsFp8)
        implements QuantizationConfig {
    /** One entry of {@code config_groups}: module names, patterns or class names, and their scheme. */
    record Group(ModuleNames targets, LinearScheme scheme) {}

    CompressedTensors {
        groups = List.copyOf(groups);
    }

    /** A target that names the module wins over one that names the class {@code Linear}. */
    @Override
    public Optional<LinearScheme> schemeOf(String module) {
        return schemeOf(module, "Linear");
    }

    @Override
    public Optional<LinearScheme> embeddingSchemeOf(String module) {
        return schemeOf(module, "Embedding");
    }

    private Optional<LinearScheme> schemeOf(String module, String className) {
        if (ignore.matches(module) || named(module).isPresent()) {
            return schemeOfOne(module, className);
        }
        // Not named itself: a fused module may be named by its parts.
        List<Optional<LinearScheme>> schemes = new ArrayList<>();
        for (String part : ModuleNames.parts(module)) {
            Optional<LinearScheme> scheme = schemeOfOne(part, className);
            if (!schemes.isEmpty() && !schemes.get(0).equals(scheme)) {
                throw new CheckpointException(file, "quantizes the parts of " + module + " in different ways");
            }
            schemes.add(scheme);
        }
        return schemes.get(0);
    }

    private Optional<LinearScheme> schemeOfOne(String module, String className) {
        if (ignore.matches(module)) {
            return Optional.empty();
        }
        return named(module).or(() -> named(className));
    }

    private Optional<LinearScheme> named(String target) {
        return groups.stream()
                .filter(group -> group.targets().matches(target))
                .map(Group::scheme)
                .findFirst();
    }
}
