package dev.quire.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads from {@code tokenizer.json} what the native library does not tell: vocabulary, added tokens, decoder.
 *
 * <p>The file is streamed and everything else in it (merges above all) is skipped, so 17 MB cost no tree.
 */
final class TokenizerFile {
    /** Far above any real vocabulary: an id beyond it is an error of the file. */
    private static final int MAX_ID = (1 << 24) - 1;

    private final String name;
    private final JsonParser json;
    private final List<Vocabulary.AddedToken> addedTokens = new ArrayList<>();
    private final List<TokenDecoder.Step> steps = new ArrayList<>();
    private @Nullable String[] pieces = new String[1 << 15];
    private int numPieces;
    private boolean hasModel;

    private TokenizerFile(String name, JsonParser json) {
        this.name = name;
        this.json = json;
    }

    /**
     * A parser's factory for files with very many different field names.
     *
     * <p>Jackson keeps field names in a shared table by default, which a vocabulary would flood.
     */
    static JsonFactory jsonFactory() {
        return JsonFactory.builder()
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                .build();
    }

    /** An {@link IOException} with a one-line message that starts with {@code name}. */
    static IOException broken(String name, String reason, @Nullable Throwable cause) {
        return new IOException(name + ": " + reason.lines().findFirst().orElse("unreadable"), cause);
    }

    static IOException brokenJson(String name, JsonProcessingException e) {
        String place = e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
        return broken(name, "not valid JSON" + place + ": " + e.getOriginalMessage(), e);
    }

    record Contents(Vocabulary vocabulary, TokenDecoder decoder) {}

    /**
     * @param name what messages call the file
     * @throws IOException when the bytes are no {@code tokenizer.json}; the message is one line
     */
    static Contents read(String name, byte[] bytes) throws IOException {
        try (JsonParser json = jsonFactory().createParser(bytes)) {
            return new TokenizerFile(name, json).read();
        } catch (JsonProcessingException e) {
            throw brokenJson(name, e);
        }
    }

    private Contents read() throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw broken(name, "not a JSON object", null);
        }
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            JsonToken value = json.nextToken();
            if (field.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                readAddedTokens();
            } else if (field.equals("decoder") && value == JsonToken.START_OBJECT) {
                readDecoder();
            } else if (field.equals("model") && value == JsonToken.START_OBJECT) {
                readModel();
            } else {
                json.skipChildren();
            }
        }
        if (!hasModel) {
            throw broken(name, "no model with a vocabulary in it", null);
        }
        TokenDecoder decoder = steps.isEmpty() ? TokenDecoder.other() : TokenDecoder.of(steps);
        return new Contents(new Vocabulary(Arrays.copyOf(pieces, numPieces), addedTokens, decoder), decoder);
    }

    private void readAddedTokens() throws IOException {
        while (json.nextToken() == JsonToken.START_OBJECT) {
            int id = -1;
            String content = null;
            boolean special = false;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "id" -> id = id();
                    case "content" -> content = json.getText();
                    case "special" -> special = json.getBooleanValue();
                    default -> json.skipChildren();
                }
            }
            if (id < 0 || content == null) {
                throw broken(name, "an added token without id or content", null);
            }
            addedTokens.add(new Vocabulary.AddedToken(id, content, special));
        }
    }

    private void readModel() throws IOException {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            JsonToken value = json.nextToken();
            if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
                hasModel = true;
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String piece = json.currentName();
                    json.nextToken();
                    putPiece(id(), piece);
                }
            } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
                hasModel = true;
                readScoredPieces();
            } else {
                json.skipChildren();
            }
        }
    }

    /** A Unigram vocabulary: an array of pairs of piece and score in id order. */
    private void readScoredPieces() throws IOException {
        for (int id = 0; json.nextToken() == JsonToken.START_ARRAY; id++) {
            json.nextToken();
            putPiece(id, json.getText());
            while (json.nextToken() != JsonToken.END_ARRAY) {
                json.skipChildren();
            }
        }
    }

    private void putPiece(int id, String piece) {
        if (id >= pieces.length) {
            pieces = Arrays.copyOf(pieces, Integer.highestOneBit(id) * 2);
        }
        pieces[id] = piece;
        numPieces = Math.max(numPieces, id + 1);
    }

    private int id() throws IOException {
        if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            throw broken(name, "a token id that is not an integer: " + json.getText(), null);
        }
        long id = json.getLongValue();
        if (id < 0 || id > MAX_ID) {
            throw broken(name, "token id " + id + " out of range 0 to " + MAX_ID, null);
        }
        return (int) id;
    }

    /** One decoder object; a {@code Sequence} adds its parts in order. */
    private void readDecoder() throws IOException {
        String type = "";
        String pattern = null;
        String content = "";
        String replacement = "▁";
        int start = 0;
        int stop = 0;
        boolean prependsSpace = true;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            json.nextToken();
            switch (field) {
                case "type" -> type = json.getText();
                case "pattern" -> pattern = plainPattern();
                case "content" -> content = json.getText();
                case "replacement" -> replacement = json.getText();
                case "start" -> start = json.getIntValue();
                case "stop" -> stop = json.getIntValue();
                case "add_prefix_space" -> prependsSpace &= json.getBooleanValue();
                case "prepend_scheme" -> prependsSpace &= !json.getText().equals("never");
                case "decoders" -> {
                    while (json.nextToken() == JsonToken.START_OBJECT) {
                        readDecoder();
                    }
                }
                default -> json.skipChildren();
            }
        }
        if (!type.equals("Sequence")) {
            steps.add(new TokenDecoder.Step(type, pattern, content, start, stop, replacement, prependsSpace));
        }
    }

    /** {@code {"String": "▁"}} is a plain pattern, {@code {"Regex": …}} is none. */
    private @Nullable String plainPattern() throws IOException {
        String pattern = null;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            boolean plain = json.currentName().equals("String");
            json.nextToken();
            pattern = plain ? json.getText() : null;
        }
        return pattern;
    }
}
