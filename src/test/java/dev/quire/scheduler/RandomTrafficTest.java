package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.request.FinishReason;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RandomTrafficTest {
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
                int[] prompt = Simulation.prompt(1 + random.nextInt(40), random.nextInt(6));
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
}
