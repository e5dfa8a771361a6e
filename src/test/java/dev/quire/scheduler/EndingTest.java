package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.List;

/** How sequences end: by abort, stop, length, or a bad token; and what they leave behind. */
class EndingTest {
    @OneAndTwoStepsInFlight
    void abortFreesBlocksAtOnce(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(3);
        SamplingParams params = SamplingParams.builder().n(3).maxTokens(50).build();
        GenerationRequest request = Simulation.request(sink, Simulation.prompt(10, 1), params, 0);
        sim.scheduler.add(request);
        sim.step();
        sim.step();
        sim.scheduler.abort(request);
        sim.scheduler.verify();
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(64);
        assertThat(sink.results).allMatch(r -> r != null && r.reason() == FinishReason.ABORT);
        assertThat(sim.scheduler.hasWork()).isFalse();
        sim.scheduler.abort(request);
        sim.collectAll();
        assertThat(sim.numEnded).isEqualTo(3);
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(64);
    }

    @OneAndTwoStepsInFlight
    void abortBeforeThePromptIsComputedReleasesEverything(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 4), 64, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(3);
        GenerationRequest request = Simulation.request(
                sink,
                Simulation.prompt(10, 1),
                SamplingParams.builder().n(3).maxTokens(50).build(),
                0);
        sim.scheduler.add(request);
        sim.step();
        sim.scheduler.abort(request);
        assertThat(sim.scheduler.stats().numWaiting()).isZero();
        assertThat(sim.numPromptsDone).isEqualTo(1);
        assertThat(sim.numEnded).isEqualTo(3);
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(64);
    }

    @OneAndTwoStepsInFlight
    void aStopStringEndsOneSequenceAsStop(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(2);
        GenerationRequest request = Simulation.request(
                sink,
                Simulation.prompt(10, 1),
                SamplingParams.builder().n(2).maxTokens(6).build(),
                0);
        sim.scheduler.add(request);
        sim.step();
        sim.step();
        sim.scheduler.finish(request, 0);
        sim.runToEnd(20);
        assertThat(sink.results.get(0).reason()).isEqualTo(FinishReason.STOP);
        assertThat(sink.results.get(1).reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(sim.scheduler.stats().numFinished()[FinishReason.STOP.ordinal()])
                .isEqualTo(1);
    }

    @OneAndTwoStepsInFlight
    void stopsAtEosAndStopIdsButNotBeforeMinTokens(int stepsInFlight) {
        int[] prompt = Simulation.prompt(5, 3);
        List<Integer> free = Simulation.expected(prompt, 10);
        TokenIds stop = TokenIds.of(free.get(3));
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        RecordingSink plain = new RecordingSink(1);
        sim.scheduler.add(Simulation.request(
                plain,
                prompt,
                SamplingParams.builder().maxTokens(10).stopTokenIds(stop).build(),
                0));
        RecordingSink patient = new RecordingSink(1);
        SamplingParams minTokens = SamplingParams.builder()
                .maxTokens(10)
                .minTokens(6)
                .stopTokenIds(stop)
                .build();
        sim.scheduler.add(Simulation.request(patient, prompt, minTokens, 0));
        sim.step();
        assertThat(sim.order.row(0).bannedIds).isNull();
        assertThat(sim.order.row(1).bannedIds).containsExactly(Simulation.VOCAB, free.get(3));
        sim.runToEnd(30);
        assertThat(plain.tokens.get(0)).hasSize(4);
        assertThat(plain.results.get(0).stopTokenId()).isEqualTo(free.get(3));
        assertThat(patient.tokens.get(0)).hasSize(10);
    }

    @OneAndTwoStepsInFlight
    void anInvalidTokenFailsItsRequestAlone(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(64, 4, 64), 32, 4, true, stepsInFlight);
        RecordingSink good = sim.add(Simulation.prompt(5, 1), 4);
        RecordingSink bad = sim.add(Simulation.prompt(5, 2), 4);
        sim.device.invalidSequence = 1;
        for (int step = 0; step < stepsInFlight; step++) {
            sim.step();
        }
        assertThat(bad.failure).contains("no valid number");
        assertThat(good.failure).isNull();
        sim.scheduler.failAll("over");
        assertThat(good.failure).isEqualTo("over");
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(32);
        assertThat(sim.numEnded).isEqualTo(2);
    }

    @OneAndTwoStepsInFlight
    void maxTokensZeroOnlyComputesThePrompt(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(64, 4, 4), 32, 4, true, stepsInFlight);
        RecordingSink sink = sim.add(Simulation.prompt(9, 1), 0);
        sim.runToEnd(10);
        assertThat(sim.scheduler.stats().numSteps()).isEqualTo(3);
        assertThat(sink.tokens.get(0)).isEmpty();
        assertThat(sink.results.get(0).reason()).isEqualTo(FinishReason.LENGTH);
    }
}
