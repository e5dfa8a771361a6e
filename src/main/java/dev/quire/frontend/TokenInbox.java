package dev.quire.frontend;

import dev.quire.request.SequenceResult;
import dev.quire.request.TokenLogprobs;
import dev.quire.request.TokenSink;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The letter box between the engine thread, which drops tokens into it, and one event loop, which empties it.
 *
 * <p>One writer, one reader, no lock. Entries lie in chunks of primitive arrays, so a token costs no allocation of its
 * own. When more tokens wait than the bound allows, further tokens are dropped and {@link #overflowed} stays true: the
 * reader then gives the request up. Ends of sequences are never dropped.
 */
public final class TokenInbox implements TokenSink {
    /** Receives entries in the order in which they were dropped. */
    public interface Reader {
        /** One token; {@code nanos} is the {@link System#nanoTime()} of its arrival here. */
        void token(int index, int tokenId, @Nullable TokenLogprobs logprobs, long nanos);

        void finished(int index, SequenceResult result);

        void failed(String cause);

        void promptLogprobs(List<@Nullable TokenLogprobs> positions);
    }

    private static final int CHUNK_SIZE = 128;
    private static final int FINISHED = -1;
    private static final int FAILED = -2;
    private static final int PROMPT_LOGPROBS = -3;

    private final Wakeup wakeup;
    private final int bound;
    private final @Nullable SequenceResult[] results;

    private Chunk writeChunk = new Chunk();
    private Chunk readChunk = writeChunk;
    private volatile long numWritten;
    private volatile long numRead;
    private volatile boolean overflowed;
    private String failure = "";
    private List<@Nullable TokenLogprobs> promptLogprobs = List.of();

    /**
     * @param n sequences of the request
     * @param bound tokens that may wait
     */
    public TokenInbox(int n, int bound, Wakeup wakeup) {
        this.results = new SequenceResult[n];
        this.bound = bound;
        this.wakeup = wakeup;
    }

    @Override
    public void token(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
        if (numWritten - numRead >= bound) {
            overflowed = true;
            wakeup.signal();
            return;
        }
        write(index, tokenId, logprobs);
    }

    @Override
    public void finished(int index, SequenceResult result) {
        results[index] = result;
        write(index, FINISHED, null);
    }

    @Override
    public void failed(String cause) {
        failure = cause;
        write(0, FAILED, null);
    }

    @Override
    public void promptLogprobs(List<@Nullable TokenLogprobs> positions) {
        promptLogprobs = positions;
        write(0, PROMPT_LOGPROBS, null);
    }

    private void write(int index, int tokenId, @Nullable TokenLogprobs logprobs) {
        int slot = (int) (numWritten % CHUNK_SIZE);
        if (slot == 0 && numWritten > 0) {
            Chunk next = new Chunk();
            writeChunk.next = next;
            writeChunk = next;
        }
        writeChunk.indexes[slot] = index;
        writeChunk.tokenIds[slot] = tokenId;
        writeChunk.nanos[slot] = System.nanoTime();
        if (logprobs != null) {
            writeChunk.setLogprobs(slot, logprobs);
        }
        // Publishes everything above; the full fence also orders it before the wake-up's read.
        numWritten = numWritten + 1;
        wakeup.signal();
    }

    /** Whether tokens were dropped because nobody read them. */
    public boolean overflowed() {
        return overflowed;
    }

    /** Hands everything that waits to {@code reader}; event loop only. */
    public void drain(Reader reader) {
        long end = numWritten;
        long next = numRead;
        try {
            while (next < end) {
                int slot = (int) (next % CHUNK_SIZE);
                if (slot == 0 && next > 0) {
                    readChunk = following(next);
                }
                next++;
                read(reader, slot);
            }
        } finally {
            numRead = next;
        }
    }

    private Chunk following(long entry) {
        Chunk next = readChunk.next;
        if (next == null) {
            throw new IllegalStateException("entry " + entry + " of " + numWritten + " has no chunk");
        }
        return next;
    }

    private void read(Reader reader, int slot) {
        int index = readChunk.indexes[slot];
        int tokenId = readChunk.tokenIds[slot];
        if (tokenId >= 0) {
            reader.token(index, tokenId, readChunk.logprobs(slot), readChunk.nanos[slot]);
        } else if (tokenId == PROMPT_LOGPROBS) {
            reader.promptLogprobs(promptLogprobs);
        } else if (tokenId == FAILED) {
            reader.failed(failure);
        } else {
            SequenceResult result = results[index];
            if (result == null) {
                throw new IllegalStateException("sequence " + index + " ended without a result");
            }
            reader.finished(index, result);
        }
    }

    /** Entries in parallel arrays; logprobs only where some were asked. */
    private static final class Chunk {
        final int[] indexes = new int[CHUNK_SIZE];
        final int[] tokenIds = new int[CHUNK_SIZE];
        final long[] nanos = new long[CHUNK_SIZE];
        private @Nullable TokenLogprobs @Nullable [] logprobs;

        @Nullable
        Chunk next;

        void setLogprobs(int slot, TokenLogprobs value) {
            TokenLogprobs[] all = logprobs;
            if (all == null) {
                all = new TokenLogprobs[CHUNK_SIZE];
                logprobs = all;
            }
            all[slot] = value;
        }

        @Nullable
        TokenLogprobs logprobs(int slot) {
            return logprobs == null ? null : logprobs[slot];
        }
    }
}
