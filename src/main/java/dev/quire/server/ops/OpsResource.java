package dev.quire.server.ops;

import dev.quire.engine.EngineClient;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.common.annotation.NonBlocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.StringWriter;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** {@code /health}, {@code /ping}, {@code /version} and {@code /metrics}: never guarded by a key. */
@Path("/")
public class OpsResource {
    private final EngineClient engine;
    private final ServingMetrics metrics;
    private final CollectorRegistry process;
    private final String version;

    OpsResource(
            EngineClient engine,
            ServingMetrics metrics,
            CollectorRegistry process,
            @ConfigProperty(name = "quarkus.application.version") String version) {
        this.engine = engine;
        this.metrics = metrics;
        this.process = process;
        this.version = version;
    }

    /** 200 with an empty body when requests are taken, else 503. */
    @GET
    @Path("/health")
    @NonBlocking
    public Response health() {
        return Response.status(engine.state() == EngineClient.State.READY ? 200 : 503)
                .build();
    }

    @GET
    @Path("/ping")
    @NonBlocking
    public Response ping() {
        return health();
    }

    @POST
    @Path("/ping")
    @NonBlocking
    public Response postPing() {
        return health();
    }

    @GET
    @Path("/version")
    @Produces(MediaType.APPLICATION_JSON)
    @NonBlocking
    public String version() {
        return "{\"version\":\"" + version + "\"}";
    }

    /** The serving metrics, then those of the process and of HTTP. */
    @GET
    @Path("/metrics")
    @Blocking
    public Response metrics() throws IOException {
        StringWriter text = new StringWriter();
        text.write(metrics.scrape());
        TextFormat.write004(text, process.metricFamilySamples());
        return Response.ok(text.toString())
                .header("Content-Type", TextFormat.CONTENT_TYPE_004)
                .build();
    }
}
