package dev.quire.weights.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Speaks the hub's HTTP: lists a revision, asks for a file's identity, opens a file from some byte. */
final class HubClient {
    static final Set<String> SCHEMES = Set.of("http", "https");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Duration REPLY_TIMEOUT = Duration.ofSeconds(30);
    private static final int MAX_REDIRECTS = 8;

    private final HubSettings settings;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    HubClient(HubSettings settings) {
        this.settings = settings;
    }

    /** The files of a revision and the commit it stands for. */
    HubListing list(HubModel model) throws IOException, InterruptedException {
        // blobs=true adds the sizes; a mirror that does not know it leaves them out.
        URI uri = uri("/api/models/" + model.id() + "/revision/" + encode(model.revision()) + "?blobs=true");
        HttpResponse<InputStream> reply = follow(HttpRequest.newBuilder(uri).GET(), uri, true);
        try (InputStream body = reply.body()) {
            if (reply.statusCode() != 200) {
                throw HubErrors.of(model, settings, reply);
            }
            JsonNode json = MAPPER.readTree(body);
            String commit = json.path("sha").asText();
            if (!HubModel.isCommit(commit)) {
                throw new HubException(settings.endpoint() + " names no commit for " + model + ": '" + commit + "'");
            }
            List<HubListing.Entry> entries = new ArrayList<>();
            for (JsonNode sibling : json.path("siblings")) {
                entries.add(new HubListing.Entry(
                        sibling.path("rfilename").asText(), sibling.path("size").asLong(0)));
            }
            return HubListing.of(commit, entries);
        }
    }

    /** Identity and size of a file, from the headers of the hub itself, not of where it redirects to. */
    HubFile identify(HubModel model, String commit, String name) throws IOException, InterruptedException {
        URI uri = fileUri(model, commit, name);
        HttpRequest.Builder head = HttpRequest.newBuilder(uri).method("HEAD", HttpRequest.BodyPublishers.noBody());
        HttpResponse<InputStream> reply = follow(head, uri, false);
        reply.body().close();
        int status = reply.statusCode();
        if (status != 200 && (status < 300 || status >= 400)) {
            throw HubErrors.of(model, settings, reply);
        }
        return HubFile.of(name, commit, status, reply.headers());
    }

    /** Opens a file from byte {@code start} on; the caller looks at the status (200 or 206) and closes the body. */
    HttpResponse<InputStream> open(HubModel model, String commit, String name, long start)
            throws IOException, InterruptedException {
        URI uri = fileUri(model, commit, name);
        HttpRequest.Builder get = HttpRequest.newBuilder(uri).GET();
        if (start > 0) {
            get.header("Range", "bytes=" + start + "-");
        }
        HttpResponse<InputStream> reply = follow(get, uri, true);
        int status = reply.statusCode();
        if (status != 200 && status != 206 && status != 416) {
            reply.body().close();
            if (!isEndpoint(reply.uri())) {
                // A signed address that expired, say: asking the hub again gives a fresh one.
                throw new IOException("HTTP " + status + " from " + reply.uri().getHost());
            }
            throw HubErrors.of(model, settings, reply);
        }
        return reply;
    }

    /**
     * Sends a request and follows redirects: within the endpoint (a renamed repository) always, to other hosts (where the
     * bytes are) only when {@code elsewhere}. Only the endpoint gets the token.
     */
    private HttpResponse<InputStream> follow(HttpRequest.Builder request, URI first, boolean elsewhere)
            throws IOException, InterruptedException {
        request.header("User-Agent", "quire")
                .header("Accept-Encoding", "identity")
                .timeout(REPLY_TIMEOUT);
        URI at = first;
        for (int hops = 0; hops <= MAX_REDIRECTS; hops++) {
            HttpRequest.Builder hop = request.copy().uri(at);
            if (isEndpoint(at)) {
                settings.token().ifPresent(token -> hop.header("Authorization", "Bearer " + token));
            }
            HttpResponse<InputStream> reply = http.send(hop.build(), HttpResponse.BodyHandlers.ofInputStream());
            Optional<String> location = reply.headers().firstValue("Location");
            boolean redirect = reply.statusCode() >= 300 && reply.statusCode() < 400 && location.isPresent();
            if (!redirect) {
                return reply;
            }
            URI next = target(at, location.get());
            if (!isEndpoint(next) && !elsewhere) {
                return reply;
            }
            reply.body().close();
            at = next;
        }
        throw new IOException("more than " + MAX_REDIRECTS + " redirects from " + first);
    }

    private static URI target(URI from, String location) throws IOException {
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new IOException("redirect to a malformed address", e);
        }
        String scheme = String.valueOf(to.getScheme());
        boolean weaker = from.getScheme().equals("https") && !scheme.equals("https");
        if (!SCHEMES.contains(scheme) || to.getHost() == null || weaker) {
            throw new IOException("refused redirect from " + from.getScheme() + " to " + scheme + "://" + to.getHost());
        }
        return to;
    }

    private boolean isEndpoint(URI uri) {
        URI endpoint = settings.endpoint();
        return endpoint.getScheme().equals(uri.getScheme())
                && endpoint.getHost().equalsIgnoreCase(uri.getHost())
                && endpoint.getPort() == uri.getPort();
    }

    private URI fileUri(HubModel model, String commit, String name) {
        List<String> segments = new ArrayList<>();
        for (String segment : name.split("/")) {
            segments.add(encode(segment));
        }
        return uri("/" + model.id() + "/resolve/" + commit + "/" + String.join("/", segments));
    }

    private URI uri(String path) {
        return URI.create(settings.endpoint() + path);
    }

    private static String encode(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
