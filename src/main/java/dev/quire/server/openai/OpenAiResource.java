package dev.quire.server.openai;

import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;

/**
 * {@code /v1/completions} and {@code /v1/chat/completions}.
 *
 * <p>The methods answer through the Vert.x response and never complete: the bytes of a stream leave the process in one
 * write a drain, without a reactive stream in between. Content types are checked where the body is read, as a wrong one
 * is a 400 in this API.
 */
@Path("/v1")
@Consumes(MediaType.WILDCARD)
@Produces({MediaType.APPLICATION_JSON, MediaType.SERVER_SENT_EVENTS})
public class OpenAiResource {
    private final GenerationService service;

    OpenAiResource(GenerationService service) {
        this.service = service;
    }

    @POST
    @Path("/completions")
    public Uni<Void> completions(byte[] body, @Context HttpServerRequest request) {
        service.complete(new Exchange("cmpl-", request), body);
        return Uni.createFrom().nothing();
    }

    @POST
    @Path("/chat/completions")
    public Uni<Void> chatCompletions(byte[] body, @Context HttpServerRequest request) {
        service.chat(new Exchange("chatcmpl-", request), body);
        return Uni.createFrom().nothing();
    }
}
