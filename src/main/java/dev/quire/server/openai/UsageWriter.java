package dev.quire.server.openai;

import dev.quire.server.JsonOut;
import java.util.List;

/** The {@code usage} object. */
final class UsageWriter {
    private final boolean details;

    /** @param details report cached prompt tokens */
    UsageWriter(boolean details) {
        this.details = details;
    }

    /** Of the whole answer. */
    void total(JsonOut out, List<PromptRun> runs) {
        int numPrompt = 0;
        int numCompletion = 0;
        int numCached = 0;
        for (PromptRun run : runs) {
            numPrompt += run.numPromptTokens();
            numCompletion += run.numCompletionTokens();
            numCached += run.numCachedTokens();
        }
        counts(out, numPrompt, numCompletion);
        out.raw(",\"prompt_tokens_details\":");
        if (details) {
            out.raw("{\"cached_tokens\":").number(numCached).raw("}");
        } else {
            out.raw("null");
        }
        out.raw("}");
    }

    /** Of one choice so far. */
    void soFar(JsonOut out, PromptRun run, Choice choice) {
        counts(out, run.numPromptTokens(), choice.output().numTokens());
        out.raw("}");
    }

    private static void counts(JsonOut out, int numPrompt, int numCompletion) {
        out.raw("{\"prompt_tokens\":")
                .number(numPrompt)
                .raw(",\"total_tokens\":")
                .number(numPrompt + (long) numCompletion)
                .raw(",\"completion_tokens\":")
                .number(numCompletion);
    }
}
