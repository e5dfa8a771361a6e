package dev.quire.tokenizer;

/**
 * The text of one growing sequence, handed out in pieces that never end inside a character.
 *
 * <p>After {@link #finish()} the pieces together are what decoding prompt and generated ids adds to the decoded prompt.
 * One exception, chosen for latency: where a vocabulary spells bytes as tokens ({@code <0x0A>}), a full decode turns a
 * run of byte tokens into replacement characters as a whole when any part of it is invalid; characters of such a run
 * that were complete when they came have been handed out and stay.
 *
 * <p>Not thread-safe. {@link #append} allocates nothing but room for the text.
 */
public sealed interface IncrementalDetokenizer
        permits ByteLevelDetokenizer, SentencePieceDetokenizer, WindowDetokenizer {

    /** Takes the next generated id. */
    void append(int id);

    /** Whether {@link #takeText()} would return more than the empty string. */
    boolean hasText();

    /** The complete characters since the last call; empty when there are none. */
    String takeText();

    /** Ends the sequence: what is left of an incomplete character becomes U+FFFD. */
    void finish();
}
