package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.engine.EngineHarness.Overlap;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.weights.ModelFiles;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The embedded model, quantized as it is shipped, against transformers in float32 on its weights dequantized to bf16. */
class DemoGoldenTest {
    private static final ClassLoader LOADER = DemoGoldenTest.class.getClassLoader();
    private static final TokenIds EOS = TokenIds.of(8185, 8183);

    @ParameterizedTest
    @EnumSource
    void logitsAndGreedyIdsAgree(Overlap overlap) throws Exception {
        JsonNode prompts;
        try (InputStream in = LOADER.getResourceAsStream("quire-demo-gold.json")) {
            prompts = new ObjectMapper().readTree(in).get("prompts");
        }
        assertThat(prompts.size()).isGreaterThanOrEqualTo(8);
        Setup setup = new Setup(16, 512, true, 16, 512, 2048, overlap);
        ModelFiles files = ModelFiles.ofResources(LOADER, "models/quire-demo");
        try (EngineHarness harness = new EngineHarness(files, setup, new CpuBackend(CpuOptions.defaults()))) {
            for (JsonNode prompt : prompts) {
                checkLogits(harness, prompt);
            }
            harness.engine.start();
            for (JsonNode prompt : prompts) {
                List<Integer> expected = new ArrayList<>();
                prompt.get("greedy_ids").forEach(id -> expected.add(id.intValue()));
                SamplingParams greedy = SamplingParams.builder()
                        .temperature(0)
                        .maxTokens(expected.size())
                        .build();
                assertThat(harness.submit(ids(prompt.get("prompt_ids")), greedy, EOS)
                                .await()
                                .tokens
                                .get(0))
                        .as(prompt.get("prompt").textValue())
                        .isEqualTo(expected);
            }
        }
    }

    private static void checkLogits(EngineHarness harness, JsonNode prompt) {
        int[] tokens = ids(prompt.get("prompt_ids")).toArray();
        int[] blocks = new int[(tokens.length + 15) / 16];
        Arrays.setAll(blocks, i -> 3 * i + 1);
        AttentionMetadata metadata = new AttentionMetadata(1, 512, 128, 16);
        metadata.clear();
        metadata.add(0, tokens.length, blocks, blocks.length);
        harness.model.forward(tokens, metadata, harness.kvCache);
        float[] logits = harness.model.logits(new int[] {tokens.length - 1}, 1).floats();
        for (JsonNode top : prompt.get("first_step_top_logits")) {
            assertThat((double) logits[top.get(0).intValue()])
                    .isCloseTo(top.get(1).doubleValue(), within(2e-3));
        }
    }

    private static TokenIds ids(JsonNode node) {
        int[] ids = new int[node.size()];
        Arrays.setAll(ids, i -> node.get(i).intValue());
        return TokenIds.of(ids);
    }
}
