package dev.quire.weights;

import dev.quire.tensor.HostBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A model in a directory; large files are memory-mapped. */
record DirectoryFiles(Path directory) implements ModelFiles {
    @Override
    public boolean has(String name) {
        return Files.isRegularFile(path(name));
    }

    @Override
    public byte[] read(String name) {
        try {
            return Files.readAllBytes(path(name));
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    @Override
    public HostBytes bytes(String name) {
        try {
            return MappedFile.open(path(name));
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    @Override
    public List<String> list() {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isRegularFile)
                    .map(p -> p.getFileName().toString())
                    .sorted()
                    .collect(Collectors.toUnmodifiableList());
        } catch (IOException e) {
            throw new CheckpointException(location(), "cannot be listed: " + e, e);
        }
    }

    @Override
    public String location() {
        return directory.toString();
    }

    private Path path(String name) {
        return directory.resolve(ModelFiles.checkName(location(), name));
    }

    private CheckpointException unreadable(String name, IOException e) {
        String why = e instanceof NoSuchFileException ? "file not found" : "cannot be read: " + e;
        return new CheckpointException(describe(name), why, e);
    }
}
