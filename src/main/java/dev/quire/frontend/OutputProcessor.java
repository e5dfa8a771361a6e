package dev.quire.frontend;

import dev.quire.request.FinishReason;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenLogprobs;
import dev.quire.tokenizer.IncrementalDetokenizer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns one sequence's tokens into text, piece by piece, and knows when and why it ended.
 *
 * <p>A token that ends the sequence by itself counts, has logprobs, and leaves no text unless the stop string is to be
 * included. Tokens after the end are ignored. Not thread-safe: one event loop calls it, never the engine thread.
 */
public final class OutputProcessor {
    private final ValidRequest request;
    private final IncrementalDetokenizer detokenizer;
    private final StopStrings stopStrings;
    private final StringBuilder text = new StringBuilder();

    private List<TokenLogprobs> logprobs = new ArrayList<>();
    private int numTokens;
    private @Nullable FinishReason finishReason;
    private int stopTokenId = -1;

    /** @param promptIds the request's prompt, shared by its sequences and not changed */
    public OutputProcessor(ServedModel model, ValidRequest request, int[] promptIds) {
        OutputOptions options = request.output();
        this.request = request;
        this.detokenizer = model.tokenizer()
                .detokenizer(promptIds, options.skipSpecialTokens(), options.spacesBetweenSpecialTokens());
        this.stopStrings = new StopStrings(
                options.stop(), options.includeStopString(), request.params().minTokens());
    }

    /**
     * Takes the next token.
     *
     * @return whether this token completed a stop string: the engine does not know, and is to be told
     */
    public boolean append(int tokenId, @Nullable TokenLogprobs tokenLogprobs) {
        if (isFinished()) {
            return false;
        }
        numTokens++;
        if (tokenLogprobs != null && request.output().numTopLogprobs() >= 0) {
            logprobs.add(tokenLogprobs);
        }
        if (!request.output().includeStopString() && request.isTerminal(tokenId)) {
            return false;
        }
        detokenizer.append(tokenId);
        if (!detokenizer.hasText()) {
            return false;
        }
        boolean stopped = stopStrings.append(detokenizer.takeText(), numTokens);
        text.append(stopStrings.takeText());
        if (stopped) {
            finishReason = FinishReason.STOP;
        }
        return stopped;
    }

    /** The engine ended the sequence: releases what was held back. No effect after a stop string. */
    public void finish(SequenceResult result) {
        if (isFinished()) {
            return;
        }
        finishReason = result.reason();
        stopTokenId = result.stopTokenId();
        detokenizer.finish();
        if (detokenizer.hasText()) {
            stopStrings.append(detokenizer.takeText(), numTokens);
        }
        stopStrings.finish();
        text.append(stopStrings.takeText());
    }

    /** Whether {@link #takeText()} would return more than the empty string. */
    public boolean hasText() {
        return text.length() > 0;
    }

    /** The text since the last call; never ends inside a character. */
    public String takeText() {
        String taken = text.toString();
        text.setLength(0);
        return taken;
    }

    /** The logprobs since the last call; empty when none were asked. */
    public List<TokenLogprobs> takeLogprobs() {
        if (logprobs.isEmpty()) {
            return List.of();
        }
        List<TokenLogprobs> taken = logprobs;
        logprobs = new ArrayList<>();
        return taken;
    }

    public boolean isFinished() {
        return finishReason != null;
    }

    /** Null while it runs. */
    public @Nullable FinishReason finishReason() {
        return finishReason;
    }

    /** The stop string that ended it, or null. */
    public @Nullable String stopString() {
        return stopStrings.stop();
    }

    /** The id of {@code stop_token_ids} that ended it, or -1. */
    public int stopTokenId() {
        return stopTokenId;
    }

    /** Generated tokens up to the end, the ending one included. */
    public int numTokens() {
        return numTokens;
    }
}
