package dev.quire.weights.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How text is cut before byte-level merges: what {@code tokenizer.ggml.pre} names, as the tokenizer.json of the models that
 * have it says it (llama.cpp's {@code llama-vocab.cpp} quotes those).
 */
enum PreTokenizer {
    LLAMA_3(
            Style.SPLIT,
            Regex.CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + Regex.REST,
            true,
            true,
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2"),
    /** The same cuts, for vocabularies of tiktoken's cl100k. */
    CL100K(
            Style.SPLIT,
            Regex.CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + Regex.REST,
            false,
            false,
            "dbrx",
            "smaug-bpe",
            "glm4",
            "chatglm-bpe"),
    QWEN_2(
            Style.SPLIT_NFC,
            Regex.CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + Regex.REST,
            false,
            false,
            "qwen2"),
    /** Distilled models that have Qwen's vocabulary and do not normalize. */
    QWEN_2_AS_IT_IS(
            Style.SPLIT,
            Regex.CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + Regex.REST,
            false,
            false,
            "deepseek-r1-qwen",
            "stablelm2",
            "megrez",
            "hunyuan",
            "solar-open"),
    TEKKEN(
            Style.SPLIT,
            Regex.CAPITALIZED + Regex.LOWER + "+|" + Regex.CAPITALIZED_PLUS + Regex.LOWER + "*|\\p{N}"
                    + Regex.REST_WITH_SLASH,
            true,
            true,
            "tekken"),
    GPT_4O(
            Style.SPLIT,
            Regex.CAPITALIZED + Regex.LOWER + "+" + Regex.CONTRACTIONS + "?|" + Regex.CAPITALIZED_PLUS + Regex.LOWER
                    + "*" + Regex.CONTRACTIONS + "?|\\p{N}{1,3}" + Regex.REST_WITH_SLASH,
            false,
            false,
            "gpt-4o",
            "llama4",
            "kanana2"),
    GPT_2(
            Style.BYTE_LEVEL,
            "",
            false,
            false,
            "gpt-2",
            "phi-2",
            "olmo",
            "mpt",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4"),
    /** GPT-2's, every digit alone. */
    DIGITS(
            Style.DIGITS,
            "",
            false,
            false,
            "smollm",
            "starcoder",
            "refact",
            "command-r",
            "codeshell",
            "exaone",
            "minerva-7b");

    private static final String PRE = "tokenizer.ggml.pre";

    private enum Style {
        SPLIT,
        SPLIT_NFC,
        BYTE_LEVEL,
        DIGITS
    }

    /** Parts that several share. */
    private static final class Regex {
        static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
        static final String REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        static final String REST_WITH_SLASH = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        static final String CAPITALIZED = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*";
        static final String CAPITALIZED_PLUS = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+";
        static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

        private Regex() {}
    }

    private final Style style;
    private final String regex;
    private final boolean ignoresMerges;
    private final boolean addsBos;
    private final List<String> names;

    PreTokenizer(Style style, String regex, boolean ignoresMerges, boolean addsBos, String... names) {
        this.style = style;
        this.regex = regex;
        this.ignoresMerges = ignoresMerges;
        this.addsBos = addsBos;
        this.names = List.of(names);
    }

    /** The file's; throws {@link dev.quire.weights.CheckpointException} listing the known ones. */
    static PreTokenizer of(GgufMetadata metadata) {
        if (!metadata.has(PRE)) {
            throw metadata.error(
                    PRE,
                    "is missing, so how to cut text is unknown; give the model's own tokenizer with --tokenizer DIR");
        }
        String name = metadata.string(PRE);
        for (PreTokenizer candidate : values()) {
            if (candidate.names.contains(name)) {
                return candidate;
            }
        }
        String known = Arrays.stream(values())
                .flatMap(candidate -> candidate.names.stream())
                .sorted()
                .collect(Collectors.joining(", "));
        throw metadata.error(
                PRE,
                "\"" + name + "\" is not supported; give the model's own tokenizer with --tokenizer DIR; supported: "
                        + known);
    }

    /** Whether a piece that is a token whole is taken so, whatever merges would make of it. */
    boolean ignoresMerges() {
        return ignoresMerges;
    }

    /** Whether a text begins with the bos token when the file does not say. */
    boolean addsBos() {
        return addsBos;
    }

    @Nullable
    ObjectNode normalizer() {
        return style == Style.SPLIT_NFC ? typed("NFC") : null;
    }

    ObjectNode preTokenizer() {
        if (style == Style.BYTE_LEVEL) {
            return byteLevel(true);
        }
        ObjectNode sequence = typed("Sequence");
        ArrayNode parts = sequence.putArray("pretokenizers");
        if (style == Style.DIGITS) {
            parts.add(typed("Digits").put("individual_digits", true));
        } else {
            ObjectNode split = typed("Split");
            split.putObject("pattern").put("Regex", regex);
            parts.add(split.put("behavior", "Isolated").put("invert", false));
        }
        parts.add(byteLevel(style == Style.DIGITS));
        return sequence;
    }

    static ObjectNode byteLevel(boolean cutsWords) {
        return typed("ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", cutsWords);
    }

    private static ObjectNode typed(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }
}
