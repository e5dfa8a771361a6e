package dev.quire.frontend;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Watches one sequence's text for stop strings and lets through only what no stop string can still take back.
 *
 * <p>The first stop string to be completed ends the text; of several that end at the same character it is the longest.
 * So the result does not depend on how the text is cut into tokens. Held back is the longest end of the text that a stop
 * string starts with (nothing when the stop string stays in the output, for then nothing is taken back).
 *
 * <p>A stop string counts only when its last character came with a token beyond the first {@code minTokens}. Not
 * thread-safe. Without stop strings the text passes through as it is.
 */
public final class StopStrings {
    private final List<String> stops;
    private final boolean includeStopStrInOutput;
    private final int minTokens;

    /** For each stop string its Knuth-Morris-Pratt borders: the longest proper prefix that ends at each position. */
    private final int[][] borders;

    /** How many first characters of each stop string the text now ends with. */
    private final int[] matched;

    private final StringBuilder held = new StringBuilder();
    private String passed = "";
    private @Nullable String stop;

    /**
     * @param stops non-empty strings; the list may be empty
     * @param minTokens the number of generated tokens within which no stop string is looked for
     * @throws IllegalArgumentException when a stop string is empty
     */
    public StopStrings(List<String> stops, boolean includeStopStrInOutput, int minTokens) {
        // Half a surrogate pair never occurs in a text by itself, only inside another character.
        this.stops = stops.stream().filter(StopStrings::isText).toList();
        this.includeStopStrInOutput = includeStopStrInOutput;
        this.minTokens = minTokens;
        this.borders = this.stops.stream().map(StopStrings::borders).toArray(int[][]::new);
        this.matched = new int[this.stops.size()];
    }

    /**
     * Takes the text that one token added.
     *
     * @param numOutputTokens how many tokens are generated, this one included
     * @return whether a stop string has ended the text; what is appended after that is ignored
     */
    public boolean append(String text, int numOutputTokens) {
        if (stop != null) {
            return true;
        }
        if (stops.isEmpty()) {
            pass(text);
            return false;
        }
        int numHeld = held.length();
        held.append(text);
        for (int i = 0; i < text.length(); i++) {
            String completed = advance(text.charAt(i));
            if (completed != null && numOutputTokens > minTokens) {
                stop = completed;
                int end = numHeld + i + 1;
                release(includeStopStrInOutput ? end : end - completed.length());
                held.setLength(0);
                return true;
            }
        }
        release(held.length() - (includeStopStrInOutput ? 0 : longestMatch()));
        return false;
    }

    /** Reads one character of text; the longest stop string that ends with it, or null. */
    private @Nullable String advance(char c) {
        String completed = null;
        for (int s = 0; s < matched.length; s++) {
            String candidate = stops.get(s);
            int length = matched[s];
            if (length == candidate.length()) {
                length = borders[s][length - 1];
            }
            while (length > 0 && candidate.charAt(length) != c) {
                length = borders[s][length - 1];
            }
            matched[s] = candidate.charAt(length) == c ? length + 1 : 0;
            if (matched[s] == candidate.length() && (completed == null || completed.length() < matched[s])) {
                completed = candidate;
            }
        }
        return completed;
    }

    /** How much of the text's end could still become a stop string. */
    private int longestMatch() {
        int longest = 0;
        for (int s = 0; s < matched.length; s++) {
            // A complete one that did not count may go on as the start of its next occurrence.
            boolean complete = matched[s] == stops.get(s).length();
            longest = Math.max(longest, complete ? borders[s][matched[s] - 1] : matched[s]);
        }
        return longest;
    }

    private void release(int numChars) {
        if (numChars > 0) {
            pass(held.substring(0, numChars));
            held.delete(0, numChars);
        }
    }

    private void pass(String text) {
        passed = passed.isEmpty() ? text : passed + text;
    }

    /** The stop string that ended the text, or null. */
    public @Nullable String stop() {
        return stop;
    }

    /** Releases what is held back: the sequence has ended for another reason. */
    public void finish() {
        release(held.length());
    }

    /** The text let through since the last call; empty when there is none. */
    public String takeText() {
        String text = passed;
        passed = "";
        return text;
    }

    private static boolean isText(String stop) {
        return stop.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    private static int[] borders(String stop) {
        if (stop.isEmpty()) {
            throw new IllegalArgumentException("a stop string is empty");
        }
        int[] borders = new int[stop.length()];
        int length = 0;
        for (int i = 1; i < borders.length; i++) {
            while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
                length = borders[length - 1];
            }
            length += stop.charAt(i) == stop.charAt(length) ? 1 : 0;
            borders[i] = length;
        }
        return borders;
    }
}
