package dev.quire.boot;

import io.quarkus.runtime.QuarkusBindException;

/** Says in one line why the server did not start. */
final class FailureLine {
    private FailureLine() {}

    static String of(Throwable failure) {
        Throwable root = failure;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            root = t;
            if (t instanceof StartupException) {
                return oneLine(t.getMessage());
            }
            if (t instanceof QuarkusBindException bind) {
                return "port " + bind.getPort() + " on " + bind.getHost()
                        + " cannot be taken; stop what listens there, or choose another with --port";
            }
        }
        if (root instanceof OutOfMemoryError) {
            return "out of memory (" + root.getMessage() + "); raise the heap with QUIRE_JAVA_OPTS=-Xmx…";
        }
        String message = root.getMessage() == null ? "" : ": " + root.getMessage();
        return oneLine(root.getClass().getSimpleName() + message);
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s*\\R\\s*", "; ");
    }
}
