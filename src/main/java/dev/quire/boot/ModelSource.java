package dev.quire.boot;

import dev.quire.weights.Checkpoint;
import dev.quire.weights.ModelFiles;
import dev.quire.weights.ModelLocation;
import dev.quire.weights.gguf.GgufFiles;
import dev.quire.weights.hub.DownloadProgress;
import dev.quire.weights.hub.HubSettings;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Which model, and where its files are.
 *
 * @param name what clients call it unless told otherwise
 * @param files local by now
 */
record ModelSource(String name, ModelFiles files) {
    static final String EMBEDDED = "quire-demo";

    /** Finds the files, downloading what is missing. */
    static ModelSource find(EngineOptions options, Map<String, String> environment, DownloadProgress progress) {
        if (options.model().isEmpty() || options.model().get().equals(EMBEDDED)) {
            ClassLoader loader = ModelSource.class.getClassLoader();
            return new ModelSource(EMBEDDED, ModelFiles.ofResources(loader, "models/" + EMBEDDED));
        }
        String model = options.model().get();
        HubSettings hub = HubSettings.fromEnvironment(
                hubEnvironment(options, environment), Path.of(System.getProperty("user.home")));
        return new ModelSource(model, new ModelLocation(hub, progress).resolve(model, options.revision()));
    }

    Checkpoint open(EngineOptions options) {
        return switch (options.loadFormat()) {
            case "dummy" -> Checkpoint.dummy(files, options.seed());
            case "auto" -> Checkpoint.open(files);
            case "safetensors", "gguf" -> {
                boolean gguf = files instanceof GgufFiles;
                if (gguf != options.loadFormat().equals("gguf")) {
                    throw new StartupException("--load-format " + options.loadFormat() + ": " + files.location()
                            + " is " + (gguf ? "a GGUF file" : "no GGUF file") + "; use auto");
                }
                yield Checkpoint.open(files);
            }
            default ->
                throw new StartupException("--load-format " + options.loadFormat()
                        + " is not supported; use auto, safetensors, gguf or dummy");
        };
    }

    /** The hub's own variables with our options laid over them. */
    private static Map<String, String> hubEnvironment(EngineOptions options, Map<String, String> environment) {
        Map<String, String> merged = new HashMap<>(environment);
        options.hfToken().ifPresent(value -> merged.put("HF_TOKEN", value));
        options.hfEndpoint().ifPresent(value -> merged.put("HF_ENDPOINT", value));
        options.hfHome().ifPresent(value -> merged.put("HF_HOME", value));
        options.downloadDir().ifPresent(value -> merged.put("HF_HUB_CACHE", value));
        options.hfHubOffline().ifPresent(value -> merged.put("HF_HUB_OFFLINE", value ? "1" : "0"));
        return merged;
    }
}
