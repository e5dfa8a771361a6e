package dev.quire.server.ops;

import io.prometheus.client.CollectorRegistry;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** The registry that the framework's own meters (JVM, process, HTTP) end in, shared with {@code /metrics}. */
@Singleton
class ProcessMetrics {
    @Produces
    @Singleton
    CollectorRegistry registry() {
        return new CollectorRegistry(true);
    }
}
