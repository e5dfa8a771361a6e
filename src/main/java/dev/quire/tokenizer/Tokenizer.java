package dev.quire.tokenizer;

/**
 * Turns text into token ids and ids into text; safe for any number of threads.
 *
 * <p>Ids run from 0 to {@link #vocabSize()} − 1, added tokens included. A model may score more ids than its tokenizer
 * knows (a padded vocabulary): such ids decode to nothing, are not special and have no bytes.
 */
public interface Tokenizer {

    /**
     * The ids of a text; special tokens written out in it become their ids.
     *
     * @param addSpecialTokens whether the tokenizer's own frame (for example the beginning-of-sequence token) is added
     */
    int[] encode(String text, boolean addSpecialTokens);

    /** The text of {@code ids[from..to)}; bytes that are no valid UTF-8 become U+FFFD. */
    String decode(int[] ids, int from, int to, boolean skipSpecialTokens);

    /** The text of all {@code ids}. */
    default String decode(int[] ids, boolean skipSpecialTokens) {
        return decode(ids, 0, ids.length, skipSpecialTokens);
    }

    /** One more than the highest id that has a token. */
    int vocabSize();

    /** The token as the vocabulary spells it (for example {@code Ġthe}); empty when the id has none. */
    String idToToken(int id);

    /** The id of a token as the vocabulary spells it, or −1. */
    int tokenToId(String token);

    /** Whether the id is a special token, which {@code skipSpecialTokens} leaves out. */
    boolean isSpecial(int id);

    /**
     * The bytes this token adds in the middle of a text, in a new array; empty when the id has no token.
     *
     * <p>For byte-level vocabularies and byte tokens these may be a part of a UTF-8 character.
     */
    byte[] tokenBytes(int id);

    /**
     * A detokenizer for one sequence that continues {@code promptIds}.
     *
     * @param spacesBetweenSpecialTokens false suppresses the spaces that some decoders put between special tokens; only
     *     of effect when these are not skipped
     */
    default IncrementalDetokenizer detokenizer(
            int[] promptIds, boolean skipSpecialTokens, boolean spacesBetweenSpecialTokens) {
        return new WindowDetokenizer(this, promptIds, skipSpecialTokens, spacesBetweenSpecialTokens);
    }
}
