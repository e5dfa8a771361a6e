package dev.quire.tokenizer;

import java.util.Arrays;

/**
 * Decodes UTF-8 byte by byte into a reusable buffer of characters.
 *
 * <p>Invalid input becomes one U+FFFD for each maximal subpart (Unicode 15, section 3.9), which is what the reference
 * decoder gives for the whole input, so any split of the input gives the same text.
 */
final class Utf8Text {
    static final char REPLACEMENT = '\uFFFD';

    private char[] chars = new char[64];
    private int length;

    /** Continuation bytes that the current character still needs, and the range of the next one. */
    private int numMissing;

    private int low;
    private int high;
    private int codePoint;

    /** Characters equal to {@link #stripped} that are still dropped at the very start of the text. */
    private int numToStrip;

    private final char stripped;

    Utf8Text(char stripped, int numToStrip) {
        this.stripped = stripped;
        this.numToStrip = numToStrip;
    }

    void append(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            append(bytes[i] & 0xFF);
        }
    }

    void append(int unsignedByte) {
        if (numMissing > 0) {
            if (accepts(unsignedByte)) {
                codePoint = codePoint << 6 | unsignedByte & 0x3F;
                low = 0x80;
                high = 0xBF;
                if (--numMissing == 0) {
                    putCodePoint();
                }
                return;
            }
            numMissing = 0;
            put(REPLACEMENT);
        }
        if (unsignedByte < 0x80) {
            put((char) unsignedByte);
        } else if (!isLead(unsignedByte)) {
            put(REPLACEMENT);
        } else {
            startCharacter(unsignedByte);
        }
    }

    /** Whether the byte continues the current character, or may start one when none is open. */
    boolean accepts(int unsignedByte) {
        if (numMissing > 0) {
            return unsignedByte >= low && unsignedByte <= high;
        }
        return unsignedByte < 0x80 || isLead(unsignedByte);
    }

    boolean insideCharacter() {
        return numMissing > 0;
    }

    /** Forgets the open character without a trace. */
    void dropCharacter() {
        numMissing = 0;
    }

    /** An open character becomes U+FFFD. */
    void finish() {
        if (numMissing > 0) {
            numMissing = 0;
            put(REPLACEMENT);
        }
    }

    void put(char c) {
        if (numToStrip > 0) {
            if (c == stripped) {
                numToStrip--;
                return;
            }
            numToStrip = 0;
        }
        if (length == chars.length) {
            chars = Arrays.copyOf(chars, 2 * length);
        }
        chars[length++] = c;
    }

    boolean stripDone() {
        return numToStrip == 0;
    }

    boolean isEmpty() {
        return length == 0;
    }

    String take() {
        if (length == 0) {
            return "";
        }
        String text = new String(chars, 0, length);
        length = 0;
        return text;
    }

    void clear() {
        length = 0;
    }

    private void putCodePoint() {
        if (codePoint < 0x10000) {
            put((char) codePoint);
        } else {
            put(Character.highSurrogate(codePoint));
            put(Character.lowSurrogate(codePoint));
        }
    }

    private static boolean isLead(int b) {
        return b >= 0xC2 && b <= 0xF4;
    }

    /** The second byte's range excludes overlong forms, surrogates and values above U+10FFFF (Unicode 15, table 3-7). */
    private void startCharacter(int lead) {
        low = 0x80;
        high = 0xBF;
        if (lead < 0xE0) {
            numMissing = 1;
            codePoint = lead & 0x1F;
        } else if (lead < 0xF0) {
            numMissing = 2;
            codePoint = lead & 0x0F;
            low = lead == 0xE0 ? 0xA0 : low;
            high = lead == 0xED ? 0x9F : high;
        } else {
            numMissing = 3;
            codePoint = lead & 0x07;
            low = lead == 0xF0 ? 0x90 : low;
            high = lead == 0xF4 ? 0x8F : high;
        }
    }
}
