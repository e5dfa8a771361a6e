package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.EngineClient.Admission;
import dev.quire.engine.EngineClient.State;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.InvalidParameterException;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import dev.quire.runner.StepRunner;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class EngineThreadTest {
    private static final int EOS = 99;

    /** The argument is how many steps may be in flight. */
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    @interface OneAndTwoStepsInFlight {}

    private static final class Sink implements TokenSink {
        final List<Integer> tokens = new ArrayList<>();
        final CountDownLatch ended = new CountDownLatch(1);
        volatile @Nullable SequenceResult result;
        volatile @Nullable String failure;

        @Override
        public synchronized void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
            tokens.add(tokenId);
        }

        @Override
        public void finished(int index, SequenceResult sequenceResult) {
            result = sequenceResult;
            ended.countDown();
        }

        @Override
        public void failed(String cause) {
            failure = cause;
            ended.countDown();
        }

        void await() throws InterruptedException {
            assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static EngineThread engine(StepRunner runner, int maxQueued) {
        EngineConfig config =
                new EngineConfig(128, 8, 64, 4, 128, true, 0, EngineConfig.Policy.FCFS, maxQueued, 1_000_000, 1);
        return new EngineThread(config, runner, 3, true);
    }

    private static GenerationRequest request(Sink sink, int first, int maxTokens) {
        return new GenerationRequest(
                "r" + first,
                TokenIds.of(first, first + 1, first + 2),
                SamplingParams.builder().maxTokens(maxTokens).build(),
                TokenIds.of(EOS),
                0,
                0,
                System.nanoTime(),
                sink);
    }

    @OneAndTwoStepsInFlight
    void answersManyProducersAtOnce(int stepsInFlight) throws Exception {
        try (EngineThread engine = engine(new CountingRunner(stepsInFlight, false), 10_000)) {
            engine.start();
            List<Thread> producers = new ArrayList<>();
            List<Sink> sinks = new ArrayList<>();
            for (int p = 0; p < 8; p++) {
                List<Sink> own = new ArrayList<>();
                for (int i = 0; i < 50; i++) {
                    own.add(new Sink());
                }
                sinks.addAll(own);
                producers.add(new Thread(() -> own.forEach(
                        s -> assertThat(engine.submit(request(s, 1, 20))).isEqualTo(Admission.ACCEPTED))));
            }
            producers.forEach(Thread::start);
            for (Thread producer : producers) {
                producer.join();
            }
            for (Sink sink : sinks) {
                sink.await();
                assertThat(sink.tokens).hasSize(20).startsWith(4, 5, 6);
            }
            assertThat(engine.stats().numFreeBlocks()).isEqualTo(128);
            assertThat(engine.stats().numFinished()[FinishReason.LENGTH.ordinal()])
                    .isEqualTo(400);
            assertThat(engine.stats().numRequestsWaiting()).isZero();
        }
    }

    @OneAndTwoStepsInFlight
    void aFullQueueRefusesAndRecovers(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        try (EngineThread engine = engine(runner, 3)) {
            engine.start();
            List<Sink> sinks = List.of(new Sink(), new Sink(), new Sink());
            for (Sink sink : sinks) {
                assertThat(engine.submit(request(sink, 1, 2))).isEqualTo(Admission.ACCEPTED);
            }
            assertThat(engine.submit(request(new Sink(), 1, 2))).isEqualTo(Admission.QUEUE_FULL);
            assertThat(engine.retryAfterSeconds()).isPositive();
            runner.permits.release(1000);
            for (Sink sink : sinks) {
                sink.await();
            }
            Sink late = new Sink();
            while (engine.submit(request(late, 1, 2)) == Admission.QUEUE_FULL) {
                Thread.onSpinWait();
            }
            late.await();
            assertThat(late.tokens).hasSize(2);
        }
    }

    @OneAndTwoStepsInFlight
    void abortFreesBlocksWithinOneStep(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        try (EngineThread engine = engine(runner, 10)) {
            engine.start();
            Sink sink = new Sink();
            GenerationRequest request = request(sink, 1, 100);
            engine.submit(request);
            runner.permits.release(3);
            while (engine.stats().numGenerationTokens() < 3) {
                Thread.sleep(1);
            }
            engine.abort(request);
            runner.permits.release(stepsInFlight);
            sink.await();
            assertThat(sink.result.reason()).isEqualTo(FinishReason.ABORT);
            assertThat(sink.result.numGeneratedTokens()).isLessThanOrEqualTo(4);
            runner.permits.release(100);
            Sink next = new Sink();
            engine.submit(request(next, 1, 1));
            next.await();
            assertThat(engine.stats().numFreeBlocks()).isEqualTo(128);
        }
    }

    @OneAndTwoStepsInFlight
    void aFaultFailsEveryRequestAndTheEngineStaysDead(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        EngineThread engine = engine(runner, 10);
        engine.start();
        Sink running = new Sink();
        engine.submit(request(running, 1, 100));
        runner.permits.release(1);
        while (engine.stats().numGenerationTokens() < 1) {
            Thread.sleep(1);
        }
        runner.failing = true;
        Sink queued = new Sink();
        engine.submit(request(queued, 1, 100));
        runner.permits.release(1);
        running.await();
        queued.await();
        assertThat(running.failure).contains("device fault in kernel gemm");
        assertThat(queued.failure).contains("device fault");
        assertThat(engine.state()).isEqualTo(State.DEAD);
        assertThat(engine.failure()).contains("device fault");
        assertThat(engine.submit(request(new Sink(), 1, 1))).isEqualTo(Admission.UNAVAILABLE);
        engine.close();
        assertThat(runner.closed).isTrue();
        assertThat(engine.state()).isEqualTo(State.DEAD);
    }

    @OneAndTwoStepsInFlight
    void aFaultInSubmitFailsWhatIsInFlightToo(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        EngineThread engine = engine(runner, 10);
        engine.start();
        Sink running = new Sink();
        engine.submit(request(running, 1, 100));
        runner.permits.release(1);
        while (engine.stats().numGenerationTokens() < 1) {
            Thread.sleep(1);
        }
        runner.failingInSubmit = true;
        runner.permits.release(100);
        running.await();
        assertThat(running.failure).contains("device fault in kernel gemm");
        engine.close();
        assertThat(engine.state()).isEqualTo(State.DEAD);
        assertThat(runner.closed).isTrue();
        assertThat(runner.numAbandoned).isEqualTo(stepsInFlight - 1);
        assertThat(engine.stats().numFreeBlocks()).isEqualTo(128);
    }

    /** The step in flight when the last sequence ends is collected before the engine sleeps or stops. */
    @OneAndTwoStepsInFlight
    void anIdleEngineHasNothingInFlight(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, false);
        try (EngineThread engine = engine(runner, 10)) {
            engine.start();
            for (int round = 0; round < 20; round++) {
                Sink sink = new Sink();
                GenerationRequest stopping = new GenerationRequest(
                        "stopping",
                        TokenIds.of(1, 2, 3),
                        SamplingParams.builder()
                                .maxTokens(50)
                                .stopTokenIds(TokenIds.of(7))
                                .build(),
                        TokenIds.of(EOS),
                        0,
                        0,
                        System.nanoTime(),
                        sink);
                engine.submit(stopping);
                sink.await();
                assertThat(sink.tokens).containsExactly(4, 5, 6, 7);
            }
            engine.shutdown(10_000);
            assertThat(engine.state()).isEqualTo(State.STOPPED);
            assertThat(runner.numAbandoned).isZero();
            // Four tokens, and where two steps are in flight the row behind the stop.
            assertThat(engine.stats().numSteps()).isEqualTo(20 * (3 + stepsInFlight));
            assertThat(engine.stats().hostNanos()).isPositive();
        }
    }

    @OneAndTwoStepsInFlight
    void shutdownFinishesWhatIsInFlightAndTakesNothingNew(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        EngineThread engine = engine(runner, 10);
        engine.start();
        Sink sink = new Sink();
        engine.submit(request(sink, 1, 10));
        Thread closer = new Thread(() -> {
            try {
                engine.shutdown(10_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        closer.start();
        while (engine.state() != State.DRAINING) {
            Thread.sleep(1);
        }
        assertThat(engine.submit(request(new Sink(), 1, 1))).isEqualTo(Admission.UNAVAILABLE);
        runner.permits.release(100);
        closer.join();
        sink.await();
        assertThat(sink.tokens).hasSize(10);
        assertThat(engine.state()).isEqualTo(State.STOPPED);
        assertThat(runner.closed).isTrue();
    }

    @OneAndTwoStepsInFlight
    void shutdownWithoutPatienceFailsTheRest(int stepsInFlight) throws Exception {
        CountingRunner runner = new CountingRunner(stepsInFlight, true);
        EngineThread engine = engine(runner, 10);
        engine.start();
        Sink sink = new Sink();
        engine.submit(request(sink, 1, 100));
        runner.permits.release(1);
        Thread releaser = new Thread(() -> runner.permits.release(1000));
        releaser.start();
        engine.shutdown(0);
        sink.await();
        assertThat(engine.state()).isEqualTo(State.STOPPED);
    }

    @OneAndTwoStepsInFlight
    void notReadyBeforeStartAndPromptsBeyondTheContextAreRefused(int stepsInFlight) {
        try (EngineThread engine = engine(new CountingRunner(stepsInFlight, false), 10)) {
            assertThat(engine.submit(request(new Sink(), 1, 1))).isEqualTo(Admission.UNAVAILABLE);
            GenerationRequest tooLong = new GenerationRequest(
                    "long",
                    TokenIds.of(new int[128]),
                    SamplingParams.builder().build(),
                    TokenIds.empty(),
                    0,
                    0,
                    0,
                    new Sink());
            assertThatThrownBy(() -> engine.submit(tooLong))
                    .isInstanceOf(InvalidParameterException.class)
                    .hasMessageContaining("128");
        }
    }

    @OneAndTwoStepsInFlight
    void producersRacingWithTheEndAlwaysHearSomething(int stepsInFlight) throws Exception {
        for (int round = 0; round < 30; round++) {
            EngineThread engine = engine(new CountingRunner(stepsInFlight, false), 10_000);
            engine.start();
            AtomicInteger accepted = new AtomicInteger();
            List<Sink> sinks = new ArrayList<>();
            Thread producer = new Thread(() -> {
                for (int i = 0; i < 200; i++) {
                    Sink sink = new Sink();
                    if (engine.submit(request(sink, 1, 1000)) == Admission.ACCEPTED) {
                        accepted.incrementAndGet();
                        sinks.add(sink);
                    }
                }
            });
            producer.start();
            Thread.sleep(round % 3);
            engine.close();
            producer.join();
            for (Sink sink : sinks) {
                sink.await();
            }
        }
    }
}
