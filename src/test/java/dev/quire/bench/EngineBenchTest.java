package dev.quire.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.EngineClient;
import dev.quire.engine.EngineStats;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SequenceResult;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EngineBenchTest {
    private final ScriptedEngine engine = new ScriptedEngine();
    private final EngineBench bench = new EngineBench(engine, new Progress(System.err, false));
    private final List<Job> jobs = new Workload(0, 10, 1).uniform(20, 4, 3);

    @AfterEach
    void stop() {
        engine.threads.shutdownNow();
    }

    @Test
    void everyJobRunsAndItsTokensAreTimed() throws InterruptedException {
        EngineBench.Result result = bench.run("test", jobs, Integer.MAX_VALUE);
        assertThat(result.requests()).hasSize(20).allMatch(times -> times.numTokens() == 3);
        assertThat(result.numTokens()).isEqualTo(60);
        assertThat(result.wallNanos()).isPositive();
        assertThat(Distribution.ttft(result.requests()).percentile(0)).isPositive();
        assertThat(engine.asked)
                .allMatch(r -> r.params().ignoreEos() && r.params().maxTokens() == 3);
    }

    @Test
    void neverMoreThanTheAskedConcurrency() throws InterruptedException {
        bench.run("test", jobs, 2);
        assertThat(engine.mostInFlight.get()).isBetween(1, 2);
    }

    @Test
    void aFullQueueIsAskedAgain() throws InterruptedException {
        engine.refusals.set(3);
        assertThat(bench.run("test", jobs, 4).numTokens()).isEqualTo(60);
    }

    @Test
    void aFailedRequestEndsTheRun() {
        engine.failing = true;
        assertThatThrownBy(() -> bench.run("test", jobs, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a request failed: device fault");
    }

    /** Answers on threads of its own: three tokens a request. */
    private static final class ScriptedEngine implements EngineClient {
        private final ExecutorService threads = Executors.newCachedThreadPool();
        private final List<GenerationRequest> asked = new java.util.concurrent.CopyOnWriteArrayList<>();
        private final AtomicInteger inFlight = new AtomicInteger();
        private final AtomicInteger mostInFlight = new AtomicInteger();
        private final AtomicInteger refusals = new AtomicInteger();
        private volatile boolean failing;

        @Override
        public Admission submit(GenerationRequest request) {
            if (refusals.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
                return Admission.QUEUE_FULL;
            }
            asked.add(request);
            mostInFlight.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
            threads.execute(() -> answer(request));
            return Admission.ACCEPTED;
        }

        private void answer(GenerationRequest request) {
            if (failing) {
                inFlight.decrementAndGet();
                request.sink().failed("device fault");
                return;
            }
            for (int i = 0; i < 3; i++) {
                request.sink().token(0, i, null);
            }
            inFlight.decrementAndGet();
            request.sink().finished(0, new SequenceResult(FinishReason.LENGTH, -1, 4, 0, 3, 0, 0, 0, 0, 0));
        }

        @Override
        public void abort(GenerationRequest request) {}

        @Override
        public void finish(GenerationRequest request, int index) {}

        @Override
        public State state() {
            return State.READY;
        }

        @Override
        public String failure() {
            return "";
        }

        @Override
        public EngineStats stats() {
            throw new UnsupportedOperationException("not asked for here");
        }

        @Override
        public int retryAfterSeconds() {
            return 1;
        }
    }
}
