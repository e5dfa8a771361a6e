package dev.quire.frontend;

import dev.quire.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;

/** How single tokens are written in logprobs: their text in the middle of a sentence, or {@code token_id:123}. */
public final class TokenText {
    private final Tokenizer tokenizer;
    private final boolean asIds;

    public TokenText(ServedModel model, boolean asIds) {
        this.tokenizer = model.tokenizer();
        this.asIds = asIds;
    }

    /** The token's text; U+FFFD stands for a part of a character. */
    public String text(int id) {
        return asIds ? "token_id:" + id : new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8);
    }

    /** The token's own bytes, whole characters or not. */
    public byte[] bytes(int id) {
        return tokenizer.tokenBytes(id);
    }
}
