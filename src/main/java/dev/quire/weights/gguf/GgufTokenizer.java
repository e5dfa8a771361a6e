package dev.quire.weights.gguf;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.weights.gguf.GgufVocabulary.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the tokenizer.json of the tokenizer in a GGUF file: byte-level BPE ({@code gpt2}) or SentencePiece ({@code llama}). */
final class GgufTokenizer {
    private static final String MODEL = "tokenizer.ggml.model";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final String SCORES = "tokenizer.ggml.scores";
    private static final Set<String> GEMMA = Set.of("gemma", "gemma2", "gemma3");
    private static final String SPACE = "▁";
    /** Of Phi-3 only these keep the white space behind them. */
    private static final Set<String> PHI_3_PLAIN = Set.of("<unk>", "<s>", "<|endoftext|>");

    private final GgufMetadata metadata;
    private final String architecture;
    private final GgufVocabulary vocabulary;
    private final boolean sentencePiece;
    private final @Nullable PreTokenizer preTokenizer;

    private GgufTokenizer(GgufMetadata metadata) {
        this.metadata = metadata;
        architecture = metadata.string("general.architecture", "");
        vocabulary = new GgufVocabulary(metadata);
        String kind = metadata.string(MODEL);
        sentencePiece = kind.equals("llama");
        if (!sentencePiece && !kind.equals("gpt2")) {
            throw metadata.error(
                    MODEL,
                    "\"" + kind
                            + "\" is not supported; give the model's own tokenizer with --tokenizer DIR; supported: "
                            + "gpt2, llama");
        }
        preTokenizer = sentencePiece ? null : PreTokenizer.of(metadata);
    }

