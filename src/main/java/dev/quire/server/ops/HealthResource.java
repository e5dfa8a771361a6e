package dev.quire.server.ops;

import dev.quire.engine.EngineClient;
import io.smallrye.common.annotation.NonBlocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** {@code /health}, {@code /ping} and {@code /version}: need nothing but the engine's state, and no key. */
@Path("/")
@NonBlocking
public class HealthResource {
    private final EngineClient engine;
    private final String version;

    HealthResource(EngineClient engine, @ConfigProperty(name = "quarkus.application.version") String version) {
        this.engine = engine;
        this.version = version;
    }

    /** 200 with an empty body when requests are taken, else 503. */
    @GET
    @Path("/health")
    public Response health() {
        boolean ready = engine.state() == EngineClient.State.READY;
        return Response.status(ready ? 200 : 503).build();
    }

    @GET
    @Path("/ping")
    public Response ping() {
        return health();
    }

    @POST
    @Path("/ping")
    public Response postPing() {
        return health();
    }

    @GET
    @Path("/version")
    @Produces(MediaType.APPLICATION_JSON)
    public String version() {
        return "{\"version\":\"" + version + "\"}";
    }
}
