package dev.quire.server.openai;

import dev.quire.frontend.InputProcessor;
import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.ServedModel;
import dev.quire.request.TokenIds;
import dev.quire.server.JsonOut;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;

/** {@code /tokenize} and {@code /detokenize}. */
@Path("/")
@Consumes(MediaType.WILDCARD)
@Produces(MediaType.APPLICATION_JSON)
public class TokenizerResource {
    private final InputProcessor input;
    private final ServedModel model;

    TokenizerResource(GenerationService service, ServedModel model) {
        this.input = service.input();
        this.model = model;
    }

    @POST
    @Path("/tokenize")
    public Uni<Void> tokenize(byte[] body, @Context HttpServerRequest request) {
        Exchange exchange = new Exchange("tok-", request);
        exchange.handle(body, () -> tokenize(body), answer -> send(exchange, answer));
        return Uni.createFrom().nothing();
    }

    @POST
    @Path("/detokenize")
    public Uni<Void> detokenize(byte[] body, @Context HttpServerRequest request) {
        Exchange exchange = new Exchange("tok-", request);
        exchange.handle(body, () -> detokenize(body), answer -> send(exchange, answer));
        return Uni.createFrom().nothing();
    }

    private static void send(Exchange exchange, JsonOut answer) {
        exchange.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .end(answer.buffer());
    }

    private JsonOut tokenize(byte[] json) {
        JsonFields body = JsonFields.parse(json);
        input.checkModel(body.string("model"));
        boolean withStrings = body.bool("return_token_strs", false);
        int[] ids;
        if (body.has("messages")) {
            var conversation = ChatRequest.input(body);
            body.check();
            ids = input.encodeChat(conversation);
        } else {
            String prompt = body.string("prompt");
            boolean addSpecialTokens = body.bool("add_special_tokens", true);
            if (!body.has("prompt")) {
                body.missing("prompt");
            }
            body.check();
            ids = input.encodeText(String.valueOf(prompt), addSpecialTokens);
        }
        JsonOut out = new JsonOut(64 + 8 * ids.length);
        out.raw("{\"count\":").number(ids.length);
        out.raw(",\"max_model_len\":").number(model.maxModelLen()).raw(",\"tokens\":");
        ChoiceEnd.ids(out, TokenIds.of(ids));
        out.raw(",\"token_strs\":");
        if (withStrings) {
            for (int i = 0; i < ids.length; i++) {
                out.raw(i == 0 ? "[" : ",").string(input.vocabularyEntry(ids[i]));
            }
            out.raw(ids.length == 0 ? "[]" : "]");
        } else {
            out.raw("null");
        }
        return out.raw("}");
    }

    private JsonOut detokenize(byte[] json) {
        JsonFields body = JsonFields.parse(json);
        input.checkModel(body.string("model"));
        int[] ids = body.integers("tokens");
        if (ids == null) {
            body.missing("tokens");
        }
        body.check();
        if (ids == null) {
            throw InvalidRequest.badSchema("body.tokens", "Field required");
        }
        return new JsonOut(64).raw("{\"prompt\":").string(input.decode(ids)).raw("}");
    }
}
