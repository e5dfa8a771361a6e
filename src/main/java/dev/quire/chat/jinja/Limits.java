package dev.quire.chat.jinja;

/**
 * How much one rendering may do before it is ended with {@link TemplateException.Kind#LIMIT}.
 *
 * @param maxSteps loop iterations, calls and elements touched; 16 characters of text read or built count as one
 * @param maxChars characters of the output, and of any one string that the template builds; a list may have a
 *     sixteenth as many elements
 * @param maxDepth nested macro and recursive loop calls
 */
public record Limits(long maxSteps, int maxChars, int maxDepth) {
    public Limits {
        if (maxSteps <= 0 || maxChars <= 0 || maxDepth <= 0) {
            throw new IllegalArgumentException(
                    "limits must be positive: " + maxSteps + ", " + maxChars + ", " + maxDepth);
        }
    }

    /** Far above what any real template needs for a prompt of several million characters. */
    public static Limits defaults() {
        return new Limits(10_000_000L, 32 << 20, 200);
    }
}
