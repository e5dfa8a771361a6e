package dev.quire.weights;

/** A model's files are missing, truncated, contradictory or not supported; the message is one line naming the file. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** A fault of a file. */
    public CheckpointException(String file, String problem) {
        super(oneLine(file + ": " + problem));
    }

    /** A fault of a file, with its cause. */
    public CheckpointException(String file, String problem, Throwable cause) {
        super(oneLine(file + ": " + problem), cause);
    }

    /** A fault of one tensor of a file. */
    public static CheckpointException ofTensor(String file, String tensor, String problem) {
        return new CheckpointException(file, "tensor '" + tensor + "' " + problem);
    }

    /** Names in a message come from files that may hold anything: no line breaks, no terminal escapes. */
    private static String oneLine(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }
}
