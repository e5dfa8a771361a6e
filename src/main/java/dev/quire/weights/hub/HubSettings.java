package dev.quire.weights.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which hub, which cache, whose token.
 *
 * @param endpoint such as {@code https://huggingface.co}, without a slash at the end
 * @param cache the folder that holds {@code models--org--name} folders
 * @param token sent to the endpoint only, never to a host it redirects to
 * @param offline whether only the cache is used
 * @param retryPause first pause between attempts, doubled for each further one
 * @param stallTimeout a transfer with no byte for so long is cut and resumed
 */
public record HubSettings(
        URI endpoint, Path cache, Optional<String> token, boolean offline, Duration retryPause, Duration stallTimeout) {
    private static final Set<String> YES = Set.of("1", "on", "yes", "true");

    /** The settings that huggingface_hub reads from the same variables; {@code home} is the user's home directory. */
    public static HubSettings fromEnvironment(Map<String, String> env, Path home) {
        Path cacheRoot = path(env, "XDG_CACHE_HOME").orElse(home.resolve(".cache"));
        Path hfHome = path(env, "HF_HOME").orElse(cacheRoot.resolve("huggingface"));
        Path cache = path(env, "HF_HUB_CACHE")
                .or(() -> path(env, "HUGGINGFACE_HUB_CACHE"))
                .orElse(hfHome.resolve("hub"));
        String endpoint = text(env, "HF_ENDPOINT").orElse("https://huggingface.co");
        Path tokenFile = path(env, "HF_TOKEN_PATH").orElse(hfHome.resolve("token"));
        Optional<String> token = text(env, "HF_TOKEN")
                .or(() -> text(env, "HUGGING_FACE_HUB_TOKEN"))
                .or(() -> tokenIn(tokenFile));
        boolean offline = isYes(env, "HF_HUB_OFFLINE") || isYes(env, "TRANSFORMERS_OFFLINE");
        return new HubSettings(
                endpoint(endpoint), cache, token, offline, Duration.ofSeconds(1), Duration.ofSeconds(30));
    }

    private static URI endpoint(String text) {
        try {
            URI uri = URI.create(text.replaceFirst("/+$", ""));
            if (uri.getHost() != null && HubClient.SCHEMES.contains(String.valueOf(uri.getScheme()))) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // Said below.
        }
        throw new HubException("HF_ENDPOINT must be an http or https address, found '" + text + "'");
    }

    private static Optional<String> tokenIn(Path file) {
        try {
            return Optional.of(Files.readString(file).strip()).filter(t -> !t.isEmpty());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> text(Map<String, String> env, String key) {
        return Optional.ofNullable(env.get(key)).map(String::strip).filter(v -> !v.isEmpty());
    }

    private static Optional<Path> path(Map<String, String> env, String key) {
        return text(env, key).map(Path::of);
    }

    private static boolean isYes(Map<String, String> env, String key) {
        return text(env, key).map(v -> YES.contains(v.toLowerCase(Locale.ROOT))).orElse(false);
    }

    /** Without the token, which belongs in no log. */
    @Override
    public String toString() {
        return "HubSettings[" + endpoint + ", cache " + cache + (token.isPresent() ? ", with token" : "")
                + (offline ? ", offline" : "") + "]";
    }
}
