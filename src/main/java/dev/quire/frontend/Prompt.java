package dev.quire.frontend;

import dev.quire.request.TokenIds;

/** What a completion continues. */
public sealed interface Prompt {
    /** To be tokenized. */
    record Text(String text) implements Prompt {}

    /** Already token ids, not checked yet. */
    record Ids(TokenIds ids) implements Prompt {}
}
