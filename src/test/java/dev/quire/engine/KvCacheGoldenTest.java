package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineHarness.Answer;
import dev.quire.engine.EngineHarness.Setup;
import dev.quire.engine.GoldenModel.Gold;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.kernel.cuda.CudaBackend;
import dev.quire.kernel.cuda.TestDevice;
import dev.quire.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A model whose answers were computed with K and V rounded to FP8 E4M3, scaled as its checkpoint says. Written by {@code
 * src/test/python/goldens/kv_cache.py}.
 */
class KvCacheGoldenTest {
    private static final Path DIRECTORY = Path.of("src/test/resources/goldens-kv/llama-fp8");
    private static final double TOLERANCE = 2e-3;
    /** Activations in bfloat16. */
    private static final double BF16_TOLERANCE = 4e-2;

    private final GoldenModel model = GoldenModel.read(DIRECTORY);

    private EngineHarness open(Setup setup, DType type) {
        return new EngineHarness(model.files, setup, new CpuBackend(CpuOptions.defaults()), type);
    }

    @Test
    void logitsAndGreedyIdsAreThoseOfThisCache() throws Exception {
        Setup setup = model.setup(16, true, model.maxModelLen);
        try (EngineHarness harness = open(setup, DType.F8_E4M3)) {
            for (Gold gold : model.golds) {
                assertThat(error(harness, setup, gold)).isLessThan(TOLERANCE);
            }
            harness.engine.start();
            // The second time the prompt is in the prefix cache.
            for (int round = 0; round < 2; round++) {
                for (Gold gold : model.golds) {
                    check(gold, GoldenModel.submit(harness, gold, gold.ids().size()));
                }
            }
            assertThat(harness.engine.stats().numCachedPromptTokens()).isPositive();
        }
    }

    /** So the golden answers would notice a cache that does not round, or rounds without the scales. */
    @Test
    void anExactCacheAnswersOtherwise() {
        Setup setup = model.setup(16, true, model.maxModelLen);
        try (EngineHarness harness = open(setup, DType.F32)) {
            for (Gold gold : model.golds) {
                assertThat(error(harness, setup, gold)).isGreaterThan(5 * TOLERANCE);
            }
            harness.engine.start();
        }
    }

    @Test
    void chunksBlocksAndBatchesChangeNoId() throws Exception {
        for (Setup setup : List.of(model.setup(32, false, 13), model.setup(8, true, 39))) {
            try (EngineHarness harness = open(setup, DType.F8_E4M3)) {
                harness.engine.start();
                List<Answer> answers = new ArrayList<>();
                for (Gold gold : model.golds) {
                    answers.add(GoldenModel.submit(harness, gold, gold.ids().size()));
                }
                for (int i = 0; i < answers.size(); i++) {
                    check(model.golds.get(i), answers.get(i));
                }
            }
        }
    }

    @Test
    void cudaAgreesWithinBfloat16() {
        Setup setup = model.setup(16, true, model.maxModelLen);
        CudaBackend backend = TestDevice.open();
        try (EngineHarness harness = new EngineHarness(model.files, setup, backend, DType.F8_E4M3)) {
            for (Gold gold : model.golds) {
                float[] logits = GoldenModel.firstLogits(harness, setup, gold, (h, tokens, metadata, rows) -> {
                    backend.beginStep(tokens, metadata, rows, 1);
                    h.model.forward(tokens, metadata, h.kvCache);
                    return TestDevice.get(backend, h.model.logits(rows, 1));
                });
                assertThat(GoldenModel.relativeError(logits, gold.logits())).isLessThan(BF16_TOLERANCE);
            }
            harness.engine.start();
        }
    }

    private static double error(EngineHarness harness, Setup setup, Gold gold) {
        float[] logits = GoldenModel.firstLogits(harness, setup, gold, GoldenModel::readArrays);
        return GoldenModel.relativeError(logits, gold.logits());
    }

    private static void check(Gold gold, Answer answer) throws InterruptedException {
        assertThat(answer.await().tokens.get(0))
                .as("ids after %d tokens", gold.prompt().length())
                .isEqualTo(gold.ids());
    }
}
