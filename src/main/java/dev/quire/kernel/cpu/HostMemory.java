package dev.quire.kernel.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the machine, or the container, can still give outside the Java heap. */
final class HostMemory {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path GROUP = Path.of("/sys/fs/cgroup");

    private HostMemory() {}

    /** Bytes; {@code Long.MAX_VALUE} where nobody says. */
    static long availableBytes() {
        return Math.min(machineBytes(), containerBytes());
    }

    private static long machineBytes() {
        try {
            return number(MEMINFO, "MemAvailable:") << 10;
        } catch (IOException | NumberFormatException e) {
            // Not Linux, or not readable: unknown.
            return Long.MAX_VALUE;
        }
    }

    private static long containerBytes() {
        try {
            // "max", which is no number, when there is no limit.
            long limit =
                    Long.parseLong(Files.readString(GROUP.resolve("memory.max")).strip());
            long used = Long.parseLong(
                    Files.readString(GROUP.resolve("memory.current")).strip());
            // Pages of files that were read count as used and are given back on demand.
            return limit - used + number(GROUP.resolve("memory.stat"), "inactive_file");
        } catch (IOException | NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    private static long number(Path file, String name) throws IOException {
        for (String line : Files.readAllLines(file)) {
            String[] words = line.split("\\s+");
            if (words.length > 1 && words[0].equals(name)) {
                return Long.parseLong(words[1]);
            }
        }
        throw new IOException(file + " has no " + name);
    }
}
