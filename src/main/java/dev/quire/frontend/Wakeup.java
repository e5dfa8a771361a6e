package dev.quire.frontend;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Runs an action once for any number of signals until {@link #rearm}; several inboxes of one caller may share it.
 *
 * <p>The reader calls {@code rearm()} and then reads: a signal that comes after its read schedules the next one.
 */
public final class Wakeup {
    private final AtomicBoolean pending = new AtomicBoolean();
    private final Runnable schedule;

    /** @param schedule called on the signalling thread; must not block or throw */
    public Wakeup(Runnable schedule) {
        this.schedule = schedule;
    }

    /** Something can be read. */
    public void signal() {
        if (!pending.get() && pending.compareAndSet(false, true)) {
            schedule.run();
        }
    }

    /** The reader is about to read. */
    public void rearm() {
        pending.set(false);
    }
}
