package dev.quire.boot;

import dev.quire.weights.hub.ProgressBar;
import io.quarkus.arc.Arc;
import io.quarkus.runtime.Application;
import io.quarkus.runtime.Quarkus;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Runs the server until it is told to stop: loads the model beside the start of the HTTP server, and turns the way it all
 * ended into an exit code.
 */
public final class ServerProcess {
    private static final Logger LOG = Logger.getLogger("dev.quire");
    private static final int FAILED = 1;
    private static final int FAREWELL_SECONDS = 5;
    /** After the longest drain Quarkus itself needs a moment; then the process ends all the same. */
    private static final long STOP_SECONDS = 600;

    private final Map<String, String> keys;
    private final boolean verbose;
    private final Consumer<String> complaint;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();
    private volatile @Nullable EngineProducer serving;

    /**
     * @param keys configuration keys and values that outrank all others
     * @param verbose print stack traces of start-up failures
     * @param complaint hears the one line of a start-up failure
     */
    public ServerProcess(Map<String, String> keys, boolean verbose, Consumer<String> complaint) {
        this.keys = Map.copyOf(keys);
        this.verbose = verbose;
        this.complaint = complaint;
    }

    /** Blocks until the server has stopped; the exit code is 0 after SIGTERM and SIGINT, 1 when it could not start. */
    public int run() {
        keys.forEach(System::setProperty);
        if (!TrainingRun.isAsked()) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::stopInOrder, "quire-stop"));
        }
        Thread loader = new Thread(this::load, "quire-loader");
        loader.setDaemon(true);
        loader.start();
        try {
            Quarkus.run(null, (code, failure) -> {
                if (failure != null) {
                    complain(failure);
                }
                ended.complete(failure != null && code == 0 ? FAILED : code);
            });
        } catch (RuntimeException e) {
            complain(e);
        }
        ended.complete(FAILED);
        return ended.join();
    }

    private void load() {
        try {
            QuireEngine engine =
                    QuireEngine.open(EngineOptions.ofKeys(keys), LOG::info, ProgressBar.onStandardError(), true);
            awaitHttp();
            if (!ended.isDone()) {
                EngineProducer producer =
                        Arc.container().instance(EngineProducer.class).get();
                serving = producer;
                producer.serve(engine);
                endWith(engine);
            }
        } catch (RuntimeException | Error e) {
            if (!ended.isDone()) {
                complain(e);
                ended.complete(FAILED);
                System.exit(FAILED);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * A device that failed does not come back in this process: the server says so for a moment, to the requests it had and to
     * whoever probes its health, then ends, so that a supervisor starts a new one.
     */
    private void endWith(QuireEngine engine) throws InterruptedException {
        String cause = engine.awaitEnd();
        if (!cause.isEmpty() && !ended.isDone()) {
            LOG.error("the engine died (" + cause + "): /health answers 503, the server ends in " + FAREWELL_SECONDS
                    + " s with exit code " + FAILED);
            TimeUnit.SECONDS.sleep(FAREWELL_SECONDS);
            ended.complete(FAILED);
            Quarkus.asyncExit(FAILED);
        }
    }

    /** Quarkus builds its beans by itself; a short poll is the way to hear of it without a global variable. */
    private void awaitHttp() throws InterruptedException {
        Application application = Application.currentApplication();
        while ((application == null || !application.isStarted()) && !ended.isDone()) {
            TimeUnit.MILLISECONDS.sleep(1);
            application = Application.currentApplication();
        }
    }

    /**
     * Runs beside Quarkus' own hook, which waits for the requests in flight: this one closes admission. The JVM would end
     * with 143 after SIGTERM; a server that stopped as it was asked ends with 0.
     */
    private void stopInOrder() {
        EngineProducer producer = serving;
        if (producer != null) {
            producer.drain();
        }
        Runtime.getRuntime().halt(code());
    }

    private int code() {
        try {
            return ended.get(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            return FAILED;
        }
    }

    private void complain(Throwable failure) {
        complaint.accept(FailureLine.of(failure));
        if (verbose) {
            failure.printStackTrace();
        }
    }
}
