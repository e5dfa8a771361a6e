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
import dev.quire.request.TokenLogprobs;
import dev.quire.tensor.Tensor;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A real pretrained Llama against transformers' float32 greedy ids, under every switch that must not change them. */
class StoriesGoldenTest {
    private static final Path MODEL = Path.of("../shared/data/models/stories260K");
    private static final int LENGTH = 64;
    private static final TokenIds EOS = TokenIds.of(1, 2);

    private record Gold(TokenIds prompt, List<Integer> ids, double[] logits) {}

    private static List<Gold> golds;

    @BeforeAll
    static void read() throws IOException {
        assumeTrue(Files.isDirectory(MODEL), "needs " + MODEL);
        golds = new ArrayList<>();
        JsonNode root =
                new ObjectMapper().readTree(MODEL.resolve("gold_greedy.json").toFile());
        for (JsonNode output : root.get("outputs")) {
            List<Integer> ids = new ArrayList<>();
            output.get("greedy_ids").forEach(id -> ids.add(id.intValue()));
            golds.add(new Gold(ids(output.get("prompt_ids")), ids, doubles(output.get("first_step_logits"))));
        }
    }

    private static TokenIds ids(JsonNode node) {
        int[] ids = new int[node.size()];
        Arrays.setAll(ids, i -> node.get(i).intValue());
        return TokenIds.of(ids);
    }

    private static double[] doubles(JsonNode node) {
        double[] values = new double[node.size()];
        Arrays.setAll(values, i -> node.get(i).doubleValue());
        return values;
    }

    private static EngineHarness open(Setup setup) {
        return new EngineHarness(ModelFiles.ofDirectory(MODEL), setup);
    }

    private static SamplingParams greedy(int maxTokens) {
        return SamplingParams.builder().temperature(0).maxTokens(maxTokens).build();
    }

    @Test
    void firstStepLogitsAgree() {
        try (EngineHarness harness = open(Setup.plain(Overlap.NONE))) {
            for (Gold gold : golds) {
                AttentionMetadata metadata = new AttentionMetadata(1, 512, 32, 16);
                metadata.clear();
                int[] blocks = {7, 3, 9, 1, 100, 20, 21, 22};
                int[] tokens = gold.prompt.toArray();
                metadata.add(0, tokens.length, blocks, blocks.length);
                harness.model.forward(tokens, metadata, harness.kvCache);
                Tensor logits = harness.model.logits(new int[] {tokens.length - 1}, 1);
                for (int v = 0; v < gold.logits.length; v++) {
                    assertThat((double) logits.floats()[v]).as("logit %d", v).isCloseTo(gold.logits[v], within(1e-3));
                }
            }
        }
    }

