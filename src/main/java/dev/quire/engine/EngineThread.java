package dev.quire.engine;

import dev.quire.queue.EngineCommand;
import dev.quire.queue.RequestQueue;
import dev.quire.request.GenerationRequest;
import dev.quire.request.InvalidParameterException;
import dev.quire.runner.StepRunner;
import dev.quire.scheduler.SchedulerStats;
import java.lang.System.Logger;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Runs the engine's loop on its one thread, and is the {@link EngineClient} of everybody else. */
public final class EngineThread implements EngineClient, AutoCloseable {
    private static final Logger LOG = System.getLogger(EngineThread.class.getName());
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final EngineConfig config;
    private final RequestQueue queue;
    private final Engine engine;
    private final boolean verifying;
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicReference<State> state = new AtomicReference<>(State.STARTING);
    private volatile String failure = "";

    /**
     * @param hashSeed salts the prefix cache; random in production
     * @param verifying check all block invariants after every step (tests)
     */
    public EngineThread(EngineConfig config, StepRunner runner, long hashSeed, boolean verifying) {
        this.config = config;
        this.verifying = verifying;
        queue = new RequestQueue(config.maxNumQueuedRequests(), config.maxNumQueuedTokens());
        engine = new Engine(config, runner, queue, hashSeed);
        thread = new Thread(this::loop, "quire-engine");
        thread.setDaemon(true);
    }

    /** Starts the loop; requests are taken from now on. */
    public void start() {
        if (state.compareAndSet(State.STARTING, State.READY)) {
            thread.start();
        }
    }

    private void loop() {
        try {
            while (state.get() != State.STOPPED && !(state.get() == State.DRAINING && engine.isIdle())) {
                boolean worked = engine.step();
                if (verifying) {
                    engine.verify();
                }
                if (!worked && state.get() == State.READY) {
                    queue.await(IDLE_NANOS);
                }
            }
            state.set(State.STOPPED);
            engine.failAll(endCause());
        } catch (Throwable fault) {
            die(fault);
        } finally {
            closeRunner();
            ended.countDown();
            failLate();
        }
    }

    /** A fault ends the engine loudly: nothing is known about the device's state any more. */
    private void die(Throwable fault) {
        failure = fault.getClass().getSimpleName() + ": " + fault.getMessage();
        state.set(State.DEAD);
        LOG.log(Logger.Level.ERROR, "engine died: " + failure, fault);
        try {
            engine.failAll(endCause());
        } catch (RuntimeException again) {
            LOG.log(Logger.Level.ERROR, "while failing the requests in flight: " + again.getMessage(), again);
        }
    }

    private void closeRunner() {
        try {
            engine.closeRunner();
        } catch (RuntimeException e) {
            LOG.log(Logger.Level.WARNING, "closing the runner: " + e.getMessage(), e);
        }
    }

    @Override
    public Admission submit(GenerationRequest request) {
        int promptLength = request.prompt().length();
        if (promptLength > config.maxModelLen()
                || (promptLength == config.maxModelLen() && request.params().maxTokens() > 0)) {
            throw new InvalidParameterException(
                    "prompt", "the prompt has " + promptLength + " tokens, the context " + config.maxModelLen());
        }
        if (state.get() != State.READY) {
            return Admission.UNAVAILABLE;
        }
        if (!queue.offer(request)) {
            return Admission.QUEUE_FULL;
        }
        if (ended.getCount() == 0) {
            failLate();
        }
        return Admission.ACCEPTED;
    }

    /** The loop is over: whatever is still offered is failed by whoever sees it, the last look of the loop included. */
    private void failLate() {
        synchronized (ended) {
            engine.failAll(endCause());
        }
    }

    private String endCause() {
        return failure.isEmpty() ? "the server is shutting down" : "the engine died: " + failure;
    }

    @Override
    public void abort(GenerationRequest request) {
        queue.send(new EngineCommand.Abort(request));
    }

    @Override
    public void finish(GenerationRequest request, int index) {
        queue.send(new EngineCommand.Finish(request, index));
    }

    @Override
    public State state() {
        return state.get();
    }

    @Override
    public String failure() {
        return failure;
    }

    @Override
    public int retryAfterSeconds() {
        // A crude estimate is enough: one second, and one more for every full batch that waits.
        int waiting = engine.stats().numWaiting();
        return Math.min(60, 1 + waiting / config.maxNumSeqs());
    }

    @Override
    public EngineStats stats() {
        SchedulerStats s = engine.stats();
        int numBlocks = s.numBlocks();
        int numFree = s.numFreeBlocks();
        int queued = Math.max(0, queue.numSequences() - s.numRunning());
        return new EngineStats(
                s.numRunning(),
                queued,
                numBlocks == 0 ? 0 : 1 - (double) numFree / numBlocks,
                numBlocks,
                numFree,
                s.numSlotSteps(),
                s.numEmptySlotSteps(),
                s.numPreemptions(),
                s.numPromptTokens(),
                s.numCachedPromptTokens(),
                s.numGenerationTokens(),
                s.numCacheQueries(),
                s.numCacheHits(),
                s.numSteps(),
                s.iterationTokens(),
                s.numIterationTokens(),
                s.numFinished(),
                engine.hostNanos());
    }

    /** Waits for the loop's end; the one-line cause when it died of a fault, empty when it was stopped. */
    public String awaitEnd() throws InterruptedException {
        ended.await();
        return failure;
    }

    public EngineConfig config() {
        return config;
    }

    /** Takes nothing new and finishes what is in flight, for so long; then fails the rest. Waits for the end. */
    public void shutdown(long maxWaitMillis) throws InterruptedException {
        if (state.compareAndSet(State.STARTING, State.STOPPED)) {
            closeRunner();
            return;
        }
        state.compareAndSet(State.READY, State.DRAINING);
        queue.wakeUp();
        if (!ended.await(maxWaitMillis, TimeUnit.MILLISECONDS)) {
            state.compareAndSet(State.DRAINING, State.STOPPED);
            queue.wakeUp();
            ended.await(30, TimeUnit.SECONDS);
        }
    }

    /** {@link #shutdown} without waiting for requests in flight. */
    @Override
    public void close() {
        try {
            shutdown(0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
