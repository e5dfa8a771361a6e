package dev.quire.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.client.ServerClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Runs a workload on a server: streamed completions of token ids, at a rate, at most so many at once. */
public final class HttpBench {
    private final ServerClient server;
    private final String model;
    private final Progress progress;

    public HttpBench(ServerClient server, String model, Progress progress) {
        this.server = server;
        this.model = model;
        this.progress = progress;
    }

    /**
     * What one run showed.
     *
     * @param completed requests that ended well
     * @param numFailed the others
     * @param firstFailure of those, or null
     * @param numInputTokens prompt tokens of the completed ones
     * @param wallNanos from the first request to the last end
     */
    public record Result(
            List<RequestTimes> completed,
            int numFailed,
            @Nullable String firstFailure,
            long numInputTokens,
            long wallNanos) {
        /** All figures, under the names that vllm bench serve writes. */
        public Report report() {
            long outputTokens =
                    completed.stream().mapToLong(RequestTimes::numTokens).sum();
            double seconds = wallNanos / 1e9;
            return new Report("Serving benchmark")
                    .add("completed", "Successful requests", completed.size())
                    .add("failed", "Failed requests", numFailed)
                    .add("duration", "Duration (s)", seconds)
                    .add("total_input_tokens", "Input tokens", numInputTokens)
                    .add("total_output_tokens", "Generated tokens", outputTokens)
                    .add("request_throughput", "Requests (1/s)", completed.size() / seconds)
                    .add("output_throughput", "Output tokens (1/s)", outputTokens / seconds)
                    .add("total_token_throughput", "All tokens (1/s)", (numInputTokens + outputTokens) / seconds)
                    .addMillis("ttft", "TTFT", Distribution.ttft(completed))
                    .addMillis("tpot", "TPOT", Distribution.tpot(completed))
                    .addMillis("itl", "ITL", Distribution.itl(completed))
                    .addMillis("e2el", "E2EL", Distribution.e2el(completed));
        }
    }

    /**
     * @param requestsPerSecond mean of a Poisson process; infinity sends all at once
     * @param seed of the arrival times
     */
    public Result run(List<Job> jobs, int maxConcurrency, double requestsPerSecond, long seed)
            throws InterruptedException {
        SplittableRandom random = new SplittableRandom(seed);
        Run run = new Run(jobs.size());
        Semaphore inFlight = new Semaphore(maxConcurrency);
        ExecutorService threads = Executors.newCachedThreadPool();
        long start = System.nanoTime();
        double dueSeconds = 0;
        for (Job job : jobs) {
            long ahead = (long) (dueSeconds * 1e9) - (System.nanoTime() - start);
            if (ahead > 0) {
                TimeUnit.NANOSECONDS.sleep(ahead);
            }
            inFlight.acquire();
            threads.execute(() -> {
                run.send(job);
                inFlight.release();
            });
            dueSeconds += Double.isInfinite(requestsPerSecond) ? 0 : exponential(random) / requestsPerSecond;
        }
        run.all.await();
        long wallNanos = System.nanoTime() - start;
        threads.shutdown();
        return new Result(
                run.completed,
                jobs.size() - run.completed.size(),
                run.firstFailure.get(),
                run.numInputTokens,
                wallNanos);
    }

    private static double exponential(SplittableRandom random) {
        return -Math.log(1 - random.nextDouble());
    }

    private final class Run {
        private final List<RequestTimes> completed = new ArrayList<>();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<String> firstFailure = new AtomicReference<>();
        private final CountDownLatch all;
        private final int numJobs;
        private long numInputTokens;

        Run(int numJobs) {
            this.numJobs = numJobs;
            this.all = new CountDownLatch(numJobs);
        }

        void send(Job job) {
            RequestTimes times = new RequestTimes(System.nanoTime(), job.outputLen());
            try {
                server.stream("/v1/completions", body(job), chunk -> hear(times, chunk));
                if (times.numArrivals() == 0) {
                    throw new IOException("the answer held no text");
                }
                synchronized (completed) {
                    completed.add(times);
                    numInputTokens += job.prompt().length();
                }
            } catch (IOException e) {
                firstFailure.compareAndSet(null, String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                progress.show("requests", done.incrementAndGet(), numJobs);
                all.countDown();
            }
        }

        private void hear(RequestTimes times, JsonNode chunk) {
            JsonNode choices = chunk.path("choices");
            if (!choices.isEmpty()) {
                times.arrived(System.nanoTime(), 1);
            }
            int counted = chunk.path("usage").path("completion_tokens").asInt(0);
            if (counted > 0) {
                times.correctTokens(counted);
            }
        }
    }

    private ObjectNode body(Job job) {
        ObjectNode body = server.object();
        body.put("model", model);
        ArrayNode prompt = body.putArray("prompt");
        for (int i = 0; i < job.prompt().length(); i++) {
            prompt.add(job.prompt().get(i));
        }
        body.put("max_tokens", job.outputLen());
        body.put("temperature", 0);
        body.put("ignore_eos", true);
        body.put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        return body;
    }
}
