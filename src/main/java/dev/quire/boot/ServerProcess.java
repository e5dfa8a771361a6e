package dev.quire.boot;

import io.quarkus.runtime.Quarkus;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Runs the HTTP server until it is told to stop, and turns the way it ended into an exit code. */
public final class ServerProcess {
    static final int FAILED = 1;
    /** After the longest drain Quarkus itself needs a moment; then the process ends all the same. */
    private static final long STOP_SECONDS = 600;

    private ServerProcess() {}

    /**
     * Blocks until the server has stopped.
     *
     * @param verbose print stack traces of start-up failures
     * @param complaint hears the one line of a start-up failure
     * @return the exit code: 0 after SIGTERM and SIGINT, 1 when it could not start
     */
    public static int run(boolean verbose, Consumer<String> complaint) {
        CompletableFuture<Integer> ended = new CompletableFuture<>();
        if (!TrainingRun.isAsked()) {
            stopWithOwnCode(ended);
        }
        try {
            Quarkus.run(null, (code, failure) -> {
                if (failure != null) {
                    complain(failure, verbose, complaint);
                }
                ended.complete(failure != null && code == 0 ? FAILED : code);
            });
        } catch (RuntimeException e) {
            complain(e, verbose, complaint);
        }
        ended.complete(FAILED);
        return ended.join();
    }

    /** The JVM would end with 143 after SIGTERM; a server that stopped as it was asked ends with 0. */
    private static void stopWithOwnCode(CompletableFuture<Integer> ended) {
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(codeOf(ended)), "quire-exit"));
    }

    private static void complain(Throwable failure, boolean verbose, Consumer<String> complaint) {
        complaint.accept(FailureLine.of(failure));
        if (verbose) {
            failure.printStackTrace();
        }
    }

    private static int codeOf(CompletableFuture<Integer> ended) {
        try {
            return ended.get(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            return FAILED;
        }
    }
}
