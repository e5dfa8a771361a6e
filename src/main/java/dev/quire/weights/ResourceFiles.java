package dev.quire.weights;

import dev.quire.tensor.HostBytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model among the resources of a class path; {@link #bytes} reads a resource whole into native memory. */
record ResourceFiles(ClassLoader loader, String root) implements ModelFiles {
    @Override
    public boolean has(String name) {
        return loader.getResource(resource(name)) != null;
    }

    @Override
    public byte[] read(String name) {
        try (InputStream in = loader.getResourceAsStream(resource(name))) {
            if (in == null) {
                throw new CheckpointException(describe(name), "resource not found");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new CheckpointException(describe(name), "cannot be read: " + e, e);
        }
    }

    @Override
    public HostBytes bytes(String name) {
        byte[] content = read(name);
        return HostBytes.of(
                ByteBuffer.allocateDirect(content.length).put(content).flip());
    }

    @Override
    public List<String> list() {
        return List.of();
    }

    @Override
    public String location() {
        return "classpath:" + root;
    }

    @Override
    public @Nullable Path directory() {
        return null;
    }

    private String resource(String name) {
        return root + "/" + ModelFiles.checkName(location(), name);
    }
}
