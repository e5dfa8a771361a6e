package dev.quire.server.openai;

import dev.quire.frontend.InvalidRequest;
import dev.quire.server.ApiError;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Errors that the framework finds, in the API's form. */
class ErrorMappers {
    @ServerExceptionMapper
    Response framework(WebApplicationException e) {
        Response original = e.getResponse();
        Response.ResponseBuilder builder = Response.status(original.getStatus());
        if (original.getHeaders().containsKey("Allow")) {
            builder.header("Allow", original.getHeaderString("Allow"));
        }
        return body(builder, ApiError.ofStatus(original.getStatus(), null));
    }

    @ServerExceptionMapper
    Response invalid(InvalidRequest e) {
        return body(Response.status(e.status()), ApiError.of(e));
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e) {
        return body(Response.status(500), ApiError.of(e));
    }

    private static Response body(Response.ResponseBuilder builder, ApiError error) {
        return builder.type(MediaType.APPLICATION_JSON_TYPE)
                .entity(error.body().getBytes())
                .build();
    }
}
