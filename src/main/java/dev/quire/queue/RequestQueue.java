package dev.quire.queue;

import dev.quire.request.GenerationRequest;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Bounded, many producers, one consumer; {@link #offer} never blocks. The bound covers a request from its offer to its
 * end (sequences) and until its prompt is computed (tokens), so whatever sits in the scheduler counts too. Aborts and
 * finishes always pass: there are never more of them than of requests.
 */
public final class RequestQueue {
    private final int maxSequences;
    private final long maxPromptTokens;
    private final ConcurrentLinkedQueue<EngineCommand> commands = new ConcurrentLinkedQueue<>();
    private final AtomicInteger numSequences = new AtomicInteger();
    private final AtomicLong numPromptTokens = new AtomicLong();
    /** The consumer while it is parked or about to park. */
    private volatile @Nullable Thread sleeper;

    public RequestQueue(int maxSequences, long maxPromptTokens) {
        this.maxSequences = maxSequences;
        this.maxPromptTokens = maxPromptTokens;
    }

    /** Hands a request over; false when the bound is reached. An empty queue takes any request. */
    public boolean offer(GenerationRequest request) {
        int n = request.params().n();
        int sequences = numSequences.addAndGet(n);
        long tokens = numPromptTokens.addAndGet(request.prompt().length());
        boolean alone = sequences == n;
        if (!alone && (sequences > maxSequences || tokens > maxPromptTokens)) {
            numSequences.addAndGet(-n);
            numPromptTokens.addAndGet(-request.prompt().length());
            return false;
        }
        send(new EngineCommand.Submit(request));
        return true;
    }

    /** Hands over an abort or a finish. */
    public void send(EngineCommand command) {
        commands.add(command);
        wakeUp();
    }

    /** Wakes the consumer. */
    public void wakeUp() {
        Thread thread = sleeper;
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    /** Gives every waiting command to the consumer, on its thread. */
    public void drain(Consumer<EngineCommand> consumer) {
        for (EngineCommand command = commands.poll(); command != null; command = commands.poll()) {
            consumer.accept(command);
        }
    }

    /** Parks the consumer until a command is there, {@link #wakeUp} is called, or the time is over. */
    public void await(long maxNanos) {
        sleeper = Thread.currentThread();
        if (commands.isEmpty()) {
            LockSupport.parkNanos(this, maxNanos);
        }
        sleeper = null;
    }

    /** A sequence ended: its place is free. */
    public void releaseSequence() {
        numSequences.decrementAndGet();
    }

    /** A request's prompt is computed, or will never be. */
    public void releasePromptTokens(int count) {
        numPromptTokens.addAndGet(-count);
    }

    /** Sequences offered and not ended. */
    public int numSequences() {
        return numSequences.get();
    }

    /** Prompt tokens offered and not computed. */
    public long numPromptTokens() {
        return numPromptTokens.get();
    }

    public boolean isEmpty() {
        return commands.isEmpty();
    }
}
