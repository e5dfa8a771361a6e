package dev.quire.boot;

import dev.quire.client.ServerClient;
import dev.quire.server.config.QuireConfig;
import io.quarkus.runtime.Quarkus;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * Asks the server what a first client would ask, then stops it: the launcher starts the server so once a build, for the
 * JVM to remember the classes that a start and a first request need.
 */
final class TrainingRun {
    private static final Logger LOG = Logger.getLogger("dev.quire");
    private static final String PROPERTY = "dev.quire.training";

    private TrainingRun() {}

    static boolean isAsked() {
        return Boolean.getBoolean(PROPERTY);
    }

    static void ifAsked(QuireConfig config, ServerAddress address, QuireEngine engine) {
        if (!isAsked()) {
            return;
        }
        try {
            ServerClient client = new ServerClient(
                    URI.create("http://127.0.0.1:" + address.port()),
                    config.apiKey().map(keys -> keys.get(0)).orElse(null));
            ask(client);
            engine.awaitPrepared();
        } catch (IOException e) {
            LOG.warn("training run: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Quarkus.asyncExit(0);
    }

    private static void ask(ServerClient client) throws IOException, InterruptedException {
        client.isReady();
        String model = client.firstModel();
        for (boolean chat : List.of(true, false)) {
            var body = client.object().put("model", model).put("max_tokens", 8).put("stream", true);
            if (chat) {
                body.putArray("messages").addObject().put("role", "user").put("content", "Hello!");
            } else {
                body.put("prompt", "Hello!");
            }
            client.stream(chat ? "/v1/chat/completions" : "/v1/completions", body, chunk -> {});
        }
    }
}
