package dev.quire.frontend;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sampling and output values of a request as its sender wrote them: nothing is checked yet, and null means that it
 * was not given. Names are the API's.
 */
public final class SamplingOptions {
    @Nullable
    Integer n;

    @Nullable
    Double temperature;

    @Nullable
    Double topP;

    @Nullable
    Integer topK;

    @Nullable
    Double minP;

    @Nullable
    Double presencePenalty;

    @Nullable
    Double frequencyPenalty;

    @Nullable
    Double repetitionPenalty;

    @Nullable
    Long seed;

    @Nullable
    Integer maxTokens;

    @Nullable
    Integer minTokens;

    @Nullable
    Integer logprobs;

    @Nullable
    Integer promptLogprobs;

    @Nullable
    Integer truncatePromptTokens;

    @Nullable
    String truncationSide;

    @Nullable
    Integer priority;

    @Nullable
    String cacheSalt;

    List<String> stop = List.of();
    int[] stopTokenIds = {};
    int @Nullable [] allowedTokenIds;
    Map<String, Double> logitBias = Map.of();
    boolean ignoreEos;
    boolean includeStopString;
    boolean skipSpecialTokens = true;
    boolean spacesBetweenSpecialTokens = true;
    boolean tokensAsIds;

    public SamplingOptions n(@Nullable Integer value) {
        n = value;
        return this;
    }

    public SamplingOptions temperature(@Nullable Double value) {
        temperature = value;
        return this;
    }

    public SamplingOptions topP(@Nullable Double value) {
        topP = value;
        return this;
    }

    public SamplingOptions topK(@Nullable Integer value) {
        topK = value;
        return this;
    }

    public SamplingOptions minP(@Nullable Double value) {
        minP = value;
        return this;
    }

    public SamplingOptions presencePenalty(@Nullable Double value) {
        presencePenalty = value;
        return this;
    }

    public SamplingOptions frequencyPenalty(@Nullable Double value) {
        frequencyPenalty = value;
        return this;
    }

    public SamplingOptions repetitionPenalty(@Nullable Double value) {
        repetitionPenalty = value;
        return this;
    }

    /** -1 is no seed. */
    public SamplingOptions seed(@Nullable Long value) {
        seed = value;
        return this;
    }

    /** Null: all that the context leaves. */
    public SamplingOptions maxTokens(@Nullable Integer value) {
        maxTokens = value;
        return this;
    }

    public SamplingOptions minTokens(@Nullable Integer value) {
        minTokens = value;
        return this;
    }

    /** Most probable tokens to report for each generated one; -1: the vocabulary. */
    public SamplingOptions logprobs(@Nullable Integer value) {
        logprobs = value;
        return this;
    }

    /** The same for each prompt token. */
    public SamplingOptions promptLogprobs(@Nullable Integer value) {
        promptLogprobs = value;
        return this;
    }

    /** Keep so many tokens of the prompt; -1: as many as fit. */
    public SamplingOptions truncatePromptTokens(@Nullable Integer value) {
        truncatePromptTokens = value;
        return this;
    }

    /** {@code left} drops the beginning, {@code right} the end. */
    public SamplingOptions truncationSide(@Nullable String value) {
        truncationSide = value;
        return this;
    }

    public SamplingOptions priority(@Nullable Integer value) {
        priority = value;
        return this;
    }

    public SamplingOptions cacheSalt(@Nullable String value) {
        cacheSalt = value;
        return this;
    }

    public SamplingOptions stop(List<String> value) {
        stop = value;
        return this;
    }

    public SamplingOptions stopTokenIds(int[] value) {
        stopTokenIds = value;
        return this;
    }

    public SamplingOptions allowedTokenIds(int @Nullable [] value) {
        allowedTokenIds = value;
        return this;
    }

    /** By token id in decimal. */
    public SamplingOptions logitBias(Map<String, Double> value) {
        logitBias = value;
        return this;
    }

    public SamplingOptions ignoreEos(boolean value) {
        ignoreEos = value;
        return this;
    }

    public SamplingOptions includeStopString(boolean value) {
        includeStopString = value;
        return this;
    }

    public SamplingOptions skipSpecialTokens(boolean value) {
        skipSpecialTokens = value;
        return this;
    }

    public SamplingOptions spacesBetweenSpecialTokens(boolean value) {
        spacesBetweenSpecialTokens = value;
        return this;
    }

    /** Write {@code token_id:123} for a token's text in logprobs. */
    public SamplingOptions tokensAsIds(boolean value) {
        tokensAsIds = value;
        return this;
    }
}
