package dev.quire.frontend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.request.FinishReason;
import dev.quire.request.SequenceResult;
import dev.quire.request.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TokenInboxTest {
    private static final SequenceResult RESULT = new SequenceResult(FinishReason.STOP, -1, 1, 0, 3, 0, 1, 2, 3, 4);

    private final AtomicInteger numWakeups = new AtomicInteger();
    private final Wakeup wakeup = new Wakeup(numWakeups::incrementAndGet);

    /** Notes what it reads as words. */
    private static class Recorder implements TokenInbox.Reader {
        final List<String> entries = new ArrayList<>();

        @Override
        public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs, long nanos) {
            entries.add(index + ":" + tokenId + (logprobs == null ? "" : "/" + logprobs.logprob()));
        }

        @Override
        public void finished(int index, SequenceResult result) {
            entries.add(index + " " + result.reason());
        }

        @Override
        public void failed(String cause) {
            entries.add("failed " + cause);
        }

        @Override
        public void promptLogprobs(List<@Nullable TokenLogprobs> positions) {
            entries.add("prompt " + positions.size());
        }
    }

    @Test
    void keepsTheOrderAndSignalsOnceADrain() {
        TokenInbox inbox = new TokenInbox(2, 100, wakeup);
        inbox.promptLogprobs(new ArrayList<>(List.of(new TokenLogprobs(1, -1f, 1, new int[0], new float[0]))));
        inbox.token(0, 7, null);
        inbox.token(1, 8, new TokenLogprobs(8, -0.5f, 1, new int[0], new float[0]));
        inbox.finished(1, RESULT);
        assertThat(numWakeups).hasValue(1);

        Recorder recorder = new Recorder();
        wakeup.rearm();
        inbox.drain(recorder);
        inbox.failed("broken");
        assertThat(numWakeups).hasValue(2);
        inbox.drain(recorder);
        inbox.drain(recorder);
        assertThat(recorder.entries).containsExactly("prompt 1", "0:7", "1:8/-0.5", "1 STOP", "failed broken");
    }

    @Test
    void dropsTokensBeyondTheBoundButNoEnd() {
        TokenInbox inbox = new TokenInbox(1, 300, wakeup);
        for (int i = 0; i < 301; i++) {
            assertThat(inbox.overflowed()).isFalse();
            inbox.token(0, i, null);
        }
        assertThat(inbox.overflowed()).isTrue();
        inbox.finished(0, RESULT);
        Recorder recorder = new Recorder();
        inbox.drain(recorder);
        assertThat(recorder.entries)
                .hasSize(301)
                .contains("0:299")
                .endsWith("0 STOP")
                .doesNotContain("0:300");
    }

    @Test
    void losesNothingBetweenTwoThreads() throws InterruptedException {
        int numTokens = 200_000;
        Thread reader = Thread.currentThread();
        Wakeup unpark = new Wakeup(() -> LockSupport.unpark(reader));
        TokenInbox inbox = new TokenInbox(1, Integer.MAX_VALUE, unpark);
        Thread writer = new Thread(() -> {
            for (int i = 0; i < numTokens; i++) {
                inbox.token(0, i, null);
            }
            inbox.finished(0, RESULT);
        });
        AtomicInteger next = new AtomicInteger();
        boolean[] done = new boolean[1];
        TokenInbox.Reader inOrder = new Recorder() {
            @Override
            public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs, long nanos) {
                assertThat(tokenId).isEqualTo(next.getAndIncrement());
            }

            @Override
            public void finished(int index, SequenceResult result) {
                done[0] = true;
            }
        };
        writer.start();
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!done[0] && System.nanoTime() < deadline) {
            LockSupport.parkNanos(1_000_000_000L);
            unpark.rearm();
            inbox.drain(inOrder);
        }
        writer.join();
        assertThat(next).hasValue(numTokens);
        assertThat(done[0]).isTrue();
    }
}
