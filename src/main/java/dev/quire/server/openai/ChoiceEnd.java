package dev.quire.server.openai;

import dev.quire.frontend.OutputProcessor;
import dev.quire.request.FinishReason;
import dev.quire.request.TokenIds;
import dev.quire.server.JsonOut;
import org.jspecify.annotations.Nullable;

/** The fields that say why a choice ended, and its token ids. */
final class ChoiceEnd {
    private ChoiceEnd() {}

    /** {@code ,"finish_reason":…,"stop_reason":…}; {@code reason} null while it runs. */
    static void write(JsonOut out, OutputProcessor output, @Nullable String reason) {
        out.raw(",\"finish_reason\":").string(reason).raw(",\"stop_reason\":");
        if (output.stopString() != null) {
            out.string(output.stopString());
        } else if (output.stopTokenId() >= 0) {
            out.number(output.stopTokenId());
        } else {
            out.raw("null");
        }
    }

    /** The API's word for how the output ended, or null. */
    static @Nullable String word(OutputProcessor output) {
        FinishReason reason = output.finishReason();
        return reason == null ? null : reason.label();
    }

    /** A list of ids, or null. */
    static void ids(JsonOut out, @Nullable TokenIds ids) {
        if (ids == null) {
            out.raw("null");
            return;
        }
        out.raw("[");
        for (int i = 0; i < ids.length(); i++) {
            out.raw(i == 0 ? "" : ",").number(ids.get(i));
        }
        out.raw("]");
    }
}
