package dev.quire.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Slots of taken blocks that hold no token, as a share of all that are taken. */
class KvCacheWasteTest {
    @OneAndTwoStepsInFlight
    void internalWasteOfLongSequencesIsSmall(int stepsInFlight) {
        Simulation sim = new Simulation(Simulation.config(2048, 64, 512), 4096, 16, true, stepsInFlight);
        for (int i = 0; i < 64; i++) {
            sim.add(Simulation.prompt(100 + 5 * i, i), 200);
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
                    Simulation.prompt(lengths.get("prompt_len").intValue(), seed++),
                    lengths.get("output_len").intValue());
        }
        sim.runToEnd(20_000);
        assertThat(waste(sim)).isBetween(0.001, 0.04);
    }
}