    /**
     * Prefix caching, block size, chunk budget, a batch of others, some of them aborted (0 means alone), and how host and
     * device overlap.
     */
    @ParameterizedTest
    @CsvSource({
        "16,256,true,16,512,0,NONE", "16,256,false,16,512,0,NONE", "32,128,true,16,512,0,NONE",
        "32,128,false,7,7,0,NONE", "16,256,true,7,7,0,NONE", "16,1400,true,80,512,64,NONE",
        "16,1400,false,80,80,64,NONE", "32,700,true,7,7,64,NONE", "32,700,false,80,512,64,NONE",
        "16,48,true,16,64,64,NONE", "16,40,false,64,512,64,NONE", "32,20,true,64,100,64,NONE",
        "16,256,true,16,512,0,LATE_STEPS", "16,256,false,16,512,0,LATE_STEPS", "32,128,true,16,512,0,LATE_STEPS",
        "32,128,false,7,7,0,LATE_STEPS", "16,256,true,7,7,0,LATE_STEPS", "16,1400,true,80,512,64,LATE_STEPS",
        "16,1400,false,80,80,64,LATE_STEPS", "32,700,true,7,7,64,LATE_STEPS", "32,700,false,80,512,64,LATE_STEPS",
        "16,48,true,16,64,64,LATE_STEPS", "16,40,false,64,512,64,LATE_STEPS", "32,20,true,64,100,64,LATE_STEPS",
        "16,256,true,16,512,0,LATE_TOKENS", "16,256,false,16,512,0,LATE_TOKENS", "32,128,true,16,512,0,LATE_TOKENS",
        "32,128,false,7,7,0,LATE_TOKENS", "16,256,true,7,7,0,LATE_TOKENS", "16,1400,true,80,512,64,LATE_TOKENS",
        "16,1400,false,80,80,64,LATE_TOKENS", "32,700,true,7,7,64,LATE_TOKENS", "32,700,false,80,512,64,LATE_TOKENS",
        "16,48,true,16,64,64,LATE_TOKENS", "16,40,false,64,512,64,LATE_TOKENS", "32,20,true,64,100,64,LATE_TOKENS"
    })
    void greedyIdsEqualUnderEverySwitch(
            int blockSize, int numBlocks, boolean caching, int maxNumSeqs, int budget, int numOthers, Overlap overlap)
            throws Exception {
        Random random = new Random(1);
        try (EngineHarness harness = open(new Setup(blockSize, numBlocks, caching, maxNumSeqs, budget, 512, overlap))) {
            harness.engine.start();
            List<Answer> others = new ArrayList<>();
            List<Answer> answers = new ArrayList<>();
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < numOthers / 2; i++) {
                    others.add(harness.submit(noise(random), params(random), EOS));
                }
                for (Gold gold : golds) {
                    answers.add(harness.submit(gold.prompt, greedy(LENGTH), EOS));
                }
            }
            for (int i = 0; i < others.size(); i += 5) {
                harness.abort(others.get(i));
                Thread.sleep(2);
            }
            for (int i = 0; i < answers.size(); i++) {
                List<Integer> got = answers.get(i).await().tokens.get(0);
                List<Integer> expected = golds.get(i % golds.size()).ids;
                assertThat(got).isEqualTo(expected);
            }
            for (Answer other : others) {
                other.await();
            }
            assertThat(harness.engine.stats().numFreeBlocks()).isEqualTo(numBlocks);
            if (numBlocks * blockSize < 1000) {
                assertThat(harness.engine.stats().numPreemptions())
                        .as("preemptions were forced")
                        .isPositive();
            }
        }
    }

    private static TokenIds noise(Random random) {
        int[] tokens = new int[1 + random.nextInt(200)];
        Arrays.setAll(tokens, i -> 3 + random.nextInt(509));
        return TokenIds.of(tokens);
    }

    private static SamplingParams params(Random random) {
        return SamplingParams.builder()
                .temperature(random.nextInt(3) * 0.7f)
                .topP(0.9f)
                .maxTokens(20 + random.nextInt(60))
                .repetitionPenalty(random.nextBoolean() ? 1.1f : 1f)
                .ignoreEos(true)
                .build();
    }

    @ParameterizedTest
    @EnumSource
    void seededSamplingDoesNotDependOnTheBatch(Overlap overlap) throws Exception {
        SamplingParams seeded = SamplingParams.builder()
                .temperature(1f)
                .topP(0.95f)
                .topK(50)
                .seed(1234)
                .maxTokens(LENGTH)
                .build();
        List<Integer> alone;
        try (EngineHarness harness = open(Setup.plain(overlap))) {
            harness.engine.start();
            alone = harness.submit(golds.get(0).prompt, seeded, EOS)
                    .await()
                    .tokens
                    .get(0);
        }
        Random random = new Random(2);
        try (EngineHarness harness = open(new Setup(32, 200, true, 40, 64, 512, overlap))) {
            harness.engine.start();
            for (int i = 0; i < 30; i++) {
                harness.submit(noise(random), params(random), EOS);
            }
            assertThat(harness.submit(golds.get(0).prompt, seeded, EOS)
                            .await()
                            .tokens
                            .get(0))
                    .isEqualTo(alone);
            SamplingParams other = seeded.toBuilder().seed(1235).build();
            assertThat(harness.submit(golds.get(0).prompt, other, EOS)
                            .await()
                            .tokens
                            .get(0))
                    .isNotEqualTo(alone);
        }
    }

    @ParameterizedTest
    @EnumSource
    void logprobsAreRawAndPromptLogprobsCoverThePrompt(Overlap overlap) throws Exception {
        Gold gold = golds.get(0);
        SamplingParams params = SamplingParams.builder()
                .temperature(0)
                .maxTokens(4)
                .numLogprobs(3)
                .numPromptLogprobs(2)
                .repetitionPenalty(1.3f)
                .build();
        for (int budget : new int[] {3, 64}) {
            try (EngineHarness harness = open(new Setup(16, 64, true, 3, budget, 512, overlap))) {
                harness.engine.start();
                Answer answer = harness.submit(gold.prompt, params, EOS).await();
                double max = Arrays.stream(gold.logits).max().getAsDouble();
                double sum =
                        Arrays.stream(gold.logits).map(l -> Math.exp(l - max)).sum();
                TokenLogprobs first = answer.logprobs.get(0).get(0);
                int id = first.tokenId();
                assertThat((double) first.logprob()).isCloseTo(gold.logits[id] - max - Math.log(sum), within(1e-3));
                assertThat(first.topIds()).hasSize(3);
                assertThat((double) first.topLogprobs()[0]).isCloseTo(-Math.log(sum), within(1e-3));
                assertThat(answer.promptLogprobs).hasSize(gold.prompt.length());
                assertThat(answer.promptLogprobs.get(0)).isNull();
                for (int p = 1; p < gold.prompt.length(); p++) {
                    TokenLogprobs position = answer.promptLogprobs.get(p);
                    assertThat(position.tokenId()).isEqualTo(gold.prompt.get(p));
                    assertThat(position.topIds()).hasSize(2);
                    assertThat(position.logprob()).isLessThanOrEqualTo(position.topLogprobs()[0]);
                }
            }
        }
    }
}
