package dev.quire.frontend;

import dev.quire.chat.ChatTemplates;
import dev.quire.request.TokenIds;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The one model this process serves, as the front end needs to know it.
 *
 * @param names accepted in {@code model}, at least one; the first is answered and labels the metrics
 * @param root path or hub name it was loaded from
 * @param createdSeconds Unix time of the load
 * @param maxModelLen prompt and generated tokens of one sequence at most
 * @param chatTemplates null when the model has none: chat requests are refused
 * @param defaults of sampling
 * @param eosTokenIds end-of-sequence ids; may be empty
 * @param vocabSize token ids the model scores
 * @param limits of one request
 * @param toolCallFormat {@link ToolCallFormat#NONE} refuses requests that let the model choose tools
 */
public record ServedModel(
        List<String> names,
        String root,
        long createdSeconds,
        int maxModelLen,
        Tokenizer tokenizer,
        @Nullable ChatTemplates chatTemplates,
        SamplingDefaults defaults,
        TokenIds eosTokenIds,
        int vocabSize,
        ServingLimits limits,
        ToolCallFormat toolCallFormat) {
    public ServedModel {
        names = List.copyOf(names);
        if (names.isEmpty()) {
            throw new IllegalArgumentException("a served model needs a name");
        }
    }

    /** The name that answers carry. */
    public String name() {
        return names.get(0);
    }
}
