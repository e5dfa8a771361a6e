package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Thousands of steps of random traffic with every kind of end, one and two steps in flight: each sequence must hear what
 * it hears alone in a synchronous engine, whole when it ended by itself and up to some token when it was ended.
 */
class SchedulingSoakTest {
    private static final int BLOCK_SIZE = 4;
    private static final int MAX_MODEL_LEN = 60;
    private static final int NUM_STEPS = 4000;

    private record Traffic(GenerationRequest request, RecordingSink sink, RecordingSink alone) {}

    private final Set<FinishReason> reasons = EnumSet.noneOf(FinishReason.class);
    private int numFailed;
    private int numStopIds;

    @ParameterizedTest
    @CsvSource({
        "20,4,7,true,0,false,1", "20,4,7,true,0,false,2", "16,6,40,false,0,false,2", "20,8,9,true,3,true,2",
        "64,16,512,true,0,false,2", "64,16,512,false,0,true,2", "40,16,24,true,5,false,2", "300,3,33,true,0,true,2"
    })
    void everySequenceHearsWhatItHearsAlone(
            int numBlocks,
            int maxNumSeqs,
            int budget,
            boolean caching,
            int threshold,
            boolean byPriority,
            int stepsInFlight) {
        Random random = new Random(numBlocks * 77L + budget + stepsInFlight);
        SchedulerConfig config = new SchedulerConfig(MAX_MODEL_LEN, maxNumSeqs, budget, threshold, byPriority, 5);
        Simulation sim = new Simulation(config, numBlocks, BLOCK_SIZE, caching, stepsInFlight);
        SchedulerConfig unhurried = new SchedulerConfig(MAX_MODEL_LEN, 3, 512, 0, false, 5);
        Simulation reference = new Simulation(unhurried, 64, BLOCK_SIZE, false, 1);
        List<Traffic> traffic = new ArrayList<>();
        long numSequences = 0;
        for (int step = 0; step < NUM_STEPS || sim.scheduler.hasWork() || sim.hasStepsInFlight(); step++) {
            assertThat(step).as("steps").isLessThan(5 * NUM_STEPS);
            if (step < NUM_STEPS
                    && random.nextInt(3) == 0
                    && sim.scheduler.stats().numWaiting() < 12) {
                traffic.add(arrive(sim, reference, random));
                numSequences += traffic.get(traffic.size() - 1).sink.tokens.size();
            }
            if (random.nextInt(12) == 0 && !traffic.isEmpty()) {
                interfere(sim, traffic.get(traffic.size() - 1 - random.nextInt(Math.min(12, traffic.size()))), random);
            }
            if (random.nextInt(100) == 0) {
                sim.device.invalidSequence = Math.max(0, numSequences - 1 - random.nextInt(8));
            }
            sim.step();
        }
        traffic.forEach(this::check);
        assertThat(sim.numEnded).isEqualTo((int) numSequences);
        assertThat(sim.numPromptsDone).isEqualTo(traffic.size());
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(numBlocks);
        assertThat(reasons).contains(FinishReason.STOP, FinishReason.LENGTH, FinishReason.ABORT);
        assertThat(numFailed).isPositive();
        assertThat(numStopIds).isPositive();
        if (numBlocks <= 20) {
            assertThat(sim.scheduler.stats().numPreemptions()).isGreaterThan(50);
        }
    }

    private static Traffic arrive(Simulation sim, Simulation reference, Random random) {
        int[] prompt = new int[1 + random.nextInt(40)];
        Random tokens = new Random(random.nextInt(6));
        Arrays.setAll(prompt, i -> tokens.nextInt(Simulation.VOCAB));
        SamplingParams.Builder params = SamplingParams.builder()
                .n(random.nextInt(5) == 0 ? 3 : 1)
                .maxTokens(random.nextInt(8) == 0 ? random.nextInt(2) : 1 + random.nextInt(30));
        if (random.nextInt(3) == 0) {
            params.stopTokenIds(ids(random, 40));
        }
        if (random.nextInt(4) == 0) {
            params.seed(random.nextInt(100));
        }
        if (random.nextInt(5) == 0) {
            params.repetitionPenalty(1.1f);
        }
        SamplingParams built = params.build();
        if (built.maxTokens() > 4 && random.nextInt(3) == 0) {
            built = built.toBuilder().minTokens(random.nextInt(5)).build();
        }
        TokenIds eos = ids(random, 10);
        int priority = random.nextInt(3);
        RecordingSink alone = new RecordingSink(built.n());
        reference.scheduler.add(request(alone, prompt, built, eos, 0));
        reference.runToEnd(1000);
        RecordingSink sink = new RecordingSink(built.n());
        GenerationRequest request = request(sink, prompt, built, eos, priority);
        sim.scheduler.add(request);
        return new Traffic(request, sink, alone);
    }

    private static GenerationRequest request(
            RecordingSink sink, int[] prompt, SamplingParams params, TokenIds eos, int priority) {
        return new GenerationRequest("r", TokenIds.of(prompt), params, eos, priority, 0, System.nanoTime(), sink);
    }

    private static TokenIds ids(Random random, int count) {
        return TokenIds.of(random.ints(count, 0, Simulation.VOCAB).toArray());
    }

    private static void interfere(Simulation sim, Traffic victim, Random random) {
        if (random.nextBoolean()) {
            sim.scheduler.abort(victim.request);
        } else {
            sim.scheduler.finish(
                    victim.request, random.nextInt(victim.request.params().n()));
        }
        sim.scheduler.verify();
    }

    private void check(Traffic traffic) {
        assertThat(traffic.sink.ended()).isTrue();
        for (int i = 0; i < traffic.sink.tokens.size(); i++) {
            List<Integer> got = traffic.sink.tokens.get(i);
            List<Integer> whole = traffic.alone.tokens.get(i);
            SequenceResult result = traffic.sink.results.get(i);
            SequenceResult expected = traffic.alone.results.get(i);
            assertThat(got).isEqualTo(whole.subList(0, got.size()));
            if (result == null) {
                numFailed++;
                continue;
            }
            reasons.add(result.reason());
            // A stop by finish() looks like an end-of-sequence: known by where it ended.
            boolean ended = result.reason() == FinishReason.ABORT
                    || (result.reason() == FinishReason.STOP && got.size() < whole.size());
            if (!ended) {
                assertThat(got).isEqualTo(whole);
                if (result.stopTokenId() >= 0) {
                    numStopIds++;
                    assertThat(result.stopTokenId()).isEqualTo(expected.stopTokenId());
                }
                if (result.reason() == FinishReason.LENGTH) {
                    assertThat(expected.reason()).isEqualTo(FinishReason.LENGTH);
                }
            }
        }
    }
}
