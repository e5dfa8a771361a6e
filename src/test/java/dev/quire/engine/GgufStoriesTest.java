package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.engine.EngineHarness.Answer;
import dev.quire.engine.EngineHarness.Overlap;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.weights.ModelLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A real pretrained Llama in llama.cpp's file, rows of queries and keys in llama.cpp's order, against transformers. */
class GgufStoriesTest {
    private static final Path MODEL = Path.of("../shared/data/models/stories260K");
    private static final int LENGTH = 64;

    /** Halves are not the gold's floats, but near enough to choose the same tokens. */
    @ParameterizedTest
    @CsvSource({"stories260K-f32.gguf, 1e-3", "stories260K-f16.gguf, 0.02"})
    void answersAsTransformersDoes(String name, double tolerance) throws IOException, InterruptedException {
        assumeTrue(Files.isDirectory(MODEL), "needs " + MODEL);
        JsonNode golds = new ObjectMapper()
                .readTree(MODEL.resolve("gold_greedy.json").toFile())
                .get("outputs");
        Setup setup = Setup.plain(Overlap.NONE);
        try (EngineHarness harness = new EngineHarness(ModelLocation.local(MODEL.resolve(name)), setup)) {
            for (JsonNode gold : golds) {
                int[] prompt = ints(gold.get("prompt_ids"));
                AttentionMetadata metadata = new AttentionMetadata(1, 512, 32, 16);
                metadata.clear();
                int[] blocks = {7, 3, 9, 1, 100, 20, 21, 22};
                metadata.add(0, prompt.length, blocks, blocks.length);
                harness.model.forward(prompt, metadata, harness.kvCache);
                float[] logits =
                        harness.model.logits(new int[] {prompt.length - 1}, 1).floats();
                for (int v = 0; v < gold.get("first_step_logits").size(); v++) {
                    assertThat((double) logits[v])
                            .as("logit %d", v)
                            .isCloseTo(gold.get("first_step_logits").get(v).doubleValue(), within(tolerance));
                }
            }
            harness.engine.start();
            for (JsonNode gold : golds) {
                Answer answer = harness.submit(
                        TokenIds.of(ints(gold.get("prompt_ids"))),
                        SamplingParams.builder()
                                .temperature(0)
                                .maxTokens(LENGTH)
                                .build(),
                        TokenIds.of(1, 2));
                List<Integer> expected = new ArrayList<>();
                gold.get("greedy_ids").forEach(id -> expected.add(id.intValue()));
                assertThat(answer.await().tokens.get(0))
                        .isEqualTo(expected.subList(0, Math.min(LENGTH, expected.size())));
            }
        }
    }

    private static int[] ints(JsonNode node) {
        int[] ids = new int[node.size()];
        Arrays.setAll(ids, i -> node.get(i).intValue());
        return ids;
    }
}
