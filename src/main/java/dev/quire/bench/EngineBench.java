package dev.quire.bench;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineClient.Admission;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Runs workloads on an engine in this process and notes when each token came. */
public final class EngineBench {
    private static final long RETRY_MILLIS = 2;

    private final EngineClient engine;
    private final Progress progress;

    public EngineBench(EngineClient engine, Progress progress) {
        this.engine = engine;
        this.progress = progress;
    }

    /**
     * What one run showed.
     *
     * @param requests in the order of the jobs
     * @param wallNanos from the first submit to the last end
     */
    public record Result(List<RequestTimes> requests, long wallNanos) {
        public double seconds() {
            return wallNanos / 1e9;
        }

        public long numTokens() {
            return requests.stream().mapToLong(RequestTimes::numTokens).sum();
        }

        /**
         * Tokens a second while every request was decoding: after the last one's first token, before the first one's
         * last.
         */
        public double decodeTokensPerSecond() {
            long from =
                    requests.stream().mapToLong(RequestTimes::firstNanos).max().orElse(0);
            long to = requests.stream().mapToLong(RequestTimes::lastNanos).min().orElse(0);
            long tokens = 0;
            for (RequestTimes times : requests) {
                for (int i = 0; i < times.numArrivals(); i++) {
                    if (times.arrivalNanos(i) > from && times.arrivalNanos(i) <= to) {
                        tokens++;
                    }
                }
            }
            return to > from ? tokens * 1e9 / (to - from) : 0;
        }
    }

    /**
     * Submits all jobs, at most {@code maxConcurrency} at a time, and waits for them.
     *
     * @throws IllegalStateException when the engine refuses for good or a request fails
     */
    public Result run(String phase, List<Job> jobs, int maxConcurrency) throws InterruptedException {
        Semaphore inFlight = new Semaphore(maxConcurrency);
        AtomicInteger done = new AtomicInteger();
        AtomicReference<String> failure = new AtomicReference<>();
        CountDownLatch all = new CountDownLatch(jobs.size());
        List<RequestTimes> requests = new ArrayList<>(jobs.size());
        Runnable ended = () -> {
            inFlight.release();
            progress.show(phase, done.incrementAndGet(), jobs.size());
            all.countDown();
        };
        long start = System.nanoTime();
        for (int i = 0; i < jobs.size() && failure.get() == null; i++) {
            inFlight.acquire();
            TimedSink sink = new TimedSink(jobs.get(i).outputLen(), ended, failure);
            requests.add(sink.times);
            submit(request(phase + "-" + i, jobs.get(i), sink));
        }
        for (int i = requests.size(); i < jobs.size(); i++) {
            all.countDown();
        }
        all.await();
        if (failure.get() != null) {
            throw new IllegalStateException("a request failed: " + failure.get());
        }
        return new Result(requests, System.nanoTime() - start);
    }

    private static GenerationRequest request(String id, Job job, TimedSink sink) {
        SamplingParams params = SamplingParams.builder()
                .temperature(0)
                .maxTokens(job.outputLen())
                .ignoreEos(true)
                .build();
        long now = sink.times.submittedNanos();
        return new GenerationRequest(id, job.prompt(), params, TokenIds.empty(), 0, 0, now, sink);
    }

    private void submit(GenerationRequest request) throws InterruptedException {
        Admission admission = engine.submit(request);
        while (admission == Admission.QUEUE_FULL) {
            // The queue is a bound for servers; here it only means: not yet.
            Thread.sleep(RETRY_MILLIS);
            admission = engine.submit(request);
        }
        if (admission != Admission.ACCEPTED) {
            throw new IllegalStateException("the engine takes no requests: " + engine.state() + " " + engine.failure());
        }
    }

    private static final class TimedSink implements TokenSink {
        private final RequestTimes times;
        private final Runnable ended;
        private final AtomicReference<String> failure;

        TimedSink(int outputLen, Runnable ended, AtomicReference<String> failure) {
            this.times = new RequestTimes(System.nanoTime(), outputLen);
            this.ended = ended;
            this.failure = failure;
        }

        @Override
        public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
            times.arrived(System.nanoTime(), 1);
        }

        @Override
        public void finished(int index, SequenceResult result) {
            ended.run();
        }

        @Override
        public void failed(String cause) {
            failure.compareAndSet(null, cause);
            ended.run();
        }
    }
}
