package dev.quire.kernel.cuda;

import dev.quire.kernel.SamplingBatch;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Writes a batch into pinned memory as the kernels read it: {@code SamplingRow}s, {@code AdjustRow}s, {@code LogprobRow}s,
 * then the lists of ids as int32 words.
 */
final class SamplingPacker {
    /** More best ids of a row than this are ranked on the host. */
    static final int MAX_TOP = 32;

    private static final int ROW_BYTES = 40;
    private static final int ADJUST_BYTES = 64;
    private static final int WANTED_BYTES = 16;

    // What the last batch needs.
    boolean greedy;
    boolean filters;
    int numAdjusted;
    int numRaw;
    int numFull;

    // Offsets of the parts, in bytes.
    int adjustsAt;
    int wantedAt;
    int dataAt;
    int numBytes;

    private ByteBuffer to;
    private IntBuffer words;
    /** Next free word of the lists. */
    private int word;

    void pack(SamplingBatch batch, int vocabSize, SamplingCall call) {
        measure(batch, vocabSize, call);
        call.parameters.reserve(numBytes);
        to = call.parameters.bytes();
        words = call.parameters.ints();
        word = 0;
        int adjusted = 0;
        int wanted = 0;
        int raw = 0;
        for (int row = 0; row < batch.numRows; row++) {
            packRow(batch, row);
            boolean adjusts = adjusts(batch, row);
            boolean wants = batch.numLogprobs[row] >= 0;
            int rawRow = adjusts && wants ? raw++ : -1;
            if (adjusts) {
                packAdjust(batch, row, adjustsAt + adjusted++ * ADJUST_BYTES, rawRow);
            }
            if (wants) {
                packWanted(wanted, row, rawRow, call.wantedFull[wanted] >= 0 ? 0 : call.wantedTop[wanted]);
                wanted++;
            }
        }
    }

    /** Reports of {@code numTop} best ids and of given targets, for rows 0 to {@code numRows}. */
    void packTargets(int[] targets, int numTop, int numRows, int vocabSize, SamplingCall call) {
        call.numWanted = 0;
        call.topStride = 0;
        numFull = 0;
        call.reserveWanted(numRows);
        for (int row = 0; row < numRows; row++) {
            want(call, row, numTop, vocabSize);
        }
        adjustsAt = 0;
        wantedAt = 0;
        dataAt = numRows * WANTED_BYTES;
        numBytes = dataAt + numRows * Integer.BYTES;
        call.parameters.reserve(numBytes);
        to = call.parameters.bytes();
        words = call.parameters.ints();
        word = 0;
        append(targets, numRows);
        for (int row = 0; row < numRows; row++) {
            packWanted(row, row, -1, call.wantedFull[row] >= 0 ? 0 : call.wantedTop[row]);
        }
    }

    private void measure(SamplingBatch batch, int vocabSize, SamplingCall call) {
        greedy = true;
        filters = false;
        numAdjusted = 0;
        numRaw = 0;
        numFull = 0;
        call.numWanted = 0;
        call.topStride = 0;
        call.reserveWanted(batch.numRows);
        long words = 0;
        for (int row = 0; row < batch.numRows; row++) {
            boolean drawn = batch.temperature[row] != 0f;
            greedy &= !drawn;
            filters |= drawn && (batch.topK[row] > 0 || batch.topP[row] < 1f);
            boolean adjusts = adjusts(batch, row);
            if (adjusts) {
                numAdjusted++;
                words += numWords(batch, row);
            }
            if (batch.numLogprobs[row] >= 0) {
                numRaw += adjusts ? 1 : 0;
                want(call, row, batch.numLogprobs[row], vocabSize);
            }
        }
        adjustsAt = SamplingCall.align(batch.numRows * ROW_BYTES);
        wantedAt = adjustsAt + numAdjusted * ADJUST_BYTES;
        dataAt = wantedAt + call.numWanted * WANTED_BYTES;
        numBytes = Math.toIntExact(dataAt + words * Integer.BYTES);
    }

