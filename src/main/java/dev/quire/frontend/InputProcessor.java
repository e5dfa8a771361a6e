package dev.quire.frontend;

import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * API values to a {@link ValidRequest}: applies the chat template, tokenizes, fills in defaults, checks every limit.
 *
 * <p>Throws {@link InvalidRequest}, never anything else, for what a sender can do wrong. Safe for any number of threads;
 * a long prompt takes milliseconds, so event loops hand it to a worker.
 */
public final class InputProcessor {
    private static final int FIT = -1;

    private final ServedModel model;
    private final SamplingResolver sampling;
    private final ChatRendering rendering;

    /** Bytes of the longest token; found when first needed. */
    private int maxTokenBytes;

    public InputProcessor(ServedModel model) {
        this.model = model;
        this.sampling = new SamplingResolver(model);
        this.rendering = new ChatRendering(model.chatTemplates());
    }

    public ServedModel model() {
        return model;
    }

    /** Null means the served model. */
    public void checkModel(@Nullable String name) {
        if (name != null && !model.names().contains(name)) {
            throw InvalidRequest.unknownModel(name);
        }
    }

    /**
     * A completion of one prompt.
     *
     * @param promptOnly generate nothing, only compute the prompt
     */
    public ValidRequest completion(
            Prompt prompt, boolean addSpecialTokens, boolean promptOnly, SamplingOptions options) {
        int[] ids;
        if (prompt instanceof Prompt.Text text) {
            ids = encode(text.text(), addSpecialTokens, options);
        } else {
            ids = ((Prompt.Ids) prompt).ids().toArray();
            for (int id : ids) {
                sampling.checkId("prompt", id);
            }
        }
        return validate(ids, promptOnly, options);
    }

    /** The assistant's answer to a conversation. */
    public ValidRequest chat(ChatInput input, SamplingOptions options) {
        checkTools(input);
        return validate(encode(rendering.render(input), input.addSpecialTokens(), options), false, options);
    }

    /** The ids of a conversation, as {@link #chat} would compute them. */
    public int[] encodeChat(ChatInput input) {
        return encode(rendering.render(input), input.addSpecialTokens(), new SamplingOptions());
    }

    /** The ids of a text. */
    public int[] encodeText(String text, boolean addSpecialTokens) {
        return encode(text, addSpecialTokens, new SamplingOptions());
    }

    /** The text of ids from outside, special tokens included. */
    public String decode(int[] ids) {
        for (int id : ids) {
            sampling.checkId("tokens", id);
        }
        return model.tokenizer().decode(ids, false);
    }

    /** The token as the vocabulary spells it. */
    public String vocabularyEntry(int id) {
        return model.tokenizer().idToToken(id);
    }

    /** The prompt's text as {@code echo} repeats it. */
    public String echo(Prompt prompt, ValidRequest valid) {
        return prompt instanceof Prompt.Text text
                ? text.text()
                : model.tokenizer()
                        .decode(valid.prompt().toArray(), valid.output().skipSpecialTokens());
    }

    private void checkTools(ChatInput input) {
        if (input.tools() == null) {
            if (input.toolChoice() != ChatInput.ToolChoice.DEFAULT && input.toolChoice() != ChatInput.ToolChoice.NONE) {
                throw InvalidRequest.badValue("tool_choice", "When using `tool_choice`, `tools` must be set.");
            }
            return;
        }
        if (input.tools().isEmpty()) {
            throw InvalidRequest.badValue("tools", "tools must contain at least one tool when it is given.");
        }
        switch (input.toolChoice()) {
            case REQUIRED, NAMED ->
                throw InvalidRequest.unsupported(
                        "tool_choice", "only \"auto\" and \"none\" can be served, a call cannot be enforced.");
            case DEFAULT, AUTO -> {
                if (model.toolCallFormat() == ToolCallFormat.NONE) {
                    throw InvalidRequest.badValue(
                            "tool_choice",
                            "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be"
                                    + " set");
                }
            }
            case NONE -> {}
        }
    }

