package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.engine.EngineHarness.Answer;
import dev.quire.engine.EngineHarness.Overlap;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.kernel.cuda.CudaBackend;
import dev.quire.kernel.cuda.CudaOptions;
import dev.quire.kernel.cuda.TestDevice;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.weights.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole models on the CUDA backend: their greedy ids are the CPU's, where the CPU's best logit has no close rival. */
class CudaGoldenTest {
    private static final ClassLoader LOADER = CudaGoldenTest.class.getClassLoader();
    private static final Path STORIES = Path.of("../shared/data/models/stories260K");
    private static final TokenIds NO_EOS = TokenIds.empty();
    /** A rival this close to the best logit may win in other arithmetic. */
    private static final double TIE = 1e-2;

    private static final int LENGTH = TestDevice.isReal() ? 64 : 6;
    private static final int INVARIANT_LENGTH = TestDevice.isReal() ? 15 : 4;
    private static final int NUM_PROMPTS = TestDevice.isReal() ? 8 : 3;

    private static Setup setup(int blockSize, int numBlocks, boolean caching, int maxNumSeqs, int budget) {
        return new Setup(blockSize, numBlocks, caching, maxNumSeqs, budget, 512, Overlap.NONE);
    }

    private static ModelFiles demo() {
        return ModelFiles.ofResources(LOADER, "models/quire-demo");
    }

    private static List<TokenIds> demoPrompts() throws IOException {
        try (InputStream in = LOADER.getResourceAsStream("quire-demo-gold.json")) {
            return prompts(new ObjectMapper().readTree(in).get("prompts"));
        }
    }

    private static List<TokenIds> prompts(JsonNode nodes) {
        List<TokenIds> prompts = new ArrayList<>();
        for (JsonNode node : nodes) {
            JsonNode ids = node.get("prompt_ids");
            int[] values = new int[ids.size()];
            Arrays.setAll(values, i -> ids.get(i).intValue());
            prompts.add(TokenIds.of(values));
        }
        return prompts.subList(0, Math.min(NUM_PROMPTS, prompts.size()));
    }

    private static SamplingParams greedy() {
        return SamplingParams.builder()
                .temperature(0)
                .maxTokens(LENGTH)
                .ignoreEos(true)
                .build();
    }

    private static List<List<Integer>> answers(
            ModelFiles files, List<TokenIds> prompts, Setup setup, CudaBackend backend) throws Exception {
        return answers(files, prompts, greedy(), setup, backend);
    }

    private static List<List<Integer>> answers(
            ModelFiles files, List<TokenIds> prompts, SamplingParams params, Setup setup, CudaBackend backend)
            throws Exception {
        List<List<Integer>> ids = new ArrayList<>();
        try (EngineHarness harness = new EngineHarness(files, setup, backend)) {
            harness.engine.start();
            List<Answer> answers = new ArrayList<>();
            for (TokenIds prompt : prompts) {
                answers.add(harness.submit(prompt, params, NO_EOS));
            }
            for (Answer answer : answers) {
                assertThat(answer.await().failure).isNull();
                ids.add(answer.tokens.get(0));
            }
        }
        return ids;
    }

    /** What the CPU says, with its best candidates at each position. */
    private static List<Answer> expected(ModelFiles files, List<TokenIds> prompts) throws Exception {
        SamplingParams params = greedy().toBuilder().numLogprobs(5).build();
        List<Answer> answers = new ArrayList<>();
        try (EngineHarness harness = new EngineHarness(files, setup(16, 256, true, 16, 512))) {
            harness.engine.start();
            for (TokenIds prompt : prompts) {
                answers.add(harness.submit(prompt, params, NO_EOS));
            }
            for (Answer answer : answers) {
                answer.await();
            }
        }
        return answers;
    }

    /** Number of sequences that part from the CPU's at a tie; any other difference fails. */
    private static int compare(List<List<Integer>> got, List<Answer> expected) {
        int numTies = 0;
        for (int i = 0; i < got.size(); i++) {
            List<Integer> want = expected.get(i).tokens.get(0);
            int at = 0;
            while (at < want.size() && got.get(i).get(at).equals(want.get(at))) {
                at++;
            }
            if (at < want.size()) {
                assertThat(distance(
                                expected.get(i).logprobs.get(0).get(at),
                                got.get(i).get(at)))
                        .as(
                                "sequence %d: token %d is %d, the CPU's %d",
                                i, at, got.get(i).get(at), want.get(at))
                        .isLessThan(TIE);
                numTies++;
            }
        }
        return numTies;
    }

