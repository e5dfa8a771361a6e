package dev.quire.scheduler;

import dev.quire.request.SequenceResult;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keeps what it hears and checks the sink's contract. */
final class RecordingSink implements TokenSink {
    final List<List<Integer>> tokens = new ArrayList<>();
    final List<@Nullable SequenceResult> results = new ArrayList<>();

    @Nullable
    String failure;

    RecordingSink(int n) {
        for (int i = 0; i < n; i++) {
            tokens.add(new ArrayList<>());
            results.add(null);
        }
    }

    @Override
    public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
        if (results.get(index) != null || failure != null) {
            throw new IllegalStateException("token after the end of sequence " + index);
        }
        tokens.get(index).add(tokenId);
    }

    @Override
    public void finished(int index, SequenceResult result) {
        if (results.get(index) != null || failure != null) {
            throw new IllegalStateException("sequence " + index + " ends twice");
        }
        results.set(index, result);
    }

    @Override
    public void failed(String cause) {
        if (failure != null) {
            throw new IllegalStateException("request fails twice");
        }
        failure = cause;
    }

    boolean ended() {
        return failure != null || !results.contains(null);
    }
}
