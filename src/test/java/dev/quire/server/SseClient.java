package dev.quire.server;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** HTTP/1.1 over a bare socket: sees a stream's bytes as they are, reads slowly, goes away at any moment. */
public final class SseClient implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private int chunkLeft;

    public SseClient(URI server, String path, String json) throws IOException {
        socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout(120_000);
        socket.connect(new InetSocketAddress(server.getHost(), server.getPort()));
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        String head = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + ScriptedServer.KEY
                + "\r\nX-Request-Id: abc\r\nContent-Type: application/json\r\nContent-Length: " + body.length
                + "\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(body);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** Status line and headers, up to the empty line. */
    public String head() throws IOException {
        StringBuilder head = new StringBuilder();
        String line = line();
        while (!line.isEmpty()) {
            head.append(line).append('\n');
            line = line();
        }
        return head.toString();
    }

    /** The next event with its blank line, or what came before the body's end. */
    public String event() throws IOException {
        ByteArrayOutputStream event = new ByteArrayOutputStream();
        int previous = 0;
        int next = bodyByte();
        while (next >= 0) {
            event.write(next);
            if (previous == '\n' && next == '\n') {
                break;
            }
            previous = next;
            next = bodyByte();
        }
        return event.toString(StandardCharsets.UTF_8);
    }

    /** One byte of the chunked body, or -1 at its end. */
    private int bodyByte() throws IOException {
        if (chunkLeft == 0) {
            chunkLeft = Integer.parseInt(line(), 16);
            if (chunkLeft == 0) {
                return -1;
            }
        }
        int next = in.read();
        if (--chunkLeft == 0) {
            line();
        }
        return next;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        int next = in.read();
        while (next != '\n') {
            if (next < 0) {
                throw new IOException("connection closed after \"" + line + "\"");
            }
            line.append((char) next);
            next = in.read();
        }
        return line.substring(0, Math.max(0, line.length() - 1));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
