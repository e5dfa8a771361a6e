package dev.quire.boot;

import dev.quire.engine.EngineClient;
import dev.quire.frontend.ServedModel;
import dev.quire.server.config.QuireConfig;
import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.value.registry.ValueRegistry;
import io.vertx.ext.web.Router;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The server's engine and model. The socket is open from the start; until the model is loaded a gate in front of every
 * route answers 503.
 */
@Singleton
class EngineProducer {
    private static final Logger LOG = Logger.getLogger("dev.quire");
    /** Before every other route of the server. */
    private static final int FIRST = Integer.MIN_VALUE;

    private static final int UNAVAILABLE = 503;
    private static final String LOADING =
            "{\"error\":{\"message\":\"the model is loading\",\"type\":\"ServiceUnavailableError\",\"param\":null,"
                    + "\"code\":503}}";

    private final QuireConfig config;
    private final ValueRegistry registry;
    private final String host;
    private final boolean used;
    /** Set before the engine. */
    private @Nullable ServedModel model;

    private volatile @Nullable QuireEngine engine;

    /** @param client decides whether this engine is the one in use: tests bring their own */
    EngineProducer(
            QuireConfig config,
            Instance<EngineClient> client,
            ValueRegistry registry,
            @ConfigProperty(name = "quarkus.http.host") String host) {
        this.config = config;
        this.registry = registry;
        this.host = host;
        this.used = client.getHandle().getBean().getBeanClass() == EngineProducer.class;
    }

    @Produces
    @Singleton
    EngineClient client() {
        return loaded().client();
    }

    @Produces
    @Singleton
    ServedModel model() {
        loaded();
        return model;
    }

    private QuireEngine loaded() {
        QuireEngine loaded = engine;
        if (loaded == null) {
            throw new IllegalStateException("the model is loading");
        }
        return loaded;
    }

    void openGate(@Observes Router router) {
        if (!used) {
            return;
        }
        router.route().order(FIRST).handler(request -> {
            if (engine != null) {
                request.next();
            } else if (request.normalizedPath().equals("/health")) {
                request.response().setStatusCode(UNAVAILABLE).end();
            } else {
                request.response()
                        .setStatusCode(UNAVAILABLE)
                        .putHeader("Retry-After", "1")
                        .putHeader("Content-Type", "application/json")
                        .end(LOADING);
            }
        });
    }

    /** In tests and in dev mode nobody else loads the model. */
    void start(@Observes StartupEvent event) {
        if (used && LaunchMode.current() != LaunchMode.NORMAL) {
            Thread loader =
                    new Thread(() -> serve(QuireEngine.open(EngineOptions.of(config), LOG::info)), "quire-loader");
            loader.setDaemon(true);
            loader.start();
        }
    }

    /**
     * Opens the gate.
     *
     * @throws StartupException when the configuration asks of the model what it has not
     */
    void serve(QuireEngine opened) {
        model = ServedModels.of(opened, config);
        engine = opened;
        ServerAddress address = ServerAddress.of(host, registry);
        LOG.info(readyLine(opened, address));
        opened.prepareLater();
        TrainingRun.ifAsked(config, address, opened);
    }

    private static String readyLine(QuireEngine opened, ServerAddress address) {
        // The process' own start time is rounded to the second on some systems.
        long start = ManagementFactory.getRuntimeMXBean().getStartTime();
        double seconds = (System.currentTimeMillis() - start) / 1e3;
        return String.format(Locale.ROOT, "ready: %s serves %s after %.2f s", address.url(), opened.name(), seconds);
    }

    /** Stops admission at once; waits until running requests have ended, for as long as the user said. */
    void drain() {
        QuireEngine running = engine;
        if (running != null) {
            try {
                running.drain(TimeUnit.SECONDS.toMillis(config.shutdownTimeout()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** HTTP is closed by now: nobody asks for text any more. */
    void stop(@Observes ShutdownEvent event) {
        QuireEngine running = engine;
        if (running != null) {
            running.close();
        }
    }
}
