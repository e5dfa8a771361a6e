package dev.quire.boot;

import io.quarkus.value.registry.ValueRegistry;
import io.quarkus.vertx.http.HttpServer;

/**
 * Where the HTTP server listens.
 *
 * @param host address it is bound to
 * @param port the real one, also when a free one was asked for
 */
record ServerAddress(String host, int port) {
    /** The address of the running server. */
    static ServerAddress of(String host, ValueRegistry registry) {
        return new ServerAddress(host, registry.get(HttpServer.HTTP_SERVER).getPort());
    }

    /** As a client would type it. */
    String url() {
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
