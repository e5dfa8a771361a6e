package dev.quire.kernel;

/**
 * Replays steps that a device has seen before, in one call instead of one a kernel. Only for steps whose launches depend on
 * nothing but the key: what varies must lie in device memory.
 */
public interface StepGraphs {
    /**
     * Runs {@code work}, or replays what it enqueued when it ran under this key.
     *
     * @param key says which launches {@code work} makes; ≥ 0
     */
    void run(int key, Runnable work);
}
