package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.kvcache.KvCacheManager;
import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    /** The argument is how many steps may be in flight; what comes out must be the same. */
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    @interface OneAndTwoStepsInFlight {}

    private static int[] prompt(int length, int seed) {
        Random random = new Random(seed);
        int[] tokens = new int[length];
        Arrays.setAll(tokens, i -> random.nextInt(Simulation.VOCAB));
        return tokens;
    }

    @OneAndTwoStepsInFlight
    void aLongPromptIsComputedInChunksBesideDecodes(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(512, 8, 16), 64, 16, true, stepsInFlight);
        RecordingSink shortOne = sim.add(prompt(4, 1), 20);
        sim.step();
        RecordingSink longOne = sim.add(prompt(100, 2), 3);
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
        assertThat(longOne.tokens.get(0)).isEqualTo(Simulation.expected(prompt(100, 2), 3));
        assertThat(shortOne.tokens.get(0)).isEqualTo(Simulation.expected(prompt(4, 1), 20));
    }

    @OneAndTwoStepsInFlight
    void longPrefillThresholdLimitsOneSequencesShare(int stepsInFlight) {
        SchedulerConfig config = new SchedulerConfig(512, 8, 64, 10, false, 1);
        Simulation sim = new Simulation(config, 64, 16, true, stepsInFlight);
        sim.add(prompt(100, 1), 1);
        sim.add(prompt(30, 2), 1);
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
            sinks.add(sim.add(prompt(6, i), 14));
        }
        sim.runToEnd(200);
        assertThat(sim.scheduler.stats().numPreemptions()).isPositive();
        for (int i = 0; i < 3; i++) {
            assertThat(sinks.get(i).tokens.get(0)).isEqualTo(Simulation.expected(prompt(6, i), 14));
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
            sinks.add(sim.add(prompt(16, i), 16));
        }
        sim.runToEnd(1000);
        for (int i = 0; i < 6; i++) {
            assertThat(sinks.get(i).tokens.get(0)).isEqualTo(Simulation.expected(prompt(16, i), 16));
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
            int[] prompt = prompt(22, 9);
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
    void abortFreesBlocksAtOnce(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(3);
        SamplingParams params = SamplingParams.builder().n(3).maxTokens(50).build();
        GenerationRequest request = Simulation.request(sink, prompt(10, 1), params, 0);
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
                sink, prompt(10, 1), SamplingParams.builder().n(3).maxTokens(50).build(), 0);
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
                sink, prompt(10, 1), SamplingParams.builder().n(2).maxTokens(6).build(), 0);
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
        int[] prompt = prompt(5, 3);
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
    void aPriorityJumpsTheQueueAndIsPreemptedLast(int stepsInFlight) {
        SchedulerConfig config = new SchedulerConfig(64, 1, 64, 0, true, 1);
        Simulation sim = new Simulation(config, 16, 4, true, stepsInFlight);
        RecordingSink first = new RecordingSink(1);
        RecordingSink low = new RecordingSink(1);
        RecordingSink high = new RecordingSink(1);
        SamplingParams params = SamplingParams.builder().maxTokens(3).build();
        sim.scheduler.add(Simulation.request(first, prompt(4, 1), params, 0));
        sim.step();
        sim.scheduler.add(Simulation.request(low, prompt(4, 2), params, 5));
        sim.scheduler.add(Simulation.request(high, prompt(4, 3), params, -1));
        while (!high.ended()) {
            sim.step();
        }
        assertThat(first.ended()).isTrue();
        assertThat(low.tokens.get(0)).isEmpty();
        sim.runToEnd(20);
    }

    @OneAndTwoStepsInFlight
    void anInvalidTokenFailsItsRequestAlone(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(64, 4, 64), 32, 4, true, stepsInFlight);
        RecordingSink good = sim.add(prompt(5, 1), 4);
        RecordingSink bad = sim.add(prompt(5, 2), 4);
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
        RecordingSink sink = sim.add(prompt(9, 1), 0);
        sim.runToEnd(10);
        assertThat(sim.scheduler.stats().numSteps()).isEqualTo(3);
        assertThat(sink.tokens.get(0)).isEmpty();
        assertThat(sink.results.get(0).reason()).isEqualTo(FinishReason.LENGTH);
    }

    @OneAndTwoStepsInFlight
    void seedsBelongToTheSequence(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(64, 8, 64), 32, 4, true, stepsInFlight);
        RecordingSink sink = new RecordingSink(2);
        SamplingParams params =
                SamplingParams.builder().n(2).seed(77).maxTokens(5).build();
        sim.scheduler.add(Simulation.request(sink, prompt(4, 1), params, 0));
        sim.add(prompt(4, 2), 5);
        for (int step = 0; step < 2 + stepsInFlight; step++) {
            sim.step();
        }
        assertThat(sim.order.row(0).seed).isEqualTo(77);
        assertThat(sim.order.row(1).seed).isEqualTo(78);
        assertThat(sim.order.row(2).seed).isNotEqualTo(78);
    }

    /** Everything at once: shared prefixes, chunks, preemption, n > 1, aborts, stops; every answer must be right. */
    @ParameterizedTest
    @CsvSource({
        "20,4,7,true,1", "20,4,7,false,1", "64,16,512,true,1", "40,16,64,true,1", "24,8,5,true,1", "300,4,33,false,1",
        "20,4,7,true,2", "20,4,7,false,2", "64,16,512,true,2", "40,16,64,true,2", "24,8,5,true,2", "300,4,33,false,2"
    })
    void randomTrafficComesOutRight(int numBlocks, int maxNumSeqs, int budget, boolean caching, int stepsInFlight) {
        int blockSize = 4;
        int maxModelLen = 60;
        Random random = new Random(numBlocks * 31L + budget);
        Simulation sim = new Simulation(
                Simulation.config(maxModelLen, maxNumSeqs, budget), numBlocks, blockSize, caching, stepsInFlight);
        List<GenerationRequest> requests = new ArrayList<>();
        List<RecordingSink> sinks = new ArrayList<>();
        int numAborted = 0;
        for (int step = 0; step < 3000 || sim.scheduler.hasWork() || sim.hasStepsInFlight(); step++) {
            assertThat(step).isLessThan(20_000);
            if (step < 3000 && random.nextInt(4) == 0 && sim.scheduler.stats().numWaiting() < 20) {
                int[] prompt = prompt(1 + random.nextInt(40), random.nextInt(6));
                int n = random.nextInt(5) == 0 ? 3 : 1;
                int maxTokens = 1 + random.nextInt(30);
                RecordingSink sink = new RecordingSink(n);
                GenerationRequest request = Simulation.request(
                        sink,
                        prompt,
                        SamplingParams.builder().n(n).maxTokens(maxTokens).build(),
                        0);
                requests.add(request);
                sinks.add(sink);
                sim.scheduler.add(request);
            }
            if (!requests.isEmpty() && random.nextInt(10) == 0) {
                int victim = requests.size() - 1 - random.nextInt(Math.min(10, requests.size()));
                if (random.nextBoolean()) {
                    sim.scheduler.abort(requests.get(victim));
                    numAborted++;
                } else {
                    sim.scheduler.finish(requests.get(victim), 0);
                }
                sim.scheduler.verify();
            }
            sim.step();
        }
        assertThat(numAborted).isPositive();
        int numSequences = 0;
        for (int i = 0; i < requests.size(); i++) {
            RecordingSink sink = sinks.get(i);
            assertThat(sink.ended()).isTrue();
            int[] prompt = requests.get(i).prompt().toArray();
            for (int s = 0; s < sink.tokens.size(); s++) {
                List<Integer> got = sink.tokens.get(s);
                assertThat(got).isEqualTo(Simulation.expected(prompt, got.size()));
                if (sink.results.get(s).reason() == FinishReason.LENGTH) {
                    int room = maxModelLen - prompt.length;
                    assertThat(got)
                            .hasSize(Math.min(room, requests.get(i).params().maxTokens()));
                }
                numSequences++;
            }
        }
        assertThat(sim.numEnded).isEqualTo(numSequences);
        assertThat(sim.numPromptsDone).isEqualTo(requests.size());
        assertThat(sim.kvCache.numFreeBlocks()).isEqualTo(numBlocks);
        assertThat(sim.scheduler.stats().numWaiting()).isZero();
        assertThat(sim.scheduler.stats().numRunning()).isZero();
    }

    @OneAndTwoStepsInFlight
    void internalWasteOfLongSequencesIsSmall(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(2048, 64, 512), 4096, 16, true, stepsInFlight);
        for (int i = 0; i < 64; i++) {
            sim.add(prompt(100 + 5 * i, i), 200);
        }
        sim.runToEnd(3000);
        assertThat(waste(sim)).isBetween(0.001, 0.04);
    }

    private static double waste(Simulation sim) {
        SchedulerStats stats = sim.scheduler.stats();
        return (double) stats.numEmptySlotSteps() / stats.numSlotSteps();
    }

    /** 512 requests of a public chat trace's lengths: 185 prompt and 188 generated tokens on average. */
    @OneAndTwoStepsInFlight
    void internalWasteOfARecordedTraceIsSmall(int stepsInFlight) throws IOException {
        Path trace = Path.of("../shared/gpu/bench-trace-512.jsonl");
        assumeTrue(Files.exists(trace), "needs the recorded trace");
        Simulation sim = new Simulation(Simulation.config(2048, 64, 512), 4096, 16, true, stepsInFlight);
        ObjectMapper json = new ObjectMapper();
        int seed = 0;
        for (String line : Files.readAllLines(trace)) {
            JsonNode lengths = json.readTree(line);
            sim.add(
                    prompt(lengths.get("prompt_len").intValue(), seed++),
                    lengths.get("output_len").intValue());
        }
        sim.runToEnd(20_000);
        assertThat(waste(sim)).isBetween(0.001, 0.04);
    }

    @OneAndTwoStepsInFlight
    void countersAddUp(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(128, 8, 64), 64, 4, true, stepsInFlight);
        int[] prompt = prompt(17, 4);
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
