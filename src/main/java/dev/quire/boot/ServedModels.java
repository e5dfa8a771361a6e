package dev.quire.boot;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.chat.ChatTemplate;
import dev.quire.chat.ChatTemplateException;
import dev.quire.chat.ChatTemplates;
import dev.quire.frontend.SamplingDefaults;
import dev.quire.frontend.ServedModel;
import dev.quire.frontend.ServingLimits;
import dev.quire.frontend.ToolCallFormat;
import dev.quire.server.config.QuireConfig;
import dev.quire.tokenizer.TokenizerConfig;
import dev.quire.weights.GenerationDefaults;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Describes a loaded model to the front end, as the server's configuration wants it. */
final class ServedModels {
    private ServedModels() {}

    /** @throws StartupException when an option names what is not there */
    static ServedModel of(QuireEngine engine, QuireConfig config) {
        ModelText text = engine.text()
                .orElseThrow(() -> new StartupException(
                        engine.location() + " has no tokenizer.json; give the directory of one with --tokenizer"));
        boolean embedded = engine.name().equals(ModelSource.EMBEDDED);
        return new ServedModel(
                config.servedModelName().orElse(List.of(engine.name())),
                engine.location(),
                System.currentTimeMillis() / 1000,
                engine.config().maxModelLen(),
                text.tokenizer(),
                templates(text.config(), config),
                defaults(engine, config),
                engine.eosTokenIds(),
                engine.vocabSize(),
                ServingLimits.of(config.maxLogprobs()),
                toolCalls(config, embedded));
    }

    private static ToolCallFormat toolCalls(QuireConfig config, boolean embedded) {
        String parser = config.toolCallParser().orElse(embedded ? "hermes" : "");
        if (!config.enableAutoToolChoice().orElse(embedded)) {
            return ToolCallFormat.NONE;
        }
        if (parser.isEmpty()) {
            throw new StartupException("--enable-auto-tool-choice needs --tool-call-parser, such as hermes");
        }
        if (!parser.equals("hermes")) {
            throw new StartupException("--tool-call-parser " + parser + " is not known; known: hermes");
        }
        return ToolCallFormat.HERMES;
    }

    private static @Nullable ChatTemplates templates(TokenizerConfig tokens, QuireConfig config) {
        ChatTemplate.Options options = ChatTemplate.Options.of(tokens.bosToken(), tokens.eosToken());
        try {
            if (config.chatTemplate().isPresent()) {
                return ChatTemplates.of(templateText(config.chatTemplate().get()), options);
            }
            if (tokens.chatTemplates().isEmpty()) {
                return null;
            }
            List<Map<String, String>> named = new ArrayList<>();
            tokens.chatTemplates().forEach((name, source) -> named.add(Map.of("name", name, "template", source)));
            return ChatTemplates.of(named, options);
        } catch (ChatTemplateException e) {
            throw new StartupException("the chat template is broken: " + e.getMessage(), e);
        }
    }

    /** The option is a file, or the template itself. */
    private static String templateText(String option) {
        try {
            Path file = Path.of(option);
            if (Files.isRegularFile(file)) {
                return Files.readString(file);
            }
        } catch (InvalidPathException e) {
            return option;
        } catch (IOException e) {
            throw new StartupException("--chat-template " + option + " cannot be read: " + e.getMessage(), e);
        }
        if (!option.contains("{")) {
            throw new StartupException("--chat-template " + option + ": there is no such file, and it is no template");
        }
        return option;
    }

    private static SamplingDefaults defaults(QuireEngine engine, QuireConfig config) {
        SamplingDefaults model =
                switch (config.generationConfig().toLowerCase(Locale.ROOT)) {
                    case "vllm" -> SamplingDefaults.none();
                    case "auto" -> of(engine.generation());
                    default -> of(GenerationDefaults.read(ModelFiles.ofDirectory(Path.of(config.generationConfig()))));
                };
        return config.overrideGenerationConfig().isEmpty()
                ? model
                : overlay(model, config.overrideGenerationConfig().get());
    }

    private static SamplingDefaults of(GenerationDefaults generation) {
        return new SamplingDefaults(
                toFloat(generation.temperature()),
                toFloat(generation.topP()),
                generation.topK(),
                toFloat(generation.minP()),
                toFloat(generation.repetitionPenalty()),
                generation.maxNewTokens());
    }

    private static SamplingDefaults overlay(SamplingDefaults below, String text) {
        JsonNode json;
        try {
            json = new ObjectMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new StartupException("--override-generation-config is not JSON: " + e.getOriginalMessage(), e);
        }
        if (!json.isObject()) {
            throw new StartupException("--override-generation-config must be a JSON object, got " + text);
        }
        return new SamplingDefaults(
                number(json, "temperature", below.temperature()),
                number(json, "top_p", below.topP()),
                integer(json, "top_k", below.topK()),
                number(json, "min_p", below.minP()),
                number(json, "repetition_penalty", below.repetitionPenalty()),
                integer(json, "max_new_tokens", below.maxTokens()));
    }

    private static @Nullable Float number(JsonNode json, String name, @Nullable Float otherwise) {
        return json.path(name).isNumber() ? (Float) json.path(name).floatValue() : otherwise;
    }

    private static @Nullable Integer integer(JsonNode json, String name, @Nullable Integer otherwise) {
        return json.path(name).isInt() ? (Integer) json.path(name).intValue() : otherwise;
    }

    private static @Nullable Float toFloat(@Nullable Double value) {
        return value == null ? null : (Float) value.floatValue();
    }
}
