package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.FinishReason;
import dev.quire.request.SamplingParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SchedulerTest {
    @OneAndTwoStepsInFlight
    void aLongPromptIsComputedInChunksBesideDecodes(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(512, 8, 16), 64, 16, true, stepsInFlight);
        RecordingSink shortOne = sim.add(Simulation.prompt(4, 1), 20);
        sim.step();
        RecordingSink longOne = sim.add(Simulation.prompt(100, 2), 3);
        for (int i = 0; i < 6; i++) {
            sim.step();
            assertThat(shortOne.tokens.get(0))
                    .as("one token a step, beside the chunk")
                    .hasSize(i + 3 - stepsInFlight);
            assertThat(sim.order.numScheduledTokens()).isEqualTo(16);
        }
        assertThat(longOne.tokens.get(0)).isEmpty();
        sim.step();
        sim.collectAll();
        assertThat(longOne.tokens.get(0)).hasSize(1);
        sim.runToEnd(100);
        assertThat(longOne.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(100, 2), 3));
        assertThat(shortOne.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(4, 1), 20));
    }

    @OneAndTwoStepsInFlight
    void longPrefillThresholdLimitsOneSequencesShare(int stepsInFlight) {
        SchedulerConfig config = new SchedulerConfig(512, 8, 64, 10, false, 1);
        Simulation sim = new Simulation(config, 64, 16, true, stepsInFlight);
        sim.add(Simulation.prompt(100, 1), 1);
        sim.add(Simulation.prompt(30, 2), 1);
        sim.step();
        assertThat(sim.order.row(0).numScheduledTokens).isEqualTo(10);
        assertThat(sim.order.row(1).numScheduledTokens).isEqualTo(10);
        sim.runToEnd(50);
    }

    @OneAndTwoStepsInFlight
    void preemptionComputesAgainAndChangesNothing(int stepsInFlight) {
        // 8 blocks of 4 = 32 tokens; three sequences want 3 × 20.
        Simulation sim = new Simulation(Simulation.config(32, 4, 64), 8, 4, false, stepsInFlight);
        List<RecordingSink> sinks = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            sinks.add(sim.add(Simulation.prompt(6, i), 14));
        }
        sim.runToEnd(200);
        assertThat(sim.scheduler.stats().numPreemptions()).isPositive();
        for (int i = 0; i < 3; i++) {
            assertThat(sinks.get(i).tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(6, i), 14));
        }
        assertThat(sinks.get(0).results.get(0).numPreemptions())
                .as("the oldest is never a victim")
                .isZero();
    }

    @OneAndTwoStepsInFlight
    void aSequenceOfMaximalLengthAlwaysFinishes(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(32, 4, 8), 8, 4, true, stepsInFlight);
        List<RecordingSink> sinks = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            sinks.add(sim.add(Simulation.prompt(16, i), 16));
        }
        sim.runToEnd(1000);
        for (int i = 0; i < 6; i++) {
            assertThat(sinks.get(i).tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(16, i), 16));
            assertThat(sinks.get(i).results.get(0).reason()).isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void refusesFewerBlocksThanOneSequenceNeeds() {
        assertThatThrownBy(() -> new Simulation(Simulation.config(33, 4, 8), 8, 4, true, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("32")
                .hasMessageContaining("33");
    }

    @OneAndTwoStepsInFlight
    void siblingsShareThePromptsBlocks(int stepsInFlight) {
        for (boolean caching : new boolean[] {false, true}) {
            Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, caching, stepsInFlight);
            RecordingSink sink = new RecordingSink(4);
            int[] prompt = Simulation.prompt(22, 9);
            SamplingParams params = SamplingParams.builder().n(4).maxTokens(5).build();
            sim.scheduler.add(Simulation.request(sink, prompt, params, 0));
            for (int step = 0; step < 1 + stepsInFlight; step++) {
                sim.step();
            }
            // 5 full prompt blocks shared, and a block or two of its own for each.
            assertThat(64 - sim.kvCache.numFreeBlocks()).isLessThanOrEqualTo(5 + 4 * 2);
            assertThat(sim.order.numRows()).isEqualTo(4);
            sim.runToEnd(50);
            for (int i = 0; i < 4; i++) {
                assertThat(sink.tokens.get(i)).isEqualTo(Simulation.expected(prompt, 5));
            }
            assertThat(sim.numEnded).isEqualTo(4);
            assertThat(sim.numPromptsDone).isEqualTo(1);
        }
    }

    @OneAndTwoStepsInFlight
    void aPriorityJumpsTheQueueAndIsPreemptedLast(int stepsInFlight) {
        SchedulerConfig config = new SchedulerConfig(64, 1, 64, 0, true, 1);
        Simulation sim = new Simulation(config, 16, 4, true, stepsInFlight);
        RecordingSink first = new RecordingSink(1);
        RecordingSink low = new RecordingSink(1);
        RecordingSink high = new RecordingSink(1);
        SamplingParams params = SamplingParams.builder().maxTokens(3).build();
        sim.scheduler.add(Simulation.request(first, Simulation.prompt(4, 1), params, 0));
        sim.step();
        sim.scheduler.add(Simulation.request(low, Simulation.prompt(4, 2), params, 5));
        sim.scheduler.add(Simulation.request(high, Simulation.prompt(4, 3), params, -1));
        while (!high.ended()) {
            sim.step();
        }
        assertThat(first.ended()).isTrue();
        assertThat(low.tokens.get(0)).isEmpty();
        sim.runToEnd(20);
    }

    @OneAndTwoStepsInFlight
    void seedsBelongToTheSequence(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(64, 8, 64), 32, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(2);
        SamplingParams params =
                SamplingParams.builder().n(2).seed(77).maxTokens(5).build();
        sim.scheduler.add(Simulation.request(sink, Simulation.prompt(4, 1), params, 0));
        sim.add(Simulation.prompt(4, 2), 5);
        for (int step = 0; step < 2 + stepsInFlight; step++) {
            sim.step();
        }
        assertThat(sim.order.row(0).seed).isEqualTo(77);
        assertThat(sim.order.row(1).seed).isEqualTo(78);
        assertThat(sim.order.row(2).seed).isNotEqualTo(78);
    }

    @OneAndTwoStepsInFlight
    void countersAddUp(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        int[] prompt = Simulation.prompt(17, 4);
        sim.add(prompt, 5);
        sim.runToEnd(20);
        sim.add(prompt, 7);
        sim.runToEnd(20);
        SchedulerStats stats = sim.scheduler.stats();
        assertThat(stats.numPromptTokens()).isEqualTo(34);
        assertThat(stats.numCachedPromptTokens()).isEqualTo(16);
        assertThat(stats.numCacheQueries()).isEqualTo(34);
        assertThat(stats.numCacheHits()).isEqualTo(16);
        assertThat(stats.numGenerationTokens()).isEqualTo(12);
        assertThat(stats.numIterationTokens())
                .isEqualTo(sim.stepTokens.stream().mapToInt(Integer::intValue).sum());
        assertThat(Arrays.stream(stats.iterationTokens()).sum()).isEqualTo(stats.numSteps());
        assertThat(new KvCacheManager(1, 1, true, 0).numHits()).isZero();
    }
}
