package dev.quire.weights.hub;

import java.util.regex.Pattern;

/**
 * A repository and a revision of it, both safe as parts of a path and of an address.
 *
 * @param id {@code org/name}, or {@code name} alone
 * @param revision branch, tag or commit
 */
record HubModel(String id, String revision) {
    private static final Pattern ID = Pattern.compile("(\\w[\\w.-]*/)?\\w[\\w.-]*");
    private static final Pattern REVISION = Pattern.compile("\\w[\\w.+-]*(/\\w[\\w.+-]*)*");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final int MAX_ID_LENGTH = 200;

    /** Throws {@link HubException} when one of both is malformed. */
    HubModel {
        if (!isId(id)) {
            throw new HubException(
                    "'" + id + "' is not a model name: expected org/name of letters, digits, '-', '_', '.'");
        }
        if (!REVISION.matcher(revision).matches() || revision.contains("..") || revision.length() > MAX_ID_LENGTH) {
            throw new HubException("'" + revision + "' is not a revision: expected a branch, a tag or a commit");
        }
    }

    static boolean isId(String id) {
        // "--" separates the parts of the folder's name, ".." would climb.
        return id.length() <= MAX_ID_LENGTH
                && ID.matcher(id).matches()
                && !id.contains("--")
                && !id.contains("..")
                && !id.endsWith(".git")
                && !id.endsWith(".")
                && !id.endsWith("-");
    }

    /** Whether the revision is a full commit hash, which never changes its content. */
    boolean isPinned() {
        return isCommit(revision);
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** The repository's folder in a cache. */
    String folderName() {
        return "models--" + id.replace("/", "--");
    }

    @Override
    public String toString() {
        return revision.equals("main") ? id : id + "@" + revision;
    }
}
