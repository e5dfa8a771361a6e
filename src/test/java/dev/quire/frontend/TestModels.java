package dev.quire.frontend;

import dev.quire.request.TokenIds;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;

/** Served models for tests. */
final class TestModels {
    private TestModels() {}

    static ServedModel served(Tokenizer tokenizer, int maxModelLen) {
        return served(tokenizer, maxModelLen, SamplingDefaults.none());
    }

    static ServedModel served(Tokenizer tokenizer, int maxModelLen, SamplingDefaults defaults) {
        return new ServedModel(
                List.of("tiny", "alias"),
                "/models/tiny",
                1,
                maxModelLen,
                tokenizer,
                null,
                defaults,
                TokenIds.of(ByteTokenizer.EOS),
                ByteTokenizer.VOCAB_SIZE,
                ServingLimits.of(5),
                ToolCallFormat.NONE);
    }
}
