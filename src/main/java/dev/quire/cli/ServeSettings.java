package dev.quire.cli;

import dev.quire.cli.Option.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Merges flags, environment and configuration file into configuration keys: flag > environment > file > default. */
final class ServeSettings {
    private final Map<String, String> environment;
    private final Map<String, String> keys = new LinkedHashMap<>();

    ServeSettings(Map<String, String> environment) {
        this.environment = environment;
    }

    /**
     * Configuration keys and their checked values; what nobody set is absent.
     *
     * @param flags values by option name; lists already joined by {@link #join}
     * @throws UsageException naming the flag, variable or line whose value is wrong
     */
    Map<String, String> resolve(Map<String, String> flags, @Nullable Path configFile) {
        Map<String, String> file = configFile == null ? Map.of() : ConfigFile.read(configFile);
        rejectUnknown(file, configFile);
        for (ServeOption option : ServeOptions.all()) {
            String name = option.name();
            String variable = presentVariable(option);
            if (flags.containsKey(name)) {
                put(option, flags.get(name), "--" + name);
            } else if (variable != null) {
                put(option, environment.get(variable), variable);
            } else if (file.containsKey(name)) {
                put(option, file.get(name), configFile + ": " + name);
            } else if (file.containsKey(option.key())) {
                put(option, file.get(option.key()), configFile + ": " + option.key());
            }
        }
        file.forEach((name, value) -> {
            if (name.startsWith("quarkus.")) {
                keys.putIfAbsent(name, value);
            }
        });
        return keys;
    }

    /** One text of several values: commas part them, a backslash keeps a comma, as the configuration reads lists. */
    static String join(List<?> values) {
        return values.stream()
                .map(value -> String.valueOf(value).replace("\\", "\\\\").replace(",", "\\,"))
                .collect(Collectors.joining(","));
    }

    private @Nullable String presentVariable(ServeOption option) {
        for (String variable : option.environment()) {
            String value = environment.getOrDefault(variable, "");
            // Kubernetes sets QUIRE_PORT=tcp://… in every pod beside a Service that is called quire.
            if (!value.isEmpty() && !value.startsWith("tcp://")) {
                return variable;
            }
        }
        return null;
    }

    private void put(ServeOption option, String text, String source) {
        try {
            // A list's elements may hold what the check would refuse in one value.
            keys.put(
                    option.key(),
                    option.flag().kind() == Kind.LIST ? text : option.check().checked(text));
        } catch (IllegalArgumentException e) {
            throw new UsageException(source + " " + e.getMessage());
        }
    }

    private static void rejectUnknown(Map<String, String> file, @Nullable Path configFile) {
        List<String> names = new ArrayList<>();
        ServeOptions.all().forEach(option -> {
            names.add(option.name());
            names.add(option.key());
        });
        for (String name : file.keySet()) {
            if (!names.contains(name) && !name.startsWith("quarkus.")) {
                throw new UsageException("--config " + configFile + ": unknown option " + name
                        + NearestName.of(name, names)
                                .map(near -> "; did you mean " + near + "?")
                                .orElse(""));
            }
        }
    }
}
