package dev.quire.server.ops;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.StringWriter;

/** {@code /metrics}: the serving metrics, then those of the process and of HTTP; no key. */
@Path("/metrics")
public class MetricsResource {
    private final ServingMetrics serving;
    private final CollectorRegistry process;

    MetricsResource(ServingMetrics serving, CollectorRegistry process) {
        this.serving = serving;
        this.process = process;
    }

    @GET
    @Blocking
    public Response scrape() throws IOException {
        StringWriter text = new StringWriter();
        text.write(serving.scrape());
        TextFormat.write004(text, process.metricFamilySamples());
        return Response.ok(text.toString())
                .header("Content-Type", TextFormat.CONTENT_TYPE_004)
                .build();
    }
}
