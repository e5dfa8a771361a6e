package dev.quire.weights.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** Plays a hub and, on a second port, the host of its large files; can be told to misbehave. */
final class FakeHub implements AutoCloseable {
    static final String ID = "acme/tiny";
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    final HttpServer hub;
    final HttpServer cdn;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CountDownLatch closing = new CountDownLatch(1);

    final Map<String, byte[]> files = new TreeMap<>();
    /** Branches and tags. */
    final Map<String, String> revisions = new HashMap<>(Map.of("main", COMMIT));
    /** "GET cdn /path range" and so on, in order. */
    final List<String> log = new CopyOnWriteArrayList<>();

    volatile Optional<String> requiredToken = Optional.empty();
    volatile boolean gated;
    volatile int failLists;
    /** Number of bytes after which the next transfers of a file are cut, one entry of the list per transfer. */
    final Map<String, List<Integer>> cuts = new ConcurrentHashMap<>();
    /** Number of transfers of a file that get a wrong first byte. */
    final Map<String, Integer> corruptions = new ConcurrentHashMap<>();
    /** Files whose first transfer stops without a word. */
    final Map<String, Integer> stalls = new ConcurrentHashMap<>();

    volatile String cdnHost = "127.0.0.1";
    /** Sizes in the listing that are not those of the files. */
    final Map<String, Long> listedSizes = new ConcurrentHashMap<>();

    volatile boolean ignoresRange;
    volatile String extraSibling = "";

    FakeHub() throws IOException {
        // Else every small answer waits 40 ms for an acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        hub = server("hub");
        cdn = server("cdn");
    }

