package dev.quire.weights.hub;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.function.BooleanSupplier;

/** Repeats what failed for a passing reason, with growing pauses. */
final class Retries {
    private static final long MAX_PAUSE_MILLIS = 30_000;

    private final HubSession session;
    private final BooleanSupplier cancelled;

    Retries(HubSession session, BooleanSupplier cancelled) {
        this.session = session;
        this.cancelled = cancelled;
    }

    interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    /** The first result; after {@code maxAttempts} failures a {@link HubException} that says why. */
    <T> T run(String what, int maxAttempts, Attempt<T> attempt) throws IOException, InterruptedException {
        return run(what, maxAttempts, () -> 0L, attempt);
    }

    /**
     * As above, and a failed attempt that got further than all before it ({@code position} grew) makes the counting start
     * again: a poor line still ends. Only faults of the file system come
     * out as IOException.
     */
    <T> T run(String what, int maxAttempts, Attempt<Long> position, Attempt<T> attempt)
            throws IOException, InterruptedException {
        long furthest = position.run();
        for (int failures = 1; ; failures++) {
            HubException failure;
            try {
                return attempt.run();
            } catch (FileSystemException e) {
                // The cache's fault, not the line's: it stays.
                throw e;
            } catch (IOException e) {
                failure = new HubException("cannot get " + what + ": " + describe(e), e, true);
            } catch (HubException e) {
                failure = e;
            }
            long reached = position.run();
            if (reached > furthest) {
                furthest = reached;
                failures = 1;
            }
            if (failures >= maxAttempts || !failure.isUnreachable() || cancelled.getAsBoolean()) {
                throw failure;
            }
            session.progress().note(failure.getMessage() + "; trying again");
            long pause = session.settings().retryPause().toMillis();
            Thread.sleep(Math.min(pause << Math.min(failures - 1, 20), MAX_PAUSE_MILLIS));
        }
    }

    private static String describe(IOException e) {
        // Some of the client's exceptions carry no message of their own.
        String message = e.getMessage();
        String type = e.getClass().getSimpleName();
        return message == null ? type : type.equals("IOException") ? message : type + ": " + message;
    }
}
