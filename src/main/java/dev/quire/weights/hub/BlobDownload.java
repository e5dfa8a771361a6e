package dev.quire.weights.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;

/**
 * Brings one file's bytes into the cache: appended to {@code .incomplete} from where an earlier attempt ended, checked, then
 * renamed, so that a blob under its own name is always whole and right.
 */
final class BlobDownload {
    /** Failures in a row without a byte more. */
    private static final int MAX_ATTEMPTS = 5;

    private static final int MAX_CHECKSUM_ATTEMPTS = 2;
    private static final int BUFFER_BYTES = 1 << 18;

    private final HubSession session;
    private final HubCache cache;
    private final ScheduledExecutorService watch;
    private final BooleanSupplier cancelled;

    /** {@code watch} runs the watches for stalled transfers; once {@code cancelled} says so, transfers end soon. */
    BlobDownload(HubSession session, ScheduledExecutorService watch, BooleanSupplier cancelled) {
        this.session = session;
        this.cache = session.cache();
        this.watch = watch;
        this.cancelled = cancelled;
    }

    /** Gets one file of a commit into blobs and snapshot, unless it is there; throws {@link HubException}. */
    void fetch(String commit, String name) throws InterruptedException {
        Retries retries = new Retries(session, cancelled);
        try {
            HubFile file =
                    retries.run(name, MAX_ATTEMPTS, () -> session.client().identify(session.model(), commit, name));
            Runnable onWait = () -> note(name + " is being downloaded by another process, waiting");
            try (HubLock lock = HubLock.acquire(cache.lock(file.etag()), onWait)) {
                Files.createDirectories(cache.blob(file.etag()).getParent());
                if (!Files.exists(cache.blob(file.etag()))) {
                    fetchBlob(retries, commit, file);
                }
                cache.link(commit, name, file.etag());
            }
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private void fetchBlob(Retries retries, String commit, HubFile file) throws IOException, InterruptedException {
        Path incomplete = cache.incomplete(file.etag());
        BlobChecksum checksum = new BlobChecksum(file);
        for (int checks = 1; checks <= MAX_CHECKSUM_ATTEMPTS; checks++) {
            retries.run(file.name(), MAX_ATTEMPTS, () -> sizeOf(incomplete), () -> {
                transfer(commit, file, incomplete, checksum);
                return file;
            });
            if (checksum.matches()) {
                Files.move(incomplete, cache.blob(file.etag()), StandardCopyOption.ATOMIC_MOVE);
                return;
            }
            Files.delete(incomplete);
            note("checksum of " + file.name() + " does not match");
        }
        throw new HubException("checksum of " + file.name() + " of " + session.model() + " does not match after "
                + MAX_CHECKSUM_ATTEMPTS + " downloads: expected " + file.etag());
    }

    private void transfer(String commit, HubFile file, Path incomplete, BlobChecksum checksum)
            throws IOException, InterruptedException {
        try (FileChannel out = FileChannel.open(
                incomplete, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (file.sizeBytes() >= 0 && out.size() > file.sizeBytes()) {
                out.truncate(0);
            }
            long have = reread(out, checksum);
            session.progress().update(file.name(), have, file.sizeBytes());
            if (have == file.sizeBytes()) {
                return;
            }
            HttpResponse<InputStream> reply = session.client().open(session.model(), commit, file.name(), have);
            try (InputStream body = reply.body()) {
                boolean continues = reply.statusCode() == 206 && startsAt(reply, have);
                if (!continues) {
                    out.truncate(0);
                    checksum.restart();
                    have = 0;
                }
                if (reply.statusCode() == 416 || reply.statusCode() == 206 && !continues) {
                    throw new IOException("the server does not continue at the byte asked for");
                }
                copy(file, body, out, have, checksum);
            }
        }
    }

    private void copy(HubFile file, InputStream body, FileChannel out, long start, BlobChecksum checksum)
            throws IOException {
        long have = start;
        byte[] buffer = new byte[BUFFER_BYTES];
        try (StallWatch stall = StallWatch.start(watch, session.settings().stallTimeout(), body)) {
            for (int n; (n = stall.read(buffer)) >= 0; ) {
                if (cancelled.getAsBoolean()) {
                    throw new HubException("download of " + file.name() + " was given up");
                }
                write(out, buffer, n);
                checksum.update(buffer, n);
                have += n;
                session.progress().update(file.name(), have, file.sizeBytes());
                if (file.sizeBytes() >= 0 && have > file.sizeBytes()) {
                    // Not this file; its checksum will say so.
                    return;
                }
            }
        }
        if (file.sizeBytes() >= 0 && have < file.sizeBytes()) {
            throw new IOException("connection cut after " + have + " of " + file.sizeBytes() + " bytes");
        }
    }

    /** Feeds the bytes of earlier attempts to the checksum and leaves the channel at their end. */
    private static long reread(FileChannel out, BlobChecksum checksum) throws IOException {
        checksum.restart();
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int n; (n = out.read(ByteBuffer.wrap(buffer))) > 0; ) {
            checksum.update(buffer, n);
        }
        return out.position();
    }

    private void write(FileChannel out, byte[] buffer, int length) {
        try {
            for (ByteBuffer rest = ByteBuffer.wrap(buffer, 0, length); rest.hasRemaining(); ) {
                out.write(rest);
            }
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private void note(String line) {
        session.progress().note(line);
    }

    private HubException cannotWrite(IOException e) {
        return new HubException(
                "cannot write to " + cache.folder() + ": " + e + "; HF_HOME names another place", e, false);
    }

    private static boolean startsAt(HttpResponse<?> reply, long start) {
        return reply.headers()
                .firstValue("Content-Range")
                .map(range -> range.startsWith("bytes " + start + "-"))
                .orElse(false);
    }

    private static long sizeOf(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }
}
