package dev.quire.boot;

/** The version of this build; a test keeps it equal to the project's. */
public final class QuireVersion {
    public static final String VERSION = "0.1.0";

    private QuireVersion() {}
}
