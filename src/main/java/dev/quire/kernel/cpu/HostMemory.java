package dev.quire.kernel.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the machine, or the container, can still give outside the Java heap. */
final class HostMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path LIMIT = Path.of("/sys/fs/cgroup/memory.max");
    private static final Path USED = Path.of("/sys/fs/cgroup/memory.current");

    private HostMemory() {}

    /** Bytes; {@code Long.MAX_VALUE} where nobody says. */
    static long availableBytes() {
        return Math.min(machineBytes(), containerBytes());
    }

    private static long machineBytes() {
        try {
            for (String line : Files.readAllLines(MEMINFO)) {
                if (line.startsWith("MemAvailable:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
                }
            }
        } catch (IOException | NumberFormatException e) {
            // Not Linux, or not readable: unknown.
        }
        return Long.MAX_VALUE;
    }

    private static long containerBytes() {
        try {
            // "max" when there is no limit. Pages of files count as used there, so this errs on the small side.
            return Long.parseLong(Files.readString(LIMIT).strip())
                    - Long.parseLong(Files.readString(USED).strip());
        } catch (IOException | NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }
}
