package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineHarness.Answer;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.engine.GoldenModel.Gold;
import dev.quire.kernel.cuda.CudaBackend;
import dev.quire.kernel.cuda.TestDevice;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every model of {@code src/test/resources/goldens} against transformers in float32, under switches that must not matter. */
class GoldenModelsTest {
    private static final Path ROOT = Path.of("src/test/resources/goldens");
    private static final double TOLERANCE = 2e-3;
    /** Some layers of activations in bfloat16. */
    private static final double BF16_TOLERANCE = 4e-2;

    /** A rival this close to the best logit, as a share of it, may win in other arithmetic. */
    private static final double TIE = 1e-2;

    private static final int CHUNK = 13;
    private static final int CUDA_LENGTH = TestDevice.isReal() ? 32 : 3;
    private static final int CUDA_PROMPTS = TestDevice.isReal() ? 3 : 1;

    /** These must be there, whatever else is. */
    private static final Set<String> REQUIRED = Set.of(
            "gemma2",
            "gemma3",
            "gemma3-multimodal",
            "glm",
            "glm4",
            "granite",
            "granite-hybrid",
            "granite-swa",
            "llama",
            "llama-dynamic",
            "llama-older",
            "ministral",
            "ministral3",
            "mistral",
            "olmo2",
            "olmo3",
            "phi3",
            "phi3-short",
            "qwen2",
            "qwen3",
            "qwen3-yarn",
            "smollm3");

    /** One for each line of docs/quantization.md. */
    private static final Set<String> REQUIRED_FORMATS = Set.of(
            "awq",
            "fp8-block",
            "fp8-channel",
            "fp8-static",
            "gptq-actorder",
            "gptq-asymmetric",
            "gptq-v2-w8",
            "mixed-precision",
            "native-fp8-block",
            "native-fp8-static",
            "w4a16",
            "w4a16-actorder",
            "w4a16-asymmetric",
            "w8a16-asymmetric",
            "w8a16-channel",
            "w8a8",
            "w8a8-static");

    /** On the emulated device, which is slow: each has switches that no other has. */
    private static final Set<String> EMULATED = Set.of(
            "gguf-llama",
            "gguf-granite",
            "llama",
            "mistral",
            "gemma2",
            "gemma3",
            "glm4",
            "granite-swa",
            "ministral3",
            "olmo3",
            "phi3",
            "w4a16",
            "w4a16-actorder",
            "w4a16-asymmetric",
            "w8a8",
            "w8a8-static",
            "fp8-channel",
            "fp8-block",
            "gptq-asymmetric",
            "awq");

