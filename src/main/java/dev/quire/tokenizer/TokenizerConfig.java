package dev.quire.tokenizer;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a model's files say about its tokenizer beside the vocabulary: special tokens by role, chat templates, limits.
 *
 * <p>How ids are framed ({@code add_bos_token} and its like) is decided by {@code tokenizer.json} alone, as in
 * transformers 5; the flags are here for those who want to know.
 *
 * @param tokenizerClass empty when the files name none
 * @param addBosToken null when the files say nothing
 * @param addEosToken null when the files say nothing
 * @param modelMaxLength in tokens; {@link Long#MAX_VALUE} when absent or meaninglessly large
 * @param chatTemplates by name, the only or main one as {@value #DEFAULT_TEMPLATE}; in the files' order
 */
public record TokenizerConfig(
        String tokenizerClass,
        @Nullable String bosToken,
        @Nullable String eosToken,
        @Nullable String padToken,
        @Nullable String unkToken,
        @Nullable Boolean addBosToken,
        @Nullable Boolean addEosToken,
        boolean cleanUpTokenizationSpaces,
        long modelMaxLength,
        Map<String, String> chatTemplates) {

    public static final String DEFAULT_TEMPLATE = "default";

    private static final String CONFIG_FILE = "tokenizer_config.json";
    private static final String SPECIAL_TOKENS_FILE = "special_tokens_map.json";
    private static final String TEMPLATE_FILE = "chat_template.jinja";
    private static final String TEMPLATE_FILE_END = ".jinja";
    private static final String MORE_TEMPLATES = "additional_chat_templates";

    public TokenizerConfig {
        chatTemplates = Collections.unmodifiableMap(new LinkedHashMap<>(chatTemplates));
    }

    /** The main chat template, or null when the model has none. */
    public @Nullable String chatTemplate() {
        return chatTemplates.get(DEFAULT_TEMPLATE);
    }

    /**
     * Reads the files of a model's directory; each of them may be absent.
     *
     * <p>Special tokens come from {@code tokenizer_config.json}, those missing there from {@code
     * special_tokens_map.json}. Templates in files of their own replace those in {@code tokenizer_config.json}.
     *
     * @throws IOException with a one-line message that names the broken file
     */
    public static TokenizerConfig load(Path directory) throws IOException {
        Path config = directory.resolve(CONFIG_FILE);
        Path specialTokens = directory.resolve(SPECIAL_TOKENS_FILE);
        return read(
                config.toString(),
                Files.isRegularFile(config) ? Files.readAllBytes(config) : null,
                specialTokens.toString(),
                Files.isRegularFile(specialTokens) ? Files.readAllBytes(specialTokens) : null,
                templateFiles(directory));
    }

    /**
     * Reads the contents of {@code tokenizer_config.json}.
     *
     * @param name what error messages call it
     * @param templateFiles the templates that the model has in files of their own, by name; empty when it has none
     * @throws IOException with a one-line message that starts with {@code name} when it is broken
     */
    public static TokenizerConfig of(String name, byte[] tokenizerConfigJson, Map<String, String> templateFiles)
            throws IOException {
        return read(name, tokenizerConfigJson, SPECIAL_TOKENS_FILE, null, templateFiles);
    }

    private static TokenizerConfig read(
            String configName,
            byte @Nullable [] config,
            String specialTokensName,
            byte @Nullable [] specialTokens,
            Map<String, String> templateFiles)
            throws IOException {
        TokenizerConfigReader reader = new TokenizerConfigReader();
        if (config != null) {
            reader.read(configName, config);
        }
        if (specialTokens != null) {
            reader.read(specialTokensName, specialTokens);
        }
        return reader.config(templateFiles);
    }

    private static Map<String, String> templateFiles(Path directory) throws IOException {
        Map<String, String> templates = new TreeMap<>();
        Path more = directory.resolve(MORE_TEMPLATES);
        if (Files.isDirectory(more)) {
            try (Stream<Path> files = Files.list(more)) {
                for (Path file : files.toList()) {
                    String fileName = String.valueOf(file.getFileName());
                    if (fileName.endsWith(TEMPLATE_FILE_END)) {
                        String name = fileName.substring(0, fileName.length() - TEMPLATE_FILE_END.length());
                        templates.put(name, text(file));
                    }
                }
            }
        }
        Path main = directory.resolve(TEMPLATE_FILE);
        if (Files.isRegularFile(main)) {
            templates.put(DEFAULT_TEMPLATE, text(main));
        }
        return templates;
    }

    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw TokenizerFile.broken(file.toString(), "not valid " + StandardCharsets.UTF_8, e);
        }
    }
}
