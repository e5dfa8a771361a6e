package dev.quire.frontend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class InputProcessorTest {
    private static final int MAX_MODEL_LEN = 64;
    private final InputProcessor input = new InputProcessor(model(SamplingDefaults.none()));

    private static ServedModel model(SamplingDefaults defaults) {
        return TestModels.served(new ByteTokenizer(), MAX_MODEL_LEN, defaults);
    }

    private ValidRequest complete(String text, SamplingOptions options) {
        return input.completion(new Prompt.Text(text), true, false, options);
    }

    private static InvalidRequest refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(InvalidRequest.class, call);
    }

    @Test
    void tokenizesAndFillsInTheDefaults() {
        ValidRequest request = complete("ab", new SamplingOptions());
        assertThat(request.prompt()).isEqualTo(TokenIds.of(ByteTokenizer.BOS, 'a', 'b'));
        assertThat(request.eosTokenIds()).isEqualTo(TokenIds.of(ByteTokenizer.EOS));
        SamplingParams params = request.params();
        assertThat(params.temperature()).isEqualTo(1f);
        assertThat(params.maxTokens()).isEqualTo(MAX_MODEL_LEN - 3);
        assertThat(params.hasSeed()).isFalse();
        assertThat(params.numLogprobs()).isEqualTo(SamplingParams.NO_LOGPROBS);
        assertThat(request.cacheSalt()).isZero();
    }

    @Test
    void modelDefaultsGiveWayToTheRequestExceptTheTokenLimit() {
        InputProcessor preset = new InputProcessor(model(new SamplingDefaults(0.5f, 0.9f, 40, 0.1f, 1.1f, 20)));
        SamplingParams none = preset.completion(new Prompt.Text("a"), true, false, new SamplingOptions())
                .params();
        assertThat(none.temperature()).isEqualTo(0.5f);
        assertThat(none.topP()).isEqualTo(0.9f);
        assertThat(none.topK()).isEqualTo(40);
        assertThat(none.minP()).isEqualTo(0.1f);
        assertThat(none.repetitionPenalty()).isEqualTo(1.1f);
        assertThat(none.maxTokens()).isEqualTo(20);
        SamplingOptions given = new SamplingOptions().temperature(0.25).topK(-1).maxTokens(30);
        SamplingParams own =
                preset.completion(new Prompt.Text("a"), true, false, given).params();
        assertThat(own.temperature()).isEqualTo(0.25f);
        assertThat(own.topK()).isZero();
        assertThat(own.maxTokens()).isEqualTo(20);
    }

    @Test
    void clipsMaxTokensToTheContext() {
        assertThat(complete("abc", new SamplingOptions().maxTokens(1000))
                        .params()
                        .maxTokens())
                .isEqualTo(MAX_MODEL_LEN - 4);
        assertThat(complete("abc", new SamplingOptions().maxTokens(10)).params().maxTokens())
                .isEqualTo(10);
    }

    @Test
    void refusesAPromptThatFillsTheContext() {
        complete("x".repeat(MAX_MODEL_LEN - 2), new SamplingOptions());
        InvalidRequest refused = refused(() -> complete("x".repeat(MAX_MODEL_LEN - 1), new SamplingOptions()));
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.type()).isEqualTo("BadRequestError");
        assertThat(refused.param()).isEqualTo("input_tokens");
        assertThat(refused)
                .hasMessage("This model's maximum context length is 64 tokens. However, your request has 64 input"
                        + " tokens. Please reduce the length of the input messages.");
    }

    @Test
    void refusesAHopelessTextWithoutTokenizingIt() {
        InvalidRequest refused = refused(() -> complete("x".repeat(64 * 6 + 1), new SamplingOptions()));
        assertThat(refused).hasMessageContaining("at least 65 input tokens");
    }

    @Test
    void truncatesOnTheAskedSide() {
        SamplingOptions left = new SamplingOptions().truncatePromptTokens(2);
        assertThat(complete("abc", left).prompt()).isEqualTo(TokenIds.of('b', 'c'));
        SamplingOptions right = new SamplingOptions().truncatePromptTokens(2).truncationSide("right");
        assertThat(complete("abc", right).prompt()).isEqualTo(TokenIds.of(ByteTokenizer.BOS, 'a'));
        SamplingOptions fit = new SamplingOptions().truncatePromptTokens(-1).maxTokens(10);
        ValidRequest fitted = complete("x".repeat(5000), fit);
        assertThat(fitted.prompt().length()).isEqualTo(MAX_MODEL_LEN - 10);
        assertThat(fitted.params().maxTokens()).isEqualTo(10);
    }

    @Test
    void readsIdPromptsAsTheyAre() {
        Prompt ids = new Prompt.Ids(TokenIds.of(1, 2, ByteTokenizer.TURN));
        assertThat(input.completion(ids, true, false, new SamplingOptions()).prompt())
                .isEqualTo(TokenIds.of(1, 2, ByteTokenizer.TURN));
        Prompt beyond = new Prompt.Ids(TokenIds.of(1, ByteTokenizer.VOCAB_SIZE));
        assertThat(refused(() -> input.completion(beyond, true, false, new SamplingOptions())))
                .hasMessageContaining("token id 259")
                .hasMessageContaining("Vocabulary size: 259");
        Prompt none = new Prompt.Ids(TokenIds.empty());
        assertThatThrownBy(() -> input.completion(none, true, false, new SamplingOptions()))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("empty");
    }

    @Test
    void saltsSeparateAndRepeat() {
        long one = complete("a", new SamplingOptions().cacheSalt("one")).cacheSalt();
        long again = complete("b", new SamplingOptions().cacheSalt("one")).cacheSalt();
        long two = complete("a", new SamplingOptions().cacheSalt("two")).cacheSalt();
        assertThat(one).isEqualTo(again).isNotEqualTo(two).isNotZero();
    }

    @Test
    void sortsLogitBiases() {
        SamplingParams params = complete("a", new SamplingOptions().logitBias(Map.of("9", 200.0, "10", -1.5)))
                .params();
        assertThat(params.logitBias().size()).isEqualTo(2);
        assertThat(params.logitBias().id(0)).isEqualTo(9);
        assertThat(params.logitBias().bias(0)).isEqualTo(100f);
        assertThat(params.logitBias().id(1)).isEqualTo(10);
    }

    static List<Arguments> badOptions() {
        return List.of(
                bad("n", "at least 1", o -> o.n(0)),
                bad("n", "at most 128", o -> o.n(129)),
                bad("n", "greedy", o -> o.n(2).temperature(0.0)),
                bad("temperature", "[0.0, 2.0]", o -> o.temperature(2.5)),
                bad("temperature", "finite", o -> o.temperature(1e300)),
                bad("top_p", "(0, 1]", o -> o.topP(0.0)),
                bad("top_k", "-1", o -> o.topK(-2)),
                bad("min_p", "[0.0, 1.0]", o -> o.minP(1.1)),
                bad("presence_penalty", "[-2.0, 2.0]", o -> o.presencePenalty(3.0)),
                bad("frequency_penalty", "[-2.0, 2.0]", o -> o.frequencyPenalty(-3.0)),
                bad("repetition_penalty", "greater than zero", o -> o.repetitionPenalty(0.0)),
                bad("max_tokens", "at least 1", o -> o.maxTokens(0)),
                bad("min_tokens", "max_tokens=5", o -> o.minTokens(6).maxTokens(5)),
                bad("logprobs", "greater than max allowed: 5", o -> o.logprobs(6)),
                bad("logprobs", "must not be negative", o -> o.logprobs(-1)),
                bad("prompt_logprobs", "greater than max allowed: 5", o -> o.promptLogprobs(6)),
                bad("stop", "empty string", o -> o.stop(List.of("a", ""))),
                bad("stop", "at most 4", o -> o.stop(List.of("a", "b", "c", "d", "e"))),
                bad("stop_token_ids", "out of vocabulary", o -> o.stopTokenIds(new int[] {-1})),
                bad("allowed_token_ids", "must not be empty", o -> o.allowedTokenIds(new int[0])),
                bad("allowed_token_ids", "259", o -> o.allowedTokenIds(new int[] {259})),
                bad("logit_bias", "259", o -> o.logitBias(Map.of("259", 1.0))),
                bad("logit_bias", "\"x\"", o -> o.logitBias(Map.of("x", 1.0))),
                bad("truncate_prompt_tokens", "[1, 64]", o -> o.truncatePromptTokens(65)),
                bad("truncation_side", "\"up\"", o -> o.truncatePromptTokens(1).truncationSide("up")),
                bad("cache_salt", "non-empty", o -> o.cacheSalt("")));
    }

    private static Arguments bad(String param, String message, Consumer<SamplingOptions> change) {
        return Arguments.of(param, message, change);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("badOptions")
    void refusesBadValuesNamingTheField(String param, String message, Consumer<SamplingOptions> change) {
        SamplingOptions options = new SamplingOptions();
        change.accept(options);
        InvalidRequest refused = refused(() -> complete("abc", options));
        assertThat(refused).isNotNull().hasMessageContaining(message);
        assertThat(refused.param()).isEqualTo(param);
        assertThat(refused.status()).isEqualTo(400);
    }

    @Test
    void knowsItsNames() {
        input.checkModel(null);
        input.checkModel("tiny");
        input.checkModel("alias");
        InvalidRequest refused = refused(() -> input.checkModel("other"));
        assertThat(refused.status()).isEqualTo(404);
        assertThat(refused).hasMessage("The model `other` does not exist.");
    }
}