    /** Throws {@link dev.quire.weights.CheckpointException} naming what is missing or not supported. */
    static byte[] json(GgufMetadata metadata) {
        try {
            return new GgufTokenizer(metadata).write();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Streamed: vocabulary and merges would make a large tree. */
    private byte[] write() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
        try (JsonGenerator json = new ObjectMapper().createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("version", "1.0");
            json.writeNullField("truncation");
            json.writeNullField("padding");
            json.writeObjectField("added_tokens", addedTokens());
            json.writeObjectField("normalizer", normalizer());
            json.writeObjectField(
                    "pre_tokenizer",
                    preTokenizer != null ? preTokenizer.preTokenizer() : isGemma() ? spacesApart() : null);
            json.writeObjectField("post_processor", postProcessor());
            json.writeObjectField("decoder", sentencePiece ? sentencePieceDecoder() : PreTokenizer.byteLevel(true));
            json.writeObjectFieldStart("model");
            writeModel(json);
            json.writeEndObject();
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private void writeModel(JsonGenerator json) throws IOException {
        json.writeStringField("type", "BPE");
        json.writeNullField("dropout");
        json.writeStringField("unk_token", sentencePiece ? vocabulary.tokenOf("unknown") : null);
        json.writeNullField("continuing_subword_prefix");
        json.writeNullField("end_of_word_suffix");
        json.writeBooleanField("fuse_unk", sentencePiece);
        json.writeBooleanField("byte_fallback", sentencePiece);
        json.writeBooleanField("ignore_merges", preTokenizer != null && preTokenizer.ignoresMerges());
        List<String> pieces = pieces();
        json.writeObjectFieldStart("vocab");
        for (int id = 0; id < pieces.size(); id++) {
            json.writeNumberField(pieces.get(id), id);
        }
        json.writeEndObject();
        json.writeArrayFieldStart("merges");
        if (metadata.has(MERGES)) {
            writeMerges(json);
        } else if (sentencePiece) {
            for (ScoredMerges.Merge merge : ScoredMerges.of(pieces, scores())) {
                writeMerge(json, merge.left(), merge.right());
            }
        } else {
            throw metadata.error(MERGES, "is missing");
        }
        json.writeEndArray();
    }

    private void writeMerges(JsonGenerator json) throws IOException {
        for (String merge : metadata.strings(MERGES)) {
            int space = merge.indexOf(' ', 1);
            if (space < 0) {
                throw metadata.error(MERGES, "has '" + merge + "', which is not two parts");
            }
            writeMerge(json, merge.substring(0, space), merge.substring(space + 1));
        }
    }

    private static void writeMerge(JsonGenerator json, String left, String right) throws IOException {
        json.writeStartArray();
        json.writeString(left);
        json.writeString(right);
        json.writeEndArray();
    }

    private boolean isGemma() {
        return sentencePiece && GEMMA.contains(architecture);
    }

    private List<String> pieces() {
        List<String> pieces = new ArrayList<>(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.token(id);
            pieces.add(isSpaces(token) ? SPACE.repeat(token.length()) : token);
        }
        return pieces;
    }

    /** Gemma's runs of spaces, which llama.cpp's converter writes as such. */
    private boolean isSpaces(String token) {
        return isGemma() && token.contains(" ") && token.isBlank();
    }

    /** Gemma's scores do not follow its merges, the order of its vocabulary does. */
    private double[] scores() {
        double[] scores = metadata.numbers(SCORES);
        if (isGemma()) {
            scores = new double[vocabulary.size()];
            Arrays.setAll(scores, id -> -id);
        } else if (scores.length != vocabulary.size()) {
            throw metadata.error(SCORES, "has " + scores.length + " entries for " + vocabulary.size() + " tokens");
        }
        return scores;
    }

    private ArrayNode addedTokens() {
        ArrayNode added = JsonNodeFactory.instance.arrayNode();
        for (int id = 0; id < vocabulary.size(); id++) {
            Kind kind = vocabulary.kind(id);
            String token = vocabulary.token(id);
            boolean special = kind == Kind.CONTROL || kind == Kind.UNKNOWN;
            if (special || kind == Kind.USER_DEFINED && !isSpaces(token)) {
                added.addObject()
                        .put("id", id)
                        .put("content", token)
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", special && stripsBehind(token))
                        .put("normalized", false)
                        .put("special", special);
            }
        }
        return added;
    }

    private boolean stripsBehind(String token) {
        return sentencePiece && architecture.equals("phi3") && !PHI_3_PLAIN.contains(token);
    }

    private @Nullable ObjectNode normalizer() {
        if (preTokenizer != null) {
            return preTokenizer.normalizer();
        }
        ObjectNode replace = typed("Replace");
        replace.putObject("pattern").put("String", " ");
        replace.put("content", SPACE);
        if (!addsSpacePrefix()) {
            return replace;
        }
        ObjectNode sequence = typed("Sequence");
        sequence.putArray("normalizers")
                .add(typed("Prepend").put("prepend", SPACE))
                .add(replace);
        return sequence;
    }

    private boolean addsSpacePrefix() {
        return metadata.bool("tokenizer.ggml.add_space_prefix", !isGemma());
    }

    private static ObjectNode spacesApart() {
        ObjectNode split = typed("Split");
        split.putObject("pattern").put("String", " ");
        return split.put("behavior", "MergedWithPrevious").put("invert", false);
    }

    private ObjectNode sentencePieceDecoder() {
        ObjectNode replace = typed("Replace");
        replace.putObject("pattern").put("String", SPACE);
        replace.put("content", " ");
        ObjectNode sequence = typed("Sequence");
        ArrayNode decoders = sequence.putArray("decoders");
        decoders.add(replace).add(typed("ByteFallback")).add(typed("Fuse"));
        if (addsSpacePrefix()) {
            decoders.add(typed("Strip").put("content", " ").put("start", 1).put("stop", 0));
        }
        return sequence;
    }

    /** Frames a text with bos and eos where the file says so. */
    private @Nullable ObjectNode postProcessor() {
        boolean addsBos = preTokenizer == null || preTokenizer.addsBos();
        Integer bos = metadata.bool("tokenizer.ggml.add_bos_token", addsBos) ? vocabulary.idOf("bos") : null;
        Integer eos = metadata.bool("tokenizer.ggml.add_eos_token", false) ? vocabulary.idOf("eos") : null;
        if (bos == null && eos == null) {
            return sentencePiece ? null : PreTokenizer.byteLevel(true);
        }
        ObjectNode template = typed("TemplateProcessing");
        ObjectNode used = JsonNodeFactory.instance.objectNode();
        ArrayNode single = template.putArray("single");
        frame(single, used, bos);
        single.add(sequence("A", 0));
        frame(single, used, eos);
        ArrayNode pair = template.putArray("pair");
        frame(pair, used, bos);
        pair.add(sequence("A", 0));
        frame(pair, used, bos);
        pair.add(sequence("B", 1));
        template.set("special_tokens", used);
        return template;
    }

    private void frame(ArrayNode parts, ObjectNode used, @Nullable Integer id) {
        if (id != null) {
            String token = vocabulary.token(id);
            parts.addObject().putObject("SpecialToken").put("id", token).put("type_id", 0);
            ObjectNode entry = used.putObject(token).put("id", token);
            entry.putArray("ids").add(id);
            entry.putArray("tokens").add(token);
        }
    }

    private static ObjectNode sequence(String id, int type) {
        ObjectNode part = JsonNodeFactory.instance.objectNode();
        part.putObject("Sequence").put("id", id).put("type_id", type);
        return part;
    }

    private static ObjectNode typed(String type) {
        return JsonNodeFactory.instance.objectNode().put("type", type);
    }
}
