package dev.quire.server.openai;

import dev.quire.frontend.TokenText;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.server.JsonOut;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Log-probabilities in the three shapes of the API. */
final class LogprobWriter {
    /** JSON knows no infinity: a token that was ruled out has this instead. */
    private static final float LOWEST = -9999f;

    private final TokenText tokens;

    LogprobWriter(TokenText tokens) {
        this.tokens = tokens;
    }

    /** Chat: {@code {"content":[…]}}, most probable first in {@code top_logprobs}. */
    void chat(JsonOut out, List<TokenLogprobs> positions, int numTop) {
        out.raw("{\"content\":[");
        for (int i = 0; i < positions.size(); i++) {
            TokenLogprobs position = positions.get(i);
            out.raw(i == 0 ? "" : ",");
            chatToken(out, position.tokenId(), position.logprob());
            out.raw(",\"top_logprobs\":[");
            for (int k = 0; k < Math.min(numTop, position.topIds().length); k++) {
                out.raw(k == 0 ? "" : ",");
                chatToken(out, position.topIds()[k], position.topLogprobs()[k]);
                out.raw("}");
            }
            out.raw("]}");
        }
        out.raw("]}");
    }

    private void chatToken(JsonOut out, int id, float logprob) {
        out.raw("{\"token\":").string(tokens.text(id)).raw(",\"logprob\":").number(finite(logprob));
        out.raw(",\"bytes\":[");
        byte[] bytes = tokens.bytes(id);
        for (int i = 0; i < bytes.length; i++) {
            out.raw(i == 0 ? "" : ",").number(bytes[i] & 0xFF);
        }
        out.raw("]");
    }

    /**
     * Completions: four parallel lists.
     *
     * @param prompt the prompt's ids and logprobs come first; null without echo
     * @return the text offset after the last token
     */
    int completion(
            JsonOut out,
            @Nullable TokenIds prompt,
            List<@Nullable TokenLogprobs> promptPositions,
            List<TokenLogprobs> positions,
            int textOffset) {
        JsonOut offsets = new JsonOut(64);
        JsonOut logprobs = new JsonOut(64);
        JsonOut texts = new JsonOut(64);
        JsonOut tops = new JsonOut(256);
        int numPrompt = prompt == null ? 0 : prompt.length();
        int offset = textOffset;
        for (int i = 0; i < numPrompt + positions.size(); i++) {
            TokenLogprobs position;
            int id;
            if (prompt != null && i < numPrompt) {
                position = i < promptPositions.size() ? promptPositions.get(i) : null;
                id = prompt.get(i);
            } else {
                position = positions.get(i - numPrompt);
                id = position.tokenId();
            }
            String comma = i == 0 ? "" : ",";
            String text = tokens.text(id);
            offsets.raw(comma).number(offset);
            offset += text.codePointCount(0, text.length());
            texts.raw(comma).string(text);
            logprobs.raw(comma);
            tops.raw(comma);
            if (position == null) {
                logprobs.raw("null");
                tops.raw("null");
            } else {
                logprobs.number(finite(position.logprob()));
                top(tops, position);
            }
        }
        out.raw("{\"text_offset\":[").raw(offsets.buffer().getBytes());
        out.raw("],\"token_logprobs\":[").raw(logprobs.buffer().getBytes());
        out.raw("],\"tokens\":[").raw(texts.buffer().getBytes());
        out.raw("],\"top_logprobs\":[").raw(tops.buffer().getBytes()).raw("]}");
        return offset;
    }

    /** The sampled token first, then the most probable ones; two tokens may have one text, the keys may not. */
    private void top(JsonOut out, TokenLogprobs position) {
        Set<String> seen = new HashSet<>();
        String sampled = tokens.text(position.tokenId());
        seen.add(sampled);
        out.raw("{").string(sampled).raw(":").number(finite(position.logprob()));
        for (int k = 0; k < position.topIds().length; k++) {
            String text = tokens.text(position.topIds()[k]);
            if (seen.add(text)) {
                out.raw(",").string(text).raw(":").number(finite(position.topLogprobs()[k]));
            }
        }
        out.raw("}");
    }

    /** {@code prompt_logprobs}: one object by token id for each position, null for the first. */
    void prompt(JsonOut out, List<@Nullable TokenLogprobs> positions) {
        if (positions.isEmpty()) {
            out.raw("null");
            return;
        }
        out.raw("[");
        for (int i = 0; i < positions.size(); i++) {
            TokenLogprobs position = positions.get(i);
            out.raw(i == 0 ? "" : ",");
            if (position == null) {
                out.raw("null");
            } else {
                out.raw("{");
                promptToken(out, position.tokenId(), position.logprob(), position.rank());
                for (int k = 0; k < position.topIds().length; k++) {
                    if (position.topIds()[k] != position.tokenId()) {
                        out.raw(",");
                        promptToken(out, position.topIds()[k], position.topLogprobs()[k], k + 1);
                    }
                }
                out.raw("}");
            }
        }
        out.raw("]");
    }

    private void promptToken(JsonOut out, int id, float logprob, int rank) {
        out.raw("\"").number(id).raw("\":{\"logprob\":").number(finite(logprob));
        out.raw(",\"rank\":")
                .number(rank)
                .raw(",\"decoded_token\":")
                .string(tokens.text(id))
                .raw("}");
    }

    private static float finite(float logprob) {
        return Math.max(logprob, LOWEST);
    }
}