    private void want(SamplingCall call, int row, int numTop, int vocabSize) {
        int i = call.numWanted++;
        int top = Math.min(numTop, vocabSize);
        call.wantedRow[i] = row;
        call.wantedTop[i] = top;
        call.wantedFull[i] = top > MAX_TOP ? numFull++ : -1;
        if (top <= MAX_TOP) {
            call.topStride = Math.max(call.topStride, top);
        }
    }

    private static boolean adjusts(SamplingBatch batch, int row) {
        return batch.allowedIds[row] != null
                || batch.bannedIds[row] != null
                || batch.biasIds[row] != null
                || batch.tokenMask[row] != null
                || penalizes(batch, row);
    }

    private static boolean penalizes(SamplingBatch batch, int row) {
        return batch.tokens[row] != null
                && (batch.repetitionPenalty[row] != 1f
                        || batch.frequencyPenalty[row] != 0f
                        || batch.presencePenalty[row] != 0f);
    }

    private static long numWords(SamplingBatch batch, int row) {
        return (long) length(batch.allowedIds[row])
                + length(batch.bannedIds[row])
                + 2L * length(batch.biasIds[row])
                + length(batch.tokenMask[row])
                + (penalizes(batch, row) ? batch.numTokens[row] : 0);
    }

    private static int length(int @Nullable [] list) {
        return list == null ? 0 : list.length;
    }

    private void packRow(SamplingBatch batch, int row) {
        int at = row * ROW_BYTES;
        to.putFloat(at, batch.temperature[row]);
        to.putFloat(at + 4, batch.topP[row]);
        to.putFloat(at + 8, batch.minP[row]);
        to.putInt(at + 12, batch.topK[row]);
        to.putLong(at + 16, batch.seed[row]);
        to.putLong(at + 24, batch.counter[row]);
        to.putInt(at + 32, batch.slot[row]);
        to.putInt(at + 36, 0);
    }

    private void packAdjust(SamplingBatch batch, int row, int at, int rawRow) {
        to.putInt(at, row);
        to.putInt(at + 4, rawRow);
        to.putFloat(at + 8, batch.repetitionPenalty[row]);
        to.putFloat(at + 12, batch.frequencyPenalty[row]);
        to.putFloat(at + 16, batch.presencePenalty[row]);
        to.putInt(at + 20, batch.numPromptTokens[row]);
        boolean penalizes = penalizes(batch, row);
        putList(at + 24, penalizes ? batch.tokens[row] : null, penalizes ? batch.numTokens[row] : 0);
        int[] allowed = batch.allowedIds[row];
        putList(at + 32, allowed, allowed == null ? -1 : allowed.length);
        putList(at + 40, batch.bannedIds[row], length(batch.bannedIds[row]));
        float[] biases = batch.biases[row];
        int numBiases = biases == null ? 0 : length(batch.biasIds[row]);
        putList(at + 48, batch.biasIds[row], numBiases);
        for (int i = 0; i < numBiases; i++) {
            to.putFloat(dataAt + word++ * Integer.BYTES, biases[i]);
        }
        int[] mask = batch.tokenMask[row];
        to.putInt(at + 56, mask == null ? -1 : word);
        append(mask, length(mask));
        to.putInt(at + 60, 0);
    }

    /** Start and length of a list, and the list itself. */
    private void putList(int at, int @Nullable [] list, int length) {
        to.putInt(at, word);
        to.putInt(at + 4, length);
        append(list, length);
    }

    private void append(int @Nullable [] list, int length) {
        if (list == null || length <= 0) {
            return;
        }
        words.put(dataAt / Integer.BYTES + word, list, 0, length);
        word += length;
    }

    /** Which copy of raw logits a report of the last batch reads; -1 for the logits. */
    int rawRow(int wanted) {
        return to.getInt(wantedAt + wanted * WANTED_BYTES + 4);
    }

    private void packWanted(int i, int row, int rawRow, int numTop) {
        int at = wantedAt + i * WANTED_BYTES;
        to.putInt(at, row);
        to.putInt(at + 4, rawRow);
        to.putInt(at + 8, numTop);
        to.putInt(at + 12, 0);
    }
}
