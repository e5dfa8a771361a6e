package dev.quire.tokenizer;

import java.util.Arrays;

/**
 * Any decoder: decodes the last tokens again with each new one and hands out what is new.
 *
 * <p>The window starts with tokens whose text is already out, because a decoder may need their company (a leading space,
 * a joined word); they move on with each piece of text, so a token costs the decoding of a few.
 */
final class WindowDetokenizer implements IncrementalDetokenizer {
    private static final int MIN_CONTEXT = 6;

    /** A text that ends in U+FFFD for so many tokens is no character to come: it is handed out as it is. */
    private static final int MAX_HELD_TOKENS = 16;

    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private final boolean spacesBetweenSpecialTokens;
    private final StringBuilder text = new StringBuilder();

    /** The window: the text of {@code ids[0..numRead)}, {@link #readText}, is out. */
    private int[] ids = new int[2 * MAX_HELD_TOKENS];

    private int numIds;
    private int numRead;
    private String readText = "";
    private boolean lastWasSpecial;

    WindowDetokenizer(
            Tokenizer tokenizer, int[] promptIds, boolean skipSpecialTokens, boolean spacesBetweenSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        this.spacesBetweenSpecialTokens = skipSpecialTokens || spacesBetweenSpecialTokens;
        continueFrom(promptIds);
    }

    private void continueFrom(int[] promptIds) {
        int numContext = Math.min(MIN_CONTEXT, promptIds.length);
        while (numContext < promptIds.length && isUnfit(textOfLast(numContext, promptIds), numContext)) {
            numContext = Math.min(2 * numContext, promptIds.length);
        }
        System.arraycopy(promptIds, promptIds.length - numContext, room(numContext), 0, numContext);
        numIds = numContext;
        numRead = numContext;
        // The character that the prompt leaves open belongs to the generated text.
        readText = decode(numRead).replaceAll(Utf8Text.REPLACEMENT + "+$", "");
    }

    /** A context must have text and should not start inside a character. */
    private static boolean isUnfit(String context, int numContext) {
        boolean startsInside = !context.isEmpty() && context.charAt(0) == Utf8Text.REPLACEMENT;
        return startsInside && numContext <= MAX_HELD_TOKENS
                || context.chars().allMatch(c -> c == Utf8Text.REPLACEMENT);
    }

    private String textOfLast(int numTokens, int[] promptIds) {
        return tokenizer.decode(promptIds, promptIds.length - numTokens, promptIds.length, skipSpecialTokens);
    }

    private int[] room(int size) {
        if (size > ids.length) {
            ids = Arrays.copyOf(ids, 2 * size);
        }
        return ids;
    }

    private String decode(int numTokens) {
        return tokenizer.decode(ids, 0, numTokens, skipSpecialTokens);
    }

    @Override
    public void append(int id) {
        boolean special = tokenizer.isSpecial(id);
        if (special && skipSpecialTokens) {
            return;
        }
        room(numIds + 1)[numIds++] = id;
        String windowText = decode(numIds);
        boolean overdue = numIds - numRead > MAX_HELD_TOKENS;
        if (special && lastWasSpecial && !spacesBetweenSpecialTokens) {
            emit(windowText, tokenizer.idToToken(id));
        } else if (windowText.length() > readText.length()) {
            if (overdue || !endsOpen(windowText)) {
                emit(windowText, windowText.substring(readText.length()));
            }
        } else if (overdue) {
            numIds = numRead;
        }
        lastWasSpecial = special;
    }

    /** Hands out {@code newText}; the tokens that gave it become the new context. */
    private void emit(String windowText, String newText) {
        text.append(newText);
        int numOld = numRead;
        System.arraycopy(ids, numOld, ids, 0, numIds - numOld);
        numIds -= numOld;
        numRead = numIds;
        readText = numOld == 0 ? windowText : decode(numRead);
    }

    private static boolean endsOpen(String windowText) {
        return !windowText.isEmpty() && windowText.charAt(windowText.length() - 1) == Utf8Text.REPLACEMENT;
    }

    @Override
    public boolean hasText() {
        return text.length() > 0;
    }

    @Override
    public String takeText() {
        if (text.length() == 0) {
            return "";
        }
        String taken = text.toString();
        text.setLength(0);
        return taken;
    }

    @Override
    public void finish() {
        String windowText = decode(numIds);
        if (windowText.length() > readText.length()) {
            emit(windowText, windowText.substring(readText.length()));
        }
    }
}
