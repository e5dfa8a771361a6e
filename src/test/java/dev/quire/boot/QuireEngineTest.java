package dev.quire.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.engine.EngineClient;
import dev.quire.request.GenerationRequest;
import dev.quire.request.SamplingParams;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuireEngineTest {
    private static final String TINY = "\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":64,"
            + "\"intermediate_size\":128,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":2,"
            + "\"max_position_embeddings\":256,\"vocab_size\":512,\"torch_dtype\":\"bfloat16\",\"eos_token_id\":[2,3]";

    @TempDir
    Path dir;

    private final List<String> log = new ArrayList<>();

    private EngineOptions.Builder tiny(String more) throws IOException {
        Files.writeString(dir.resolve("config.json"), "{" + TINY + more + "}");
        return EngineOptions.builder().model(dir.toString()).loadFormat("dummy");
    }

    private static List<Integer> generate(QuireEngine quire, TokenIds prompt, SamplingParams params) throws Exception {
        List<Integer> ids = new ArrayList<>();
        CompletableFuture<Integer> ended = new CompletableFuture<>();
        TokenSink sink = new TokenSink() {
            @Override
            public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
                ids.add(tokenId);
            }

            @Override
            public void finished(int index, SequenceResult result) {
                ended.complete(result.numGeneratedTokens());
            }

            @Override
            public void failed(String cause) {
                ended.completeExceptionally(new AssertionError(cause));
            }
        };
        GenerationRequest request =
                new GenerationRequest("t", prompt, params, quire.eosTokenIds(), 0, 0, System.nanoTime(), sink);
        assertThat(quire.client().submit(request)).isEqualTo(EngineClient.Admission.ACCEPTED);
        assertThat(ended.get(120, TimeUnit.SECONDS)).isEqualTo(ids.size());
        return ids;
    }

    @Test
    void theEmbeddedModelAnswersWithoutAnyFramework() throws Exception {
        try (QuireEngine quire = QuireEngine.open(EngineOptions.defaults(), log::add)) {
            assertThat(quire.name()).isEqualTo("quire-demo");
            Tokenizer tokenizer = quire.tokenizer().orElseThrow();
            TokenIds prompt = TokenIds.of(tokenizer.encode("Once upon a time", true));
            List<Integer> ids = generate(
                    quire,
                    prompt,
                    SamplingParams.builder().temperature(0).maxTokens(12).build());
            String text = tokenizer.decode(ids.stream().mapToInt(i -> i).toArray(), true);
            assertThat(text).containsPattern("[a-z]+ [a-z]+ [a-z]+");
            assertThat(quire.client().stats().numGenerationTokens()).isEqualTo(12);
        }
    }

    @Test
    void theLogTellsDevicePlanAndPhasesInThisOrder() throws IOException {
        QuireEngine.open(tiny("").build(), log::add).close();
        assertThat(log.get(0)).startsWith("device cpu (");
        assertThat(log.get(1)).startsWith("memory plan (cpu, ");
        assertThat(log.get(log.size() - 1)).matches("files .* s, device .* s, .*weights .* s, .*tokenizer .* s");
    }

    @Test
    void randomWeightsNeedNoTokenizer() throws Exception {
        try (QuireEngine quire = QuireEngine.open(tiny("").build(), log::add)) {
            assertThat(quire.tokenizer()).isEmpty();
            assertThat(quire.vocabSize()).isEqualTo(512);
            assertThat(quire.eosTokenIds()).isEqualTo(TokenIds.of(2, 3));
            assertThat(quire.weightBytesPerStep()).isPositive();
            SamplingParams params =
                    SamplingParams.builder().maxTokens(5).ignoreEos(true).build();
            assertThat(generate(quire, TokenIds.of(5, 6, 7), params)).hasSize(5).allMatch(id -> id >= 0 && id < 512);
        }
    }

    @Test
    void theKvCacheInFp8HoldsFourTimesTheTokensOfFloat32() throws Exception {
        EngineOptions.Builder small = tiny("").maxModelLen(64).kvCacheMemoryBytes(1 << 20);
        try (QuireEngine quire = QuireEngine.open(small.kvCacheDtype("fp8").build(), log::add)) {
            SamplingParams params =
                    SamplingParams.builder().maxTokens(9).ignoreEos(true).build();
            assertThat(generate(quire, TokenIds.of(5, 6, 7), params)).hasSize(9);
        }
        assertThat(log).contains("KV cache in FP8 (E4M3), scales of K 1.0, of V 1.0");
        // 2 layers of 2 heads of 16, K and V, one byte each: 128 bytes a token.
        assertThat(log).anyMatch(line -> line.contains("512 blocks of 16 tokens = 8,192 tokens"));
        log.clear();
        QuireEngine.open(small.kvCacheDtype("float32").build(), log::add).close();
        assertThat(log).anyMatch(line -> line.contains("128 blocks of 16 tokens = 2,048 tokens"));
        assertThat(log).noneMatch(line -> line.contains("FP8"));
    }

    @Test
    void optionsBecomeTheEnginesLimits() throws IOException {
        EngineOptions options = tiny("").maxModelLen(100)
                .maxNumSeqs(3)
                .maxNumBatchedTokens(7)
                .blockSize(8)
                .numBlocks(40)
                .enablePrefixCaching(false)
                .seed(9)
                .build();
        try (QuireEngine quire = QuireEngine.open(options, log::add)) {
            assertThat(quire.config())
                    .extracting("maxModelLen", "maxNumSeqs", "maxNumBatchedTokens", "blockSize", "numBlocks", "seed")
                    .containsExactly(100, 3, 7, 8, 40, 9L);
            assertThat(quire.config().enablePrefixCaching()).isFalse();
        }
    }

    @Test
    void drainingRefusesNewRequests() throws Exception {
        try (QuireEngine quire = QuireEngine.open(tiny("").build(), log::add)) {
            quire.drain(1000);
            assertThat(quire.client().state()).isEqualTo(EngineClient.State.STOPPED);
            assertThat(quire.client()
                            .submit(new GenerationRequest(
                                    "t",
                                    TokenIds.of(5),
                                    SamplingParams.builder().build(),
                                    TokenIds.empty(),
                                    0,
                                    0,
                                    0,
                                    new TokenSink() {
                                        @Override
                                        public void token(int index, int id, @Nullable TokenLogprobs logprobs) {}

                                        @Override
                                        public void finished(int index, SequenceResult result) {}

                                        @Override
                                        public void failed(String cause) {}
                                    })))
                    .isEqualTo(EngineClient.Admission.UNAVAILABLE);
        }
    }

    private void refuses(EngineOptions options, String... words) {
        assertThatThrownBy(() -> QuireEngine.open(options, log::add).close())
                .isInstanceOf(StartupException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(words).doesNotContain("\n"));
    }

    @Test
    void whatCannotStartSaysWhyInOneLine() throws IOException {
        refuses(EngineOptions.builder().model("/no/such/model").build(), "/no/such/model");
        refuses(tiny("").device("cuda").build(), "--device cuda", "use --device cpu");
        refuses(tiny("").cpuGemm("mkl").build(), "--cpu-gemm", "auto, vector, onednn");
        refuses(tiny("").loadFormat("gguf").build(), "--load-format gguf", "no GGUF file");
        refuses(
                EngineOptions.builder()
                        .model("src/test/resources/goldens/gguf-qwen3/model.gguf")
                        .loadFormat("safetensors")
                        .build(),
                "--load-format safetensors",
                "is a GGUF file");
        refuses(tiny("").loadFormat("pickle").build(), "--load-format pickle", "auto, safetensors, gguf or dummy");
        refuses(tiny("").dtype("float32").build(), "--dtype float32", "bfloat16");
        refuses(tiny("").maxModelLen(257).build(), "--max-model-len 257", "256 positions");
        refuses(tiny("").maxNumSeqs(64).maxNumBatchedTokens(8).build(), "--max-num-batched-tokens 8", "--max-num-seqs");
        refuses(tiny("").kvCacheMemoryBytes(1L << 50).build(), "--kv-cache-memory-bytes", "does not fit", "lower it");
        refuses(tiny("").maxModelLen(256).numBlocks(2).build(), "--max-model-len 256");
        refuses(tiny("").loadFormat("auto").build(), dir.toString());
        Files.writeString(dir.resolve("config.json"), "{\"architectures\":[\"NoSuchModel\"]}");
        refuses(
                EngineOptions.builder()
                        .model(dir.toString())
                        .loadFormat("dummy")
                        .build(),
                "NoSuchModel",
                "LlamaForCausalLM");
    }

    @Test
    void aFailureIsOneLineWhateverItsDepth() {
        assertThat(FailureLine.of(new RuntimeException(new StartupException("too large; use less"))))
                .isEqualTo("too large; use less");
        assertThat(FailureLine.of(new IllegalStateException("a\n  b"))).isEqualTo("IllegalStateException: a; b");
        assertThat(FailureLine.of(new OutOfMemoryError("Java heap space"))).contains("Java heap space", "-Xmx");
    }
}
