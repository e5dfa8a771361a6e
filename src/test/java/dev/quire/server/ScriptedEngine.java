package dev.quire.server;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineStats;
import dev.quire.frontend.ByteTokenizer;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An engine for tests of the edge: emits a script from a thread of its own, in steps over all sequences of a request.
 * Without a script it echoes the prompt's text. Ends with the end-of-sequence token, or at max_tokens.
 */
public final class ScriptedEngine implements EngineClient {
    private static final int VERY_LONG = 1 << 20;

    private final ByteTokenizer tokenizer = new ByteTokenizer();
    private final Map<GenerationRequest, boolean[]> running = new ConcurrentHashMap<>();
    private final AtomicInteger numAborted = new AtomicInteger();
    private final long[] numFinished = new long[FinishReason.values().length];
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "scripted-engine");
        thread.setDaemon(true);
        return thread;
    });

    private volatile @Nullable String script;
    private volatile @Nullable String failure;
    private volatile int failAfter;
    private volatile boolean endless;
    private volatile long pauseNanos;
    private volatile @Nullable Semaphore steps;
    private volatile Admission admission = Admission.ACCEPTED;
    private volatile State state = State.READY;
    private volatile @Nullable GenerationRequest last;

    /** Back to echoing. */
    public void reset() {
        script = null;
        failure = null;
        endless = false;
        steps = null;
        admission = Admission.ACCEPTED;
        state = State.READY;
        last = null;
        numAborted.set(0);
    }

    /** Every request is answered with this text. */
    public void answer(String text) {
        script = text;
    }

    /** Fails after so many steps. */
    public void failAfter(int numSteps, String cause) {
        failAfter = numSteps;
        failure = cause;
    }

    /** Answers the letter x at this pace until it is aborted, whatever max_tokens says. */
    public void neverEnd(long nanosPerStep) {
        endless = true;
        pauseNanos = nanosPerStep;
    }

    /** One step a permit. */
    public Semaphore stepByStep() {
        Semaphore semaphore = new Semaphore(0);
        steps = semaphore;
        return semaphore;
    }

    public void admit(Admission value) {
        admission = value;
    }

    public void state(State value) {
        state = value;
    }

    /** The latest request. */
    public GenerationRequest last() {
        GenerationRequest request = last;
        if (request == null) {
            throw new IllegalStateException("no request came");
        }
        return request;
    }

    public int numAborted() {
        return numAborted.get();
    }

    public int numRunning() {
        return running.size();
    }

    @Override
    public Admission submit(GenerationRequest request) {
        last = request;
        Admission answer = admission;
        if (answer == Admission.ACCEPTED) {
            boolean[] ended = new boolean[request.params().n()];
            running.put(request, ended);
            threads.execute(() -> run(request, ended));
        }
        return answer;
    }

    private void run(GenerationRequest request, boolean[] ended) {
        try {
            generate(request, ended);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            running.remove(request);
        }
    }

    private void generate(GenerationRequest request, boolean[] ended) throws InterruptedException {
        SamplingParams params = request.params();
        int[] prompt = request.prompt().toArray();
        if (params.numPromptLogprobs() >= 0) {
            List<@Nullable TokenLogprobs> positions = new ArrayList<>();
            for (int i = 0; i < prompt.length; i++) {
                positions.add(i == 0 ? null : logprobs(prompt[i], params.numPromptLogprobs()));
            }
            request.sink().promptLogprobs(positions);
        }
        int[] tokens = tokens(prompt);
        int max = endless ? VERY_LONG : params.maxTokens();
        Semaphore gate = steps;
        for (int step = 0; step <= max && running.containsKey(request); step++) {
            if (gate != null && !gate.tryAcquire(20, TimeUnit.SECONDS)) {
                return;
            }
            if (endless) {
                LockSupport.parkNanos(pauseNanos);
            }
            if (failure != null && step == failAfter) {
                request.sink().failed(failure);
                return;
            }
            for (int i = 0; i < ended.length; i++) {
                if (!ended[i]) {
                    step(request, ended, i, step, max, endless ? 'x' : tokens[step]);
                }
            }
            if (allTrue(ended)) {
                return;
            }
        }
        for (int i = 0; i < ended.length; i++) {
            if (!ended[i]) {
                end(request, ended, i, FinishReason.ABORT, -1, 0);
            }
        }
    }

    private int[] tokens(int[] prompt) {
        String text = script != null ? script : tokenizer.decode(prompt, true);
        int[] body = tokenizer.encode(text, false);
        int[] tokens = Arrays.copyOf(body, body.length + 1);
        tokens[body.length] = ByteTokenizer.EOS;
        return tokens;
    }

    private void step(GenerationRequest request, boolean[] ended, int index, int step, int max, int token) {
        SamplingParams params = request.params();
        if (step < max) {
            request.sink()
                    .token(index, token, params.numLogprobs() >= 0 ? logprobs(token, params.numLogprobs()) : null);
        }
        boolean stopId = params.stopTokenIds().contains(token);
        if (step < max && (stopId || token == ByteTokenizer.EOS)) {
            end(request, ended, index, FinishReason.STOP, stopId ? token : -1, step + 1);
        } else if (step + 1 >= max) {
            end(request, ended, index, FinishReason.LENGTH, -1, Math.min(max, step + 1));
        }
    }

    private void end(
            GenerationRequest request, boolean[] ended, int index, FinishReason reason, int stopId, int numTokens) {
        ended[index] = true;
        synchronized (numFinished) {
            numFinished[reason.ordinal()]++;
        }
        long now = System.nanoTime();
        long arrival = request.arrivalNanos();
        request.sink()
                .finished(
                        index,
                        new SequenceResult(
                                reason,
                                stopId,
                                request.prompt().length(),
                                2,
                                numTokens,
                                0,
                                arrival,
                                arrival,
                                now,
                                now));
    }

    /** The token, then ids above it, each half as likely. */
    private static TokenLogprobs logprobs(int token, int numTop) {
        int size = Math.min(numTop, ByteTokenizer.VOCAB_SIZE);
        int[] ids = new int[size];
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            ids[i] = (token + i) % ByteTokenizer.VOCAB_SIZE;
            values[i] = -0.5f - i;
        }
        return new TokenLogprobs(token, -0.5f, 1, ids, values);
    }

    private static boolean allTrue(boolean[] flags) {
        for (boolean flag : flags) {
            if (!flag) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void abort(GenerationRequest request) {
        if (running.remove(request) != null) {
            numAborted.incrementAndGet();
        }
    }

    @Override
    public void finish(GenerationRequest request, int index) {
        boolean[] ended = running.get(request);
        if (ended != null && !ended[index]) {
            end(request, ended, index, FinishReason.STOP, -1, 1);
        }
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public String failure() {
        return state == State.DEAD ? "device fault" : "";
    }

    @Override
    public EngineStats stats() {
        synchronized (numFinished) {
            return new EngineStats(
                    3,
                    4,
                    0.25,
                    100,
                    75,
                    200,
                    6,
                    5,
                    60,
                    20,
                    700,
                    80,
                    9,
                    10,
                    new long[EngineStats.ITERATION_BUCKETS.length + 1],
                    11,
                    numFinished.clone(),
                    12);
        }
    }

    @Override
    public int retryAfterSeconds() {
        return 7;
    }

    /** The ids of a text, for comparisons. */
    public TokenIds ids(String text) {
        return TokenIds.of(tokenizer.encode(text, false));
    }
}
