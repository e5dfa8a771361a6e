package dev.quire.weights.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Held by the one thread of all processes that writes a blob; the system lets go when the process ends. */
final class HubLock implements AutoCloseable {
    private static final long POLL_MILLIS = 100;

    private final FileChannel channel;

    private HubLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Waits until the lock is free; {@code onWait} runs once when it is not at first. */
    static HubLock acquire(Path file, Runnable onWait) throws IOException, InterruptedException {
        Files.createDirectories(file.getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            for (boolean first = true; tryLock(channel) == null; first = false) {
                if (first) {
                    onWait.run();
                }
                Thread.sleep(POLL_MILLIS);
            }
            return new HubLock(channel);
        } catch (IOException | InterruptedException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Another thread of this process holds it.
            return null;
        }
    }

    /** The file stays: deleting it would let two processes lock different files of one name. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
