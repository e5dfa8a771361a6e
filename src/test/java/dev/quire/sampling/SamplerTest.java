package dev.quire.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.kernel.cpu.ReferenceSampling;
import dev.quire.request.LogitBias;
import dev.quire.request.SamplingParams;
import dev.quire.request.TokenIds;
import dev.quire.request.TokenLogprobs;
import dev.quire.tensor.DType;
import dev.quire.tensor.Shape;
import dev.quire.tensor.Storage;
import dev.quire.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int[] TOKENS = {5, 6, 7, 1, 1, 2};

    private static SamplingParams.Builder greedy() {
        return SamplingParams.builder().temperature(0f);
    }

    private static Tensor logits(float... values) {
        return new Tensor(DType.F32, Shape.of(values.length / 4, 4), new Storage.Floats(values));
    }

    private static Sampler sampler() {
        return new Sampler(new ReferenceSampling(), 3, 4);
    }

    @Test
    void eachRowFollowsItsOwnParameters() {
        Sampler sampler = sampler();
        sampler.begin();
        sampler.add(greedy().build(), 4, 0, TOKENS, 3, 3, null);
        sampler.add(greedy().presencePenalty(2f).build(), 4, 0, TOKENS, 6, 3, null);
        sampler.add(
                greedy().allowedTokenIds(TokenIds.of(0, 3))
                        .logitBias(LogitBias.of(new int[] {3}, new float[] {-50f}))
                        .build(),
                4,
                0,
                TOKENS,
                3,
                3,
                null);
        sampler.sample(logits(0, 3, 2, 1, 0, 3, 2, 1.5f, 0, 3, 2, 1));
        assertThat(List.of(sampler.id(0), sampler.id(1), sampler.id(2))).containsExactly(1, 3, 0);
        assertThat(sampler.logprobs(0)).isNull();
    }

    @Test
    void nothingOfARowStaysForTheNextStep() {
        Sampler sampler = sampler();
        sampler.begin();
        SamplingParams all = greedy().presencePenalty(2f)
                .repetitionPenalty(3f)
                .allowedTokenIds(TokenIds.of(0))
                .logitBias(LogitBias.of(new int[] {0}, new float[] {5f}))
                .numLogprobs(2)
                .build();
        sampler.add(all, 4, 0, TOKENS, 6, 3, new int[] {1, 2, 3}, new int[] {1});
        sampler.sample(logits(0, 3, 2, 1));
        assertThat(sampler.id(0)).isZero();
        sampler.begin();
        sampler.add(greedy().build(), 4, 0, TOKENS, 6, 3, null);
        sampler.sample(logits(0, 3, 2, 1));
        assertThat(sampler.id(0)).isEqualTo(1);
        assertThat(sampler.logprobs(0)).isNull();
    }

    @Test
    void theDrawIsKeyedBySeedAndGeneratedTokens() {
        SamplingBatch[] seen = new SamplingBatch[1];
        SamplingKernels recorder = new SamplingKernels() {
            @Override
            public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
                seen[0] = batch;
            }

            @Override
            public void logprobs(
                    Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {}
        };
        Sampler sampler = new Sampler(recorder, 2, 4);
        sampler.begin();
        sampler.add(SamplingParams.builder().build(), 4, 77, TOKENS, 5, 3, null);
        sampler.add(SamplingParams.builder().build(), 4, 78, TOKENS, 3, 3, null);
        sampler.sample(logits(0, 0, 0, 0, 0, 0, 0, 0));
        assertThat(seen[0].numRows).isEqualTo(2);
        assertThat(seen[0].seed).containsExactly(77, 78);
        assertThat(seen[0].slot).containsExactly(4, 4);
        assertThat(seen[0].counter).containsExactly(2, 0);
        assertThat(seen[0].tokens[0]).as("no penalties, no tokens").isNull();
    }

    @Test
    void logprobsAreRawAndRanked() {
        Sampler sampler = sampler();
        sampler.begin();
        sampler.add(greedy().numLogprobs(2).build(), 4, 0, TOKENS, 3, 3, new int[] {1});
        sampler.add(greedy().numLogprobs(0).build(), 4, 0, TOKENS, 3, 3, null);
        sampler.add(greedy().numLogprobs(1).build(), 4, 0, TOKENS, 3, 3, null);
        sampler.sample(logits(0, 3, 2, 1, 0, 3, 2, 1, 0, Float.NaN, 2, 1));
        TokenLogprobs banned = sampler.logprobs(0);
        assertThat(banned).isNotNull();
        assertThat(banned.tokenId()).isEqualTo(2);
        assertThat(banned.rank()).isEqualTo(2);
        assertThat(banned.topIds()).containsExactly(1, 2);
        assertThat(banned.logprob()).isEqualTo(banned.topLogprobs()[1]);
        assertThat(sampler.logprobs(1).topIds()).isEmpty();
        assertThat(sampler.logprobs(1).rank()).isEqualTo(1);
        assertThat(sampler.logprobs(2)).as("nothing was drawn").isNull();
    }

    @Test
    void promptLogprobsComeInRowOrder() {
        Sampler sampler = sampler();
        int[] targets = {3, 0};
        sampler.scorePrompt(logits(0, 3, 2, 1, 5, 3, 2, 1), targets, 2, 1);
        List<TokenLogprobs> rows = sampler.promptLogprobs(targets, 2);
        assertThat(rows).extracting(TokenLogprobs::tokenId).containsExactly(3, 0);
        assertThat(rows).extracting(TokenLogprobs::rank).containsExactly(3, 1);
        assertThat(rows.get(0).topIds()).containsExactly(1);
    }

    @Test
    void refusesMoreRowsThanItWasMadeFor() {
        Sampler sampler = new Sampler(new ReferenceSampling(), 1, 4);
        sampler.begin();
        sampler.add(greedy().build(), 4, 0, TOKENS, 3, 3, null);
        assertThatThrownBy(() -> sampler.add(greedy().build(), 4, 0, TOKENS, 3, 3, null))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 rows");
    }
}
