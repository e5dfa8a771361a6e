package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How tokens become text: the {@code decoder} of a {@code tokenizer.json}, reduced to what the incremental detokenizers
 * need.
 *
 * @param family which detokenizer understands it
 * @param replacements what is replaced in every piece, in order
 * @param byteFallback whether {@code <0x0A>} is a byte
 * @param strippedChar the character dropped at the start of a text, at most {@code numStripped} times
 * @param dropsFirstMarkers whether the first token loses all its space markers (the {@code Metaspace} decoder)
 */
record TokenDecoder(
        Family family,
        List<Replacement> replacements,
        boolean byteFallback,
        char strippedChar,
        int numStripped,
        boolean dropsFirstMarkers) {

    enum Family {
        /** Pieces spell bytes in the byte-level alphabet. */
        BYTE_LEVEL,
        /** Pieces are text with a marker for the space, perhaps with byte tokens. */
        SENTENCE_PIECE,
        /** Everything else, such as WordPiece. */
        OTHER
    }

    record Replacement(String pattern, String content) {}

    /**
     * One step of the decoder as the file has it; fields that its type does not have are at their defaults.
     *
     * @param pattern null when absent or a regular expression
     */
    record Step(
            String type,
            @Nullable String pattern,
            String content,
            int start,
            int stop,
            String replacement,
            boolean prependsSpace) {}

    private static final int NUM_BYTES = 256;

    /** From a character of the byte-level alphabet to its byte; −1 for other characters. */
    private static final short[] BYTE_OF_CHAR = byteOfChar();

    TokenDecoder {
        replacements = List.copyOf(replacements);
    }

    static TokenDecoder other() {
        return new TokenDecoder(Family.OTHER, List.of(), false, ' ', 0, false);
    }

    /** The decoder of these steps in order; an unknown arrangement is {@link Family#OTHER}. */
    static TokenDecoder of(List<Step> steps) {
        List<Step> rest =
                steps.stream().filter(step -> !step.type().equals("Fuse")).toList();
        boolean fused = rest.size() < steps.size();
        if (rest.size() == 1 && rest.get(0).type().equals("ByteLevel")) {
            return new TokenDecoder(Family.BYTE_LEVEL, List.of(), false, ' ', 0, false);
        }
        if (rest.size() == 1 && rest.get(0).type().equals("Metaspace") && !fused) {
            Step metaspace = rest.get(0);
            List<Replacement> marker = List.of(new Replacement(metaspace.replacement(), " "));
            return new TokenDecoder(Family.SENTENCE_PIECE, marker, false, ' ', 0, metaspace.prependsSpace());
        }
        return sentencePiece(steps);
    }

    /** Replace*, ByteFallback?, Fuse?, Strip? (only behind Fuse does it mean the start of the text). */
    private static TokenDecoder sentencePiece(List<Step> steps) {
        int next = 0;
        List<Replacement> replacements = new ArrayList<>();
        while (next < steps.size()
                && steps.get(next).type().equals("Replace")
                && steps.get(next).pattern() != null) {
            Step replace = steps.get(next++);
            replacements.add(new Replacement(Objects.requireNonNull(replace.pattern()), replace.content()));
        }
        boolean byteFallback = next < steps.size() && steps.get(next).type().equals("ByteFallback");
        next += byteFallback ? 1 : 0;
        boolean fused = next < steps.size() && steps.get(next).type().equals("Fuse");
        next += fused ? 1 : 0;
        char strippedChar = ' ';
        int numStripped = 0;
        if (fused && next < steps.size() && stripsStartOnly(steps.get(next))) {
            strippedChar = steps.get(next).content().charAt(0);
            numStripped = steps.get(next++).start();
        }
        if (next < steps.size() || steps.isEmpty()) {
            return other();
        }
        return new TokenDecoder(Family.SENTENCE_PIECE, replacements, byteFallback, strippedChar, numStripped, false);
    }

    private static boolean stripsStartOnly(Step step) {
        return step.type().equals("Strip") && step.stop() == 0 && step.content().length() == 1;
    }

    /** The bytes a piece adds in the middle of a text. */
    byte[] bytesOf(String piece) {
        if (family == Family.BYTE_LEVEL) {
            return byteLevelBytes(piece);
        }
        String text = piece;
        for (Replacement replacement : replacements) {
            text = text.replace(replacement.pattern(), replacement.content());
        }
        int value = byteFallback ? byteValue(text) : -1;
        return value >= 0 ? new byte[] {(byte) value} : text.getBytes(StandardCharsets.UTF_8);
    }

    /** The bytes of a text's first piece where {@link #dropsFirstMarkers}. */
    byte[] bytesWithoutMarkers(String piece) {
        String text = piece;
        for (Replacement replacement : replacements) {
            text = text.replace(replacement.pattern(), "");
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether a piece is a byte token such as {@code <0x0A>}. */
    boolean isByteToken(String piece) {
        return byteFallback && byteValue(piece) >= 0;
    }

    private static int byteValue(String piece) {
        if (piece.length() != 6 || !piece.startsWith("<0x") || piece.charAt(5) != '>') {
            return -1;
        }
        int high = Character.digit(piece.charAt(3), 16);
        int low = Character.digit(piece.charAt(4), 16);
        return high < 0 || low < 0 ? -1 : 16 * high + low;
    }

    /** A piece with a character outside the alphabet (an added token) stands for itself. */
    private static byte[] byteLevelBytes(String piece) {
        byte[] bytes = new byte[piece.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = piece.charAt(i);
            if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) {
                return piece.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTE_OF_CHAR[c];
        }
        return bytes;
    }

    /** GPT-2's alphabet: printable Latin-1 bytes are their own characters, the others follow from U+0100 in order. */
    private static short[] byteOfChar() {
        short[] table = new short[NUM_BYTES + 68];
        Arrays.fill(table, (short) -1);
        int next = NUM_BYTES;
        for (int b = 0; b < NUM_BYTES; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            table[printable ? b : next++] = (short) b;
        }
        return table;
    }
}
