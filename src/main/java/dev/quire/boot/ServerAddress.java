package dev.quire.boot;

import org.eclipse.microprofile.config.ConfigProvider;

/** Where the HTTP server listens. */
final class ServerAddress {
    private ServerAddress() {}

    /** As a client on this machine or another would type it. */
    static String url() {
        String host = ConfigProvider.getConfig().getValue("quarkus.http.host", String.class);
        return "http://" + host + ":" + port();
    }

    /** The bound port, also when a free one was asked for: Quarkus puts it into this property. */
    static int port() {
        String bound = System.getProperty("quarkus.http.port");
        return bound != null
                ? Integer.parseInt(bound)
                : ConfigProvider.getConfig().getValue("quarkus.http.port", Integer.class);
    }
}
