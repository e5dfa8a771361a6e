package dev.quire.server.openai;

import dev.quire.engine.EngineClient;
import dev.quire.frontend.TokenInbox;
import dev.quire.frontend.ValidRequest;
import dev.quire.frontend.Wakeup;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenLogprobs;
import dev.quire.server.ops.ServingMetrics;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One prompt in the engine and its choices. Event loop only. */
final class PromptRun implements TokenInbox.Reader {
    /** Tokens a sequence may have waiting before its request is given up. */
    private static final int MAX_WAITING_TOKENS = 4096;

    private final EngineClient engine;
    private final ServingMetrics metrics;
    private final ValidRequest valid;
    private final TokenInbox inbox;
    private final GenerationRequest request;
    private final List<Choice> choices;
    private List<@Nullable TokenLogprobs> promptLogprobs = List.of();
    private int numCachedTokens;
    private int numEnded;
    private int maxGeneratedTokens;
    private @Nullable String failure;

    /** @param choices one a sequence */
    PromptRun(
            EngineClient engine,
            ServingMetrics metrics,
            ValidRequest valid,
            List<Choice> choices,
            String id,
            long arrivalNanos,
            Wakeup wakeup) {
        this.engine = engine;
        this.metrics = metrics;
        this.valid = valid;
        this.choices = choices;
        this.inbox = new TokenInbox(choices.size(), MAX_WAITING_TOKENS * choices.size(), wakeup);
        this.request = valid.toGeneration(id, arrivalNanos, inbox);
    }

    GenerationRequest request() {
        return request;
    }

    ValidRequest valid() {
        return valid;
    }

    List<Choice> choices() {
        return choices;
    }

    void drain() {
        inbox.drain(this);
    }

    boolean overflowed() {
        return inbox.overflowed();
    }

    @Override
    public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs, long nanos) {
        Choice choice = choices.get(index);
        if (choice.lastTokenNanos == 0) {
            metrics.firstToken(nanos - request.arrivalNanos());
        } else {
            metrics.interToken(nanos - choice.lastTokenNanos);
        }
        choice.lastTokenNanos = nanos;
        if (choice.append(tokenId, logprobs)) {
            engine.finish(request, index);
        }
    }

    @Override
    public void finished(int index, SequenceResult result) {
        numEnded++;
        numCachedTokens = Math.max(numCachedTokens, result.numCachedTokens());
        maxGeneratedTokens = Math.max(maxGeneratedTokens, result.numGeneratedTokens());
        metrics.sequenceFinished(result);
        if (numEnded == choices.size()) {
            metrics.requestFinished(valid.params(), maxGeneratedTokens);
        }
        if (result.reason() == FinishReason.ERROR
                && !choices.get(index).output().isFinished()) {
            failure = "The engine could not compute this sequence.";
        }
        choices.get(index).output().finish(result);
    }

    @Override
    public void failed(String cause) {
        failure = cause;
    }

    @Override
    public void promptLogprobs(List<@Nullable TokenLogprobs> positions) {
        promptLogprobs = positions;
    }

    /** What went wrong, or null. */
    @Nullable
    String failure() {
        return failure;
    }

    /** Whether all choices are complete as the client sees them. */
    boolean isComplete() {
        for (Choice choice : choices) {
            if (!choice.output().isFinished()) {
                return false;
            }
        }
        return true;
    }

    /** Whether the engine is done with every sequence. */
    boolean hasEnded() {
        return numEnded == choices.size();
    }

    int numPromptTokens() {
        return valid.prompt().length();
    }

    /** Known when the first sequence has ended in the engine. */
    int numCachedTokens() {
        return numCachedTokens;
    }

    int numCompletionTokens() {
        int sum = 0;
        for (Choice choice : choices) {
            sum += choice.output().numTokens();
        }
        return sum;
    }

    /** Empty unless asked; the first entry is null. */
    List<@Nullable TokenLogprobs> promptLogprobs() {
        return promptLogprobs;
    }
}
