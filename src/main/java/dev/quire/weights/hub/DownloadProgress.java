package dev.quire.weights.hub;

/** Hears how a download goes; called from the download threads, several at once. */
public interface DownloadProgress {
    /** Before the first byte: what will be fetched. Sizes the hub did not tell count 0. */
    void started(String model, int numFiles, long totalBytes);

    /** {@code bytes} of {@code totalBytes} of this file are here; the first call may start past 0 when resuming. */
    void update(String file, long bytes, long totalBytes);

    /** Something a person wants to know, one line: a retry, a wait for another process. */
    void note(String line);

    /** After the last byte, also when it failed. */
    void finished();

    /** Hears nothing. */
    static DownloadProgress silent() {
        return new DownloadProgress() {
            @Override
            public void started(String model, int numFiles, long totalBytes) {}

            @Override
            public void update(String file, long bytes, long totalBytes) {}

            @Override
            public void note(String line) {}

            @Override
            public void finished() {}
        };
    }
}
