package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.batch.ScheduledSequence;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is special when the next step is ordered before the last one's tokens are known. */
class AsyncSchedulingTest {
    private static Simulation simulation(int numBlocks, int maxNumSeqs) {
        return new Simulation(Simulation.config(numBlocks * 4, maxNumSeqs, 64), numBlocks, 4, true, 2);
    }

    private static SamplingParams.Builder params(int maxTokens) {
        return SamplingParams.builder().maxTokens(maxTokens);
    }

    @Test
    void aSequenceRunsInEveryStepThoughItsTokenIsPending() {
        Simulation sim = simulation(32, 4);
        RecordingSink sink = sim.add(Simulation.prompt(6, 1), 10);
        sim.step();
        assertThat(sim.order.row(0).numPendingTokens).isZero();
        for (int i = 1; i < 10; i++) {
            sim.step();
            ScheduledSequence row = sim.order.row(0);
            assertThat(row.numPendingTokens).isEqualTo(1);
            assertThat(row.firstPosition).isEqualTo(6 + i - 1);
            assertThat(row.numGeneratedTokens()).isEqualTo(i);
            assertThat(sink.tokens.get(0)).hasSize(i);
        }
        sim.runToEnd(5);
        assertThat(sink.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(6, 1), 10));
        assertThat(sim.stepTokens).as("nothing behind the length limit").hasSize(10);
    }

    @Test
    void nothingIsOrderedBehindTheContextsEnd() {
        Simulation sim = simulation(4, 2);
        RecordingSink sink = sim.add(Simulation.prompt(10, 1), 100);
        sim.runToEnd(20);
        assertThat(sink.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(10, 1), 6));
        assertThat(sim.stepTokens).hasSize(6);
    }

    @Test
    void aStopCostsOneRowThatIsIgnored() {
        List<Integer> free = Simulation.expected(Simulation.prompt(6, 1), 10);
        Simulation sim = simulation(32, 1);
        RecordingSink stopped = sim.add(
                Simulation.prompt(6, 1),
                params(10).stopTokenIds(TokenIds.of(free.get(3))).build());
        // Waits for the slot and gets the stopped one's blocks while its last row is in flight.
        RecordingSink next = sim.add(Simulation.prompt(7, 2), 4);
        while (!stopped.ended()) {
            sim.step();
        }
        assertThat(sim.hasStepsInFlight()).isTrue();
        assertThat(sim.kvCache.numFreeBlocks()).as("free at once").isEqualTo(32);
        sim.runToEnd(20);
        assertThat(stopped.tokens.get(0)).isEqualTo(free.subList(0, 4));
        assertThat(stopped.results.get(0).reason()).isEqualTo(FinishReason.STOP);
        assertThat(next.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(7, 2), 4));
        assertThat(sim.stepTokens).as("four, the ignored one, four").hasSize(9);
        assertThat(sim.scheduler.stats().numGenerationTokens()).isEqualTo(8);
    }

    @Test
    void penaltiesSitOutUntilTheTokenIsKnownAndHoldNobodyUp() {
        Simulation sim = simulation(32, 4);
        RecordingSink free = sim.add(Simulation.prompt(5, 1), 12);
        RecordingSink penalized = sim.add(
                Simulation.prompt(5, 2), params(6).repetitionPenalty(1.2f).build());
        for (int i = 0; i < 12; i++) {
            sim.step();
            assertThat(sim.order.numRows()).isEqualTo(i % 2 == 0 ? 2 : 1);
        }
        sim.runToEnd(5);
        assertThat(free.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(5, 1), 12));
        assertThat(penalized.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(5, 2), 6));
    }

    @Test
    void alonePenaltiesRunAsWithOneStepInFlight() {
        Simulation sim = simulation(32, 4);
        RecordingSink sink =
                sim.add(Simulation.prompt(5, 2), params(6).presencePenalty(1f).build());
        sim.runToEnd(20);
        assertThat(sink.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(5, 2), 6));
        assertThat(sim.stepTokens).containsExactly(5, 1, 1, 1, 1, 1);
    }

    /** The younger one loses its blocks while its token is in flight: dropped and drawn again, said once. */
    @Test
    void aPreemptedSequencesPendingTokenIsNeitherLostNorSaidTwice() {
        for (boolean seeded : new boolean[] {false, true}) {
            SamplingParams params =
                    seeded ? params(14).seed(7).build() : params(14).build();
            RecordingSink alone = simulation(8, 1).runAlone(Simulation.prompt(6, 2), params);
            Simulation sim = simulation(8, 4);
            sim.add(Simulation.prompt(6, 1), 20);
            RecordingSink victim = sim.add(Simulation.prompt(6, 2), params);
            boolean pendingWasDropped = false;
            while (!victim.ended()) {
                int known = victim.tokens.get(0).size();
                long before = sim.scheduler.stats().numPreemptions();
                boolean orderedBefore = isIn(sim, 1) && sim.hasStepsInFlight();
                sim.step();
                if (sim.scheduler.stats().numPreemptions() > before) {
                    pendingWasDropped |= orderedBefore;
                    assertThat(victim.tokens.get(0)).hasSize(known);
                }
            }
            sim.runToEnd(50);
            assertThat(pendingWasDropped).isTrue();
            assertThat(victim.results.get(0).numPreemptions()).isPositive();
            assertThat(victim.tokens).isEqualTo(alone.tokens);
        }
    }

    private static boolean isIn(Simulation sim, long sequenceId) {
        for (int i = 0; i < sim.order.numRows(); i++) {
            if (sim.order.row(i).sequenceId == sequenceId && sim.order.row(i).samples) {
                return true;
            }
        }
        return false;
    }

    @Test
    void anAbortedSlotIsTakenOverWhileItsRowIsInFlight() {
        Simulation sim = simulation(8, 1);
        for (int i = 0; i < 20; i++) {
            RecordingSink sink = new RecordingSink(1);
            GenerationRequest request =
                    Simulation.request(sink, Simulation.prompt(9, i), params(20).build(), 0);
            sim.scheduler.add(request);
            for (int step = 0; step <= i % 4; step++) {
                sim.step();
            }
            sim.scheduler.abort(request);
            sim.scheduler.verify();
            assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(8);
            List<Integer> got = sink.tokens.get(0);
            assertThat(got).isEqualTo(Simulation.expected(Simulation.prompt(9, i), got.size()));
        }
        RecordingSink last = sim.add(Simulation.prompt(9, 99), 20);
        sim.runToEnd(50);
        assertThat(last.tokens.get(0)).isEqualTo(Simulation.expected(Simulation.prompt(9, 99), 20));
    }

    /** A prompt that finds the blocks of one that still runs: only what is known and computed may be found. */
    @Test
    void thePrefixCacheKnowsNoPendingTokens() {
        Simulation sim = simulation(64, 4);
        RecordingSink first = sim.add(Simulation.prompt(8, 1), 30);
        for (int i = 0; i < 14; i++) {
            sim.step();
            int numKnown = 8 + first.tokens.get(0).size();
            assertThat(sim.kvCache.numCachedBlocks()).isLessThanOrEqualTo(numKnown / 4);
        }
        assertThat(sim.kvCache.numCachedBlocks()).isGreaterThanOrEqualTo(4);
        int[] conversation = Arrays.copyOf(Simulation.prompt(8, 1), 20);
        for (int i = 0; i < 12; i++) {
            conversation[8 + i] = first.tokens.get(0).get(i);
        }
        RecordingSink second = sim.add(conversation, 5);
        sim.runToEnd(50);
        assertThat(second.results.get(0).numCachedTokens()).isEqualTo(16);
        assertThat(second.tokens.get(0)).isEqualTo(first.tokens.get(0).subList(12, 17));
    }
}