    private int[] encode(String text, boolean addSpecialTokens, SamplingOptions options) {
        // Tokenizing megabytes only to refuse them would keep others waiting.
        if (options.truncatePromptTokens == null
                && text.length() > model.maxModelLen()
                && text.length() > (long) model.maxModelLen() * maxTokenBytes()) {
            throw tooLong("at least " + (text.length() / maxTokenBytes() + 1));
        }
        return model.tokenizer().encode(text, addSpecialTokens);
    }

    private int maxTokenBytes() {
        if (maxTokenBytes == 0) {
            Tokenizer tokenizer = model.tokenizer();
            int max = 1;
            for (int id = 0; id < tokenizer.vocabSize(); id++) {
                max = Math.max(
                        max,
                        Math.max(
                                tokenizer.tokenBytes(id).length,
                                tokenizer.idToToken(id).length()));
            }
            maxTokenBytes = max;
        }
        return maxTokenBytes;
    }

    private ValidRequest validate(int[] untruncated, boolean promptOnly, SamplingOptions options) {
        TokenIds prompt = truncate(untruncated, options);
        if (prompt.isEmpty()) {
            throw InvalidRequest.badValue("prompt", "The prompt is empty: it has no tokens.");
        }
        // A prompt that only is computed may fill the context, any other needs room for one token.
        if (prompt.length() + (promptOnly ? 0 : 1) > model.maxModelLen()) {
            throw tooLong(String.valueOf(prompt.length()));
        }
        SamplingParams params = sampling.resolve(options, prompt.length(), promptOnly);
        return new ValidRequest(
                prompt,
                params,
                model.eosTokenIds(),
                options.priority == null ? 0 : options.priority,
                cacheSalt(options.cacheSalt),
                new OutputOptions(
                        stopStrings(options.stop),
                        options.includeStopString,
                        options.skipSpecialTokens,
                        options.spacesBetweenSpecialTokens,
                        params.numLogprobs(),
                        options.tokensAsIds));
    }

    private TokenIds truncate(int[] ids, SamplingOptions options) {
        if (options.truncatePromptTokens == null) {
            return TokenIds.of(ids);
        }
        int keep = options.truncatePromptTokens;
        if (keep == FIT) {
            int room = options.maxTokens == null ? 1 : Math.max(1, options.maxTokens);
            keep = Math.max(1, model.maxModelLen() - Math.min(room, model.maxModelLen() - 1));
        }
        if (keep < 1 || keep > model.maxModelLen()) {
            throw InvalidRequest.badValue(
                    "truncate_prompt_tokens",
                    "truncate_prompt_tokens must be -1 or in [1, " + model.maxModelLen() + "], got " + keep + ".");
        }
        boolean left = options.truncationSide == null || options.truncationSide.equals("left");
        if (!left && !"right".equals(options.truncationSide)) {
            throw InvalidRequest.badValue(
                    "truncation_side",
                    "truncation_side must be \"left\" or \"right\", got \"" + options.truncationSide + "\".");
        }
        int from = left ? Math.max(0, ids.length - keep) : 0;
        return TokenIds.of(ids, from, Math.min(ids.length, from + keep));
    }

    private List<String> stopStrings(List<String> stop) {
        int limit = model.limits().maxNumStopStrings();
        if (stop.size() > limit) {
            throw InvalidRequest.badValue(
                    "stop", "stop must have at most " + limit + " strings, got " + stop.size() + ".");
        }
        if (stop.contains("")) {
            throw InvalidRequest.badValue("stop", "stop cannot contain an empty string.");
        }
        return stop;
    }

    private InvalidRequest tooLong(String numPromptTokens) {
        return InvalidRequest.badValue(
                "input_tokens",
                "This model's maximum context length is " + model.maxModelLen() + " tokens. However, your request has "
                        + numPromptTokens + " input tokens. Please reduce the length of the input messages.");
    }

    /** A one-way hash: nobody can craft a salt that meets another tenant's blocks. */
    private static long cacheSalt(@Nullable String salt) {
        if (salt == null) {
            return 0;
        }
        if (salt.isEmpty()) {
            throw InvalidRequest.badValue("cache_salt", "cache_salt must be a non-empty string if provided.");
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(salt.getBytes(StandardCharsets.UTF_8));
            long hash = ByteBuffer.wrap(digest).getLong();
            return hash == 0 ? 1 : hash;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