    static List<String> names() throws IOException {
        try (Stream<Path> directories = Files.list(ROOT)) {
            return directories
                    .filter(Files::isDirectory)
                    .map(d -> d.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    static List<String> cudaNames() throws IOException {
        return TestDevice.isReal()
                ? names()
                : names().stream().filter(EMULATED::contains).toList();
    }

    @Test
    void noneIsMissing() throws IOException {
        assertThat(names()).containsAll(REQUIRED).containsAll(REQUIRED_FORMATS).containsAll(EMULATED);
    }

    @ParameterizedTest
    @MethodSource("names")
    void logitsAndGreedyIdsAreThoseOfTransformers(String name) throws Exception {
        GoldenModel model = GoldenModel.read(ROOT.resolve(name));
        Setup setup = model.setup(16, true, model.maxModelLen);
        try (EngineHarness harness = model.open(setup, null)) {
            for (Gold gold : model.golds) {
                float[] logits = GoldenModel.firstLogits(harness, setup, gold, GoldenModel::readArrays);
                assertThat(GoldenModel.relativeError(logits, gold.logits()))
                        .as("%s: logits after %d tokens", name, gold.prompt().length())
                        .isLessThan(TOLERANCE);
            }
            harness.engine.start();
            // The second time the prompt is in the prefix cache.
            for (int round = 0; round < 2; round++) {
                for (Gold gold : model.golds) {
                    check(
                            name,
                            gold,
                            GoldenModel.submit(harness, gold, gold.ids().size()));
                }
            }
            assertThat(harness.engine.stats().numCachedPromptTokens())
                    .as("%s: tokens from the prefix cache", name)
                    .isPositive();
        }
    }

    /** Chunks smaller than a prompt, one sequence after the other and all together. */
    @ParameterizedTest
    @MethodSource("names")
    void chunksAndBatchesChangeNoId(String name) throws Exception {
        GoldenModel model = GoldenModel.read(ROOT.resolve(name));
        try (EngineHarness harness = model.open(model.setup(32, false, CHUNK), null)) {
            harness.engine.start();
            for (Gold gold : model.golds) {
                check(name, gold, GoldenModel.submit(harness, gold, gold.ids().size()));
            }
        }
        try (EngineHarness harness = model.open(model.setup(16, true, 3 * CHUNK), null)) {
            harness.engine.start();
            List<Answer> answers = new ArrayList<>();
            for (Gold gold : model.golds) {
                answers.add(GoldenModel.submit(harness, gold, gold.ids().size()));
                answers.add(GoldenModel.submit(harness, gold, gold.ids().size()));
            }
            for (int i = 0; i < answers.size(); i++) {
                check(name, model.golds.get(i / 2), answers.get(i));
            }
        }
    }

    private static void check(String name, Gold gold, Answer answer) throws InterruptedException {
        assertThat(answer.await().tokens.get(0))
                .as("%s: ids after %d tokens", name, gold.prompt().length())
                .isEqualTo(gold.ids());
    }

    @ParameterizedTest
    @MethodSource("cudaNames")
    void cudaAgreesWithinBfloat16(String name) throws Exception {
        GoldenModel model = GoldenModel.read(ROOT.resolve(name));
        Setup setup = model.setup(16, true, model.maxModelLen);
        CudaBackend backend = TestDevice.open();
        int numTies = 0;
        try (EngineHarness harness = model.open(setup, backend)) {
            for (Gold gold : some(model)) {
                float[] logits = GoldenModel.firstLogits(harness, setup, gold, (h, tokens, metadata, rows) -> {
                    backend.beginStep(tokens, metadata, rows, 1);
                    h.model.forward(tokens, metadata, h.kvCache);
                    return TestDevice.get(backend, h.model.logits(rows, 1));
                });
                assertThat(GoldenModel.relativeError(logits, gold.logits()))
                        .as("%s: logits after %d tokens", name, gold.prompt().length())
                        .isLessThan(BF16_TOLERANCE);
            }
            harness.engine.start();
            for (Gold gold : some(model)) {
                Answer answer = GoldenModel.submit(harness, gold, CUDA_LENGTH).await();
                numTies += partsAtATie(model, gold, answer.tokens.get(0)) ? 1 : 0;
            }
        }
        System.out.println(name + ": " + numTies + " of " + some(model).size() + " sequences part at a tie");
    }

    /** False when the ids agree; true when the first that does not is as good as the best one; else fails. */
    private static boolean partsAtATie(GoldenModel model, Gold gold, List<Integer> ids) throws Exception {
        int at = 0;
        while (at < ids.size() && ids.get(at).equals(gold.ids().get(at))) {
            at++;
        }
        if (at == ids.size()) {
            return false;
        }
        double largest = 0;
        for (float logit : gold.logits()) {
            largest = Math.max(largest, Math.abs(logit));
        }
        assertThat(distance(model, gold, at, ids.get(at)))
                .as(
                        "%s: token %d is %d, not %d; how much worse",
                        model, at, ids.get(at), gold.ids().get(at))
                .isLessThan(TIE * largest);
        return true;
    }

    /** How far below the best an id is at a position, asked of the CPU, which gives transformers' ids. */
    private static double distance(GoldenModel model, Gold gold, int position, int id) throws Exception {
        try (EngineHarness harness = model.open(model.setup(16, true, model.maxModelLen), null)) {
            harness.engine.start();
            SamplingParams params = SamplingParams.builder()
                    .temperature(0)
                    .maxTokens(position + 1)
                    .numLogprobs(10)
                    .ignoreEos(true)
                    .build();
            Answer answer =
                    harness.submit(gold.prompt(), params, TokenIds.empty()).await();
            TokenLogprobs best = answer.logprobs.get(0).get(position);
            for (int i = 0; i < best.topIds().length; i++) {
                if (best.topIds()[i] == id) {
                    return best.topLogprobs()[0] - best.topLogprobs()[i];
                }
            }
            return Double.POSITIVE_INFINITY;
        }
    }

    /** On the emulated device the last prompts, which are the longest. */
    private static List<Gold> some(GoldenModel model) {
        int size = model.golds.size();
        return model.golds.subList(Math.max(0, size - CUDA_PROMPTS), size);
    }
}
