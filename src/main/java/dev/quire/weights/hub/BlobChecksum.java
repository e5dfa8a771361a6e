package dev.quire.weights.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Compares bytes with what the ETag promises: 64 hexadecimal digits are their SHA-256, 40 the SHA-1 of a git blob. Any other
 * ETag (of a mirror) promises nothing, nor does a git one without a known size.
 */
final class BlobChecksum {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private final HubFile file;
    private final MessageDigest digest;
    private final boolean checkable;

    BlobChecksum(HubFile file) {
        this.file = file;
        boolean sha256 = file.etag().matches("[0-9a-f]{64}");
        boolean git = file.etag().matches("[0-9a-f]{40}") && file.sizeBytes() >= 0;
        this.checkable = sha256 || git;
        try {
            this.digest = MessageDigest.getInstance(git ? "SHA-1" : "SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-1 and SHA-256", e);
        }
        restart();
    }

    /** Forgets all bytes. */
    void restart() {
        digest.reset();
        if (digest.getAlgorithm().equals("SHA-1")) {
            digest.update(("blob " + file.sizeBytes() + "\0").getBytes(StandardCharsets.US_ASCII));
        }
    }

    void update(byte[] bytes, int length) {
        if (checkable) {
            digest.update(bytes, 0, length);
        }
    }

    /** Whether the bytes are the promised ones; call once, then {@link #restart}. */
    boolean matches() {
        return !checkable || hex(digest.digest()).equals(file.etag());
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(HEX[(b >> 4) & 15]).append(HEX[b & 15]);
        }
        return text.toString();
    }
}