    /** How far below the best an id is on the CPU; infinite when it is not among its best. */
    private static double distance(TokenLogprobs best, int id) {
        for (int i = 0; i < best.topIds().length; i++) {
            if (best.topIds()[i] == id) {
                return best.topLogprobs()[0] - best.topLogprobs()[i];
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    @Test
    void demoAnswersAsOnTheCpu() throws Exception {
        CudaBackend backend = TestDevice.open();
        List<TokenIds> prompts = demoPrompts();
        int numTies =
                compare(answers(demo(), prompts, setup(16, 256, true, 16, 512), backend), expected(demo(), prompts));
        System.out.println("quire-demo: " + numTies + " of " + prompts.size() + " sequences part at a tie");
    }

    @Test
    void storiesAnswersAsOnTheCpu() throws Exception {
        assumeTrue(Files.isDirectory(STORIES), "needs " + STORIES);
        CudaBackend backend = TestDevice.open();
        ModelFiles files = ModelFiles.ofDirectory(STORIES);
        List<TokenIds> prompts = prompts(new ObjectMapper()
                .readTree(STORIES.resolve("gold_greedy.json").toFile())
                .get("outputs"));
        int numTies = compare(answers(files, prompts, setup(32, 64, true, 16, 512), backend), expected(files, prompts));
        System.out.println("stories260K: " + numTies + " of " + prompts.size() + " sequences part at a tie");
    }

    private static List<TokenIds> shortPrompts() {
        return List.of(prefix(20), prefix(33), prefix(7));
    }

    private static Setup small(int blockSize, int numBlocks, boolean caching, int maxNumSeqs, int budget) {
        return new Setup(blockSize, numBlocks, caching, maxNumSeqs, budget, 48, Overlap.NONE);
    }

    /** Block size, number of blocks, caching, sequences, budget, graphs: none may change an id in this mode. */
    @Test
    void invariantModeGivesTheSameIds() throws Exception {
        SamplingParams params = greedy().toBuilder().maxTokens(INVARIANT_LENGTH).build();
        List<List<Integer>> plain =
                answers(demo(), shortPrompts(), params, small(16, 256, true, 16, 512), TestDevice.open(true, false));
        // Graphs, in one batch without a cache; chunks of seven, one after another; too few blocks for all.
        List<Setup> others =
                List.of(small(16, 256, false, 16, 512), small(32, 64, true, 7, 7), small(16, 4, false, 16, 40));
        for (Setup other : others) {
            boolean graphs = other.budget() == 512;
            assertThat(answers(demo(), shortPrompts(), params, other, TestDevice.open(true, graphs)))
                    .as("%s", other)
                    .isEqualTo(plain);
        }
    }

    /** So many ids, each another. */
    private static TokenIds prefix(int length) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> 300 + 7 * length + 31 * i);
        return TokenIds.of(ids);
    }

    /** In blocking mode the fault is reported with the kernel, else with the step. */
    @ParameterizedTest
    @CsvSource({"false,12 rows in 1 sequences", "true,kernel paged_attention_bf16_d64 <<<("})
    void aFailingDeviceFailsTheRequestsInFlightAndEndsTheEngine(boolean blocking, String what) throws Exception {
        TestDevice.assumeEmulated();
        CudaOptions options = new CudaOptions(0.9, false, true, blocking, TestDevice.libraryPath());
        EngineHarness harness = new EngineHarness(demo(), setup(16, 256, true, 16, 512), TestDevice.open(options));
        try {
            harness.engine.start();
            harness.submit(prefix(9), greedy().toBuilder().maxTokens(2).build(), NO_EOS)
                    .await();
            // Embedding, norm, product and rotation run; the first layer's attention does not.
            TestDevice.failAfter(4);
            assertThat(harness.submit(prefix(12), greedy(), NO_EOS).awaitFailure())
                    .contains("illegal memory access")
                    .contains(what);
            assertThat(harness.engine.awaitEnd()).contains("CudaException");
            assertThat(harness.engine.state()).isEqualTo(EngineClient.State.DEAD);
        } finally {
            harness.engine.close();
            TestDevice.repair();
        }
    }
}
