package dev.quire.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/** The file of {@code --config}: option names and values in YAML, as vLLM takes them. */
final class ConfigFile {
    private ConfigFile() {}

    /**
     * Options by name, in the order of the file, underscores read as dashes, lists joined by commas. A nested map is
     * flattened with dots, so full keys ({@code quarkus.http.port}) work too.
     *
     * @throws UsageException when the file cannot be read
     */
    static Map<String, String> read(Path file) {
        Object root;
        try (Reader reader = Files.newBufferedReader(file)) {
            root = new Yaml(new SafeConstructor(new LoaderOptions())).load(reader);
        } catch (IOException e) {
            throw new UsageException("--config " + file + ": cannot be read (" + e.getMessage() + ")");
        } catch (YAMLException e) {
            throw new UsageException("--config " + file + ": not YAML: "
                    + e.getMessage().lines().findFirst().orElse(""));
        }
        Map<String, String> options = new LinkedHashMap<>();
        if (root == null) {
            return options;
        }
        if (!(root instanceof Map<?, ?> map)) {
            throw new UsageException("--config " + file + ": must be a list of \"option: value\" lines");
        }
        flatten("", map, options);
        return options;
    }

    private static void flatten(String prefix, Map<?, ?> map, Map<String, String> options) {
        map.forEach((name, value) -> {
            String full = prefix + name;
            if (value instanceof Map<?, ?> nested) {
                flatten(full + ".", nested, options);
            } else if (value instanceof List<?> list) {
                options.put(dashed(full), ServeSettings.join(list));
            } else if (value != null) {
                options.put(dashed(full), value.toString());
            }
        });
    }

    private static String dashed(String name) {
        return name.replace('_', '-');
    }
}