    private HttpServer server(String role) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                String range = exchange.getRequestHeaders().getFirst("Range");
                log.add(exchange.getRequestMethod() + " " + role + " "
                        + exchange.getRequestURI().getRawPath() + (range == null ? "" : " " + range));
                if (role.equals("hub")) {
                    hub(exchange);
                } else {
                    cdn(exchange);
                }
            }
        });
        server.start();
        return server;
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    HubSettings settings(Path cache) {
        return new HubSettings(
                endpoint(), cache, Optional.empty(), false, Duration.ofMillis(1), Duration.ofSeconds(20));
    }

    /** A model of two shards; the weights are large files, behind a redirect. */
    FakeHub withShardedModel() {
        text("config.json", "{\"model_type\":\"llama\"}");
        text("tokenizer.json", "{}");
        text("chat_template.jinja", "{{ messages }}");
        text("README.md", "read me");
        text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"s-1.safetensors\",\"b\":\"s-2.safetensors\"}}");
        files.put("s-1.safetensors", bytes(3_000_001, 1));
        files.put("s-2.safetensors", bytes(2_000_003, 2));
        files.put("consolidated.safetensors", bytes(100, 3));
        files.put("pytorch_model.bin", bytes(100, 4));
        files.put("onnx/model.safetensors", bytes(100, 5));
        return this;
    }

    void text(String name, String content) {
        files.put(name, content.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] bytes(int size, int seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    long count(String part) {
        return log.stream().filter(line -> line.contains(part)).count();
    }

    static boolean isLarge(String name) {
        return name.endsWith(".safetensors");
    }

    String etag(String name) {
        byte[] content = files.get(name);
        if (isLarge(name)) {
            return hash("SHA-256", content);
        }
        byte[] header = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] blob = new byte[header.length + content.length];
        System.arraycopy(header, 0, blob, 0, header.length);
        System.arraycopy(content, 0, blob, header.length, content.length);
        return hash("SHA-1", blob);
    }

    private static String hash(String algorithm, byte[] content) {
        try {
            StringBuilder hex = new StringBuilder();
            for (byte b : MessageDigest.getInstance(algorithm).digest(content)) {
                hex.append(String.format("%02x", b));
            }
            return hex.toString();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private void hub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String api = "/api/models/" + ID + "/revision/";
        String resolve = "/" + ID + "/resolve/";
        if (path.startsWith("/api/models/old/name/revision/")) {
            redirect(exchange, 307, path.replace("old/name", ID));
        } else if (!path.startsWith(api) && !path.startsWith(resolve)) {
            boolean hasToken = exchange.getRequestHeaders().containsKey("Authorization");
            error(exchange, hasToken ? 404 : 401, "RepoNotFound");
        } else if (!allowed(exchange)) {
            error(exchange, gated ? 403 : 401, gated ? "GatedRepo" : "RepoNotFound");
        } else if (path.startsWith(api)) {
            list(exchange, path.substring(api.length()));
        } else {
            resolve(exchange, path.substring(resolve.length()));
        }
    }

    private boolean allowed(HttpExchange exchange) {
        String sent = exchange.getRequestHeaders().getFirst("Authorization");
        return !gated
                && requiredToken.map(token -> ("Bearer " + token).equals(sent)).orElse(true);
    }

    private void list(HttpExchange exchange, String revision) throws IOException {
        String commit = revisions.getOrDefault(revision, revisions.containsValue(revision) ? revision : "");
        if (failLists > 0) {
            failLists--;
            error(exchange, 503, "");
        } else if (commit.isEmpty()) {
            error(exchange, 404, "RevisionNotFound");
        } else {
            String siblings = files.entrySet().stream()
                    .map(e -> "{\"rfilename\":\"" + e.getKey() + "\",\"size\":"
                            + listedSizes.getOrDefault(e.getKey(), (long) e.getValue().length) + "}")
                    .collect(Collectors.joining(","));
            byte[] json = ("{\"id\":\"" + ID + "\",\"sha\":\"" + commit + "\",\"siblings\":[" + extraSibling + siblings
                            + "]}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, json.length);
            exchange.getResponseBody().write(json);
        }
    }

    private void resolve(HttpExchange exchange, String rest) throws IOException {
        String revision = rest.substring(0, rest.indexOf('/'));
        String commit = revisions.getOrDefault(revision, revision);
        String name = rest.substring(rest.indexOf('/') + 1);
        if (!revisions.containsValue(commit) || !files.containsKey(name)) {
            error(exchange, 404, "EntryNotFound");
            return;
        }
        exchange.getResponseHeaders().set("X-Repo-Commit", commit);
        if (isLarge(name)) {
            exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + etag(name) + "\"");
            exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(files.get(name).length));
            redirect(exchange, 302, "http://" + cdnHost + ":" + cdn.getAddress().getPort() + "/signed/" + name);
        } else {
            exchange.getResponseHeaders().set("ETag", "W/\"" + etag(name) + "\"");
            send(exchange, name);
        }
    }

    private void cdn(HttpExchange exchange) throws IOException {
        if (exchange.getRequestHeaders().containsKey("Authorization")) {
            log.add("TOKEN LEAKED");
        }
        send(exchange, exchange.getRequestURI().getPath().replaceFirst("^/signed/", ""));
    }

    private void send(HttpExchange exchange, String name) throws IOException {
        byte[] content = files.get(name).clone();
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        int start = range == null || ignoresRange ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
        if (take(corruptions, name)) {
            content[start] ^= 1;
        }
        if (start > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + start + "-" + (content.length - 1) + "/" + content.length);
        }
        exchange.sendResponseHeaders(start > 0 ? 206 : 200, content.length - start);
        List<Integer> planned = cuts.getOrDefault(name, List.of());
        int end = content.length;
        if (!planned.isEmpty()) {
            cuts.put(name, planned.subList(1, planned.size()));
            end = Math.min(end, start + planned.get(0));
        }
        boolean stall = take(stalls, name);
        OutputStream body = exchange.getResponseBody();
        body.write(content, start, (stall ? (start + end) / 2 : end) - start);
        body.flush();
        if (stall) {
            await();
        }
    }

    private void await() {
        try {
            closing.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean take(Map<String, Integer> plan, String name) {
        int left = plan.getOrDefault(name, 0);
        plan.put(name, Math.max(0, left - 1));
        return left > 0;
    }

    private static void redirect(HttpExchange exchange, int status, String location) throws IOException {
        exchange.getResponseHeaders().set("Location", location);
        exchange.sendResponseHeaders(status, -1);
    }

    private static void error(HttpExchange exchange, int status, String code) throws IOException {
        exchange.getResponseHeaders().set("X-Error-Code", code);
        exchange.sendResponseHeaders(status, -1);
    }

    @Override
    public void close() {
        closing.countDown();
        hub.stop(0);
        cdn.stop(0);
        threads.shutdownNow();
    }
}
