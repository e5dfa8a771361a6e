package dev.quire.chat;

import dev.quire.chat.jinja.Limits;
import dev.quire.chat.jinja.Template;
import dev.quire.chat.jinja.TemplateException;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model's chat template: renders messages as transformers' {@code apply_chat_template} does, character by character.
 *
 * <p>Immutable; renders on any number of threads at once.
 */
public final class ChatTemplate {

    /**
     * What a template knows besides the request.
     *
     * @param specialTokens variables such as {@code bos_token}, by name, as in tokenizer_config.json
     * @param clock what {@code strftime_now} tells
     * @param limits the guards of one rendering
     */
    public record Options(Map<String, String> specialTokens, Clock clock, Limits limits) {
        public Options {
            specialTokens = Collections.unmodifiableMap(new LinkedHashMap<>(specialTokens));
        }

        public static Options of(Map<String, String> specialTokens) {
            return new Options(specialTokens, Clock.systemDefaultZone(), Limits.defaults());
        }

        public static Options of(@Nullable String bosToken, @Nullable String eosToken) {
            Map<String, String> tokens = new LinkedHashMap<>();
            if (bosToken != null) {
                tokens.put("bos_token", bosToken);
            }
            if (eosToken != null) {
                tokens.put("eos_token", eosToken);
            }
            return of(tokens);
        }

        public Options withClock(Clock other) {
            return new Options(specialTokens, other, limits);
        }

        public Options withLimits(Limits other) {
            return new Options(specialTokens, clock, other);
        }
    }

    /**
     * One request, in plain values: strings, numbers, booleans, null, and lists and maps of them.
     *
     * @param messages maps with {@code role}, {@code content} and whatever else the template reads
     * @param tools JSON schemas of functions; null when there are none
     * @param addGenerationPrompt whether the prompt ends with the start of the assistant's answer
     * @param continueFinalMessage whether the prompt ends inside of the last message, for the model to go on with it
     * @param documents maps with {@code title} and {@code text}; null when there are none
     * @param extra further variables, {@code chat_template_kwargs} of a request; they win over all others
     */
    public record Input(
            List<?> messages,
            @Nullable List<?> tools,
            boolean addGenerationPrompt,
            boolean continueFinalMessage,
            @Nullable List<?> documents,
            Map<String, ?> extra) {

        /** The messages alone, with the generation prompt. */
        public static Input of(List<?> messages) {
            return new Input(messages, null, true, false, null, Map.of());
        }
    }

    private final String source;
    private final Options options;
    private final Template template;
    private final ContentFormat contentFormat;

    private ChatTemplate(String source, Options options, Template template) {
        this.source = source;
        this.options = options;
        this.template = template;
        this.contentFormat = ContentFormat.detect(template);
    }

    /**
     * Compiles a template.
     *
     * @throws ChatTemplateException with the line, when {@code source} is no valid template
     */
    public static ChatTemplate compile(String source, Options options) {
        try {
            return new ChatTemplate(source, options, Template.compile(source));
        } catch (TemplateException e) {
            throw new ChatTemplateException(e);
        }
    }

    public String source() {
        return source;
    }

    /** How this template wants the contents of messages; {@link ChatMessages#forTemplate} brings them into it. */
    public ContentFormat contentFormat() {
        return contentFormat;
    }

    /**
     * The prompt for {@code input}, whose messages are taken as they are.
     *
     * @throws ChatTemplateException when the template refuses the messages, fails over them, or exceeds its limits; or
     *     when the final message is to be continued and cannot be
     */
    public String render(Input input) {
        requireMaps("Tools should be JSON schemas, each an object", input.tools());
        requireMaps("Documents should be a list of dicts with 'title' and 'text' keys!", input.documents());
        if (!input.continueFinalMessage()) {
            return render(input, input.messages());
        }
        if (input.addGenerationPrompt()) {
            throw new ChatTemplateException(
                    "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message"
                            + " when you want the model to continue the final message, and add_generation_prompt when"
                            + " you want to add a header that will prompt it to start a new assistant message instead.");
        }
        if (!source.contains("content")) {
            throw new ChatTemplateException("continue_final_message is set to \"content\" but this is not an accepted"
                    + " field in the chat_template");
        }
        FinalMessage last = FinalMessage.of(input.messages());
        return last.cut(render(input, last.markedMessages()));
    }

    private static void requireMaps(String otherwise, @Nullable List<?> items) {
        if (items != null && !items.stream().allMatch(item -> item instanceof Map)) {
            throw new ChatTemplateException(otherwise);
        }
    }

    private String render(Input input, List<?> messages) {
        Map<String, Object> variables = new LinkedHashMap<>(options.specialTokens());
        variables.put("messages", messages);
        variables.put("tools", input.tools());
        variables.put("documents", input.documents());
        variables.put("add_generation_prompt", input.addGenerationPrompt());
        variables.putAll(input.extra());
        try {
            return template.render(variables, options.limits(), options.clock());
        } catch (TemplateException e) {
            throw new ChatTemplateException(e);
        }
    }
}
