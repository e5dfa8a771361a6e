package dev.quire.boot;

import dev.quire.tokenizer.HuggingFaceTokenizer;
import dev.quire.tokenizer.TokenizerConfig;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The text side of a model.
 *
 * @param config special tokens and chat templates
 */
record ModelText(HuggingFaceTokenizer tokenizer, TokenizerConfig config) {
    static final String TOKENIZER_FILE = "tokenizer.json";
    private static final String CONFIG_FILE = "tokenizer_config.json";
    private static final String TEMPLATE_FILE = "chat_template.jinja";

    /** Reads tokenizer and templates of the model, or of the directory or file the user named instead. */
    static ModelText load(EngineOptions options, ModelFiles model) {
        try {
            if (options.tokenizer().isEmpty()) {
                return of(model);
            }
            Path path = Path.of(options.tokenizer().get());
            if (Files.isDirectory(path)) {
                return of(ModelFiles.ofDirectory(path));
            }
            return new ModelText(HuggingFaceTokenizer.of(path.toString(), Files.readAllBytes(path)), config(model));
        } catch (IOException e) {
            throw new StartupException(e.getMessage(), e);
        } catch (UncheckedIOException e) {
            throw new StartupException(e.getCause().getMessage(), e);
        }
    }

    private static ModelText of(ModelFiles files) throws IOException {
        if (!files.has(TOKENIZER_FILE)) {
            throw new StartupException(files.location() + " has no " + TOKENIZER_FILE
                    + "; give the directory of another tokenizer with --tokenizer");
        }
        return new ModelText(
                HuggingFaceTokenizer.of(files.describe(TOKENIZER_FILE), files.read(TOKENIZER_FILE)), config(files));
    }

    private static TokenizerConfig config(ModelFiles files) throws IOException {
        if (files.directory() != null) {
            return TokenizerConfig.load(files.directory());
        }
        Map<String, String> templates = files.has(TEMPLATE_FILE)
                ? Map.of(
                        TokenizerConfig.DEFAULT_TEMPLATE, new String(files.read(TEMPLATE_FILE), StandardCharsets.UTF_8))
                : Map.of();
        byte[] config = files.has(CONFIG_FILE) ? files.read(CONFIG_FILE) : "{}".getBytes(StandardCharsets.UTF_8);
        return TokenizerConfig.of(files.describe(CONFIG_FILE), config, templates);
    }
}
