package dev.quire.server.openai;

import dev.quire.frontend.HermesToolCalls;
import dev.quire.frontend.OutputProcessor;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One choice of an answer: a sequence's output and how much of it has been written. */
final class Choice {
    private static final int INITIAL_IDS = 64;

    private final int index;
    private final OutputProcessor output;
    private final @Nullable HermesToolCalls toolCalls;
    private final boolean keepsIds;
    private int[] ids = {};
    private int numIds;

    /** Time of the latest token, 0 before the first. */
    long lastTokenNanos;
    /** Code points of the logprobs' tokens written so far. */
    int textOffset;
    /** Tool calls written so far. */
    int numToolCalls;
    /** A chunk has been written. */
    boolean begun;
    /** The last chunk has been written. */
    boolean ended;

    /** @param toolCalls null when the answer cannot contain any */
    Choice(int index, OutputProcessor output, @Nullable HermesToolCalls toolCalls, boolean keepsIds) {
        this.index = index;
        this.output = output;
        this.toolCalls = toolCalls;
        this.keepsIds = keepsIds;
    }

    /** Takes a token; whether it completed a stop string. */
    boolean append(int tokenId, @Nullable TokenLogprobs logprobs) {
        if (keepsIds && !output.isFinished()) {
            if (numIds == ids.length) {
                ids = Arrays.copyOf(ids, Math.max(INITIAL_IDS, 2 * numIds));
            }
            ids[numIds++] = tokenId;
        }
        return output.append(tokenId, logprobs);
    }

    int index() {
        return index;
    }

    OutputProcessor output() {
        return output;
    }

    @Nullable
    HermesToolCalls toolCalls() {
        return toolCalls;
    }

    /** The ids since the last call, or null when they are not asked for. */
    @Nullable
    TokenIds takeIds() {
        if (!keepsIds) {
            return null;
        }
        TokenIds taken = TokenIds.of(ids, 0, numIds);
        numIds = 0;
        return taken;
    }
}
