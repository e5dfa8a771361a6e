package dev.quire.weights.hub;

import java.net.http.HttpHeaders;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One file of a commit.
 *
 * @param name path inside the repository
 * @param etag what the blob is called in the cache: the SHA-256 of a large file, the git blob SHA-1 of a small one
 * @param sizeBytes -1 when the hub did not tell
 */
record HubFile(String name, String etag, long sizeBytes) {
    private static final Pattern ETAG = Pattern.compile("\\w[\\w.-]{0,127}");

    /** Reads the hub's headers; throws {@link HubException} when they do not identify a file safely. */
    static HubFile of(String name, String commit, int status, HttpHeaders headers) {
        String served = headers.firstValue("X-Repo-Commit").orElse(commit);
        if (!served.equals(commit)) {
            throw new HubException(name + ": asked for commit " + commit + ", the hub serves " + served);
        }
        String raw = headers.firstValue("X-Linked-Etag")
                .or(() -> headers.firstValue("ETag"))
                .orElse("");
        String etag = raw.replaceFirst("^W/", "").replace("\"", "");
        if (!ETAG.matcher(etag).matches() || etag.contains("..")) {
            throw new HubException(name + ": the hub gives no usable ETag: '" + raw + "'");
        }
        long size = headers.firstValue("X-Linked-Size")
                // A redirect's own body has another length.
                .or(() -> status == 200 ? headers.firstValue("Content-Length") : Optional.empty())
                .map(HubFile::size)
                .orElse(-1L);
        return new HubFile(name, etag, size);
    }

    private static long size(String text) {
        try {
            return Math.max(-1, Long.parseLong(text.strip()));
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
