package dev.quire.kernel.cuda;

import dev.quire.kernel.SampledTokens;
import dev.quire.kernel.SamplingBatch;
import dev.quire.kernel.SamplingKernels;
import dev.quire.tensor.Tensor;

/**
 * {@code sampling.cu}, {@code logit_adjust.cu}, {@code logprobs.cu}. Calls only enqueue: their results are filled in by
 * {@link #collect} once their step is done, or by {@link #collectAll}.
 */
final class CudaSampling implements SamplingKernels, AutoCloseable {
    private static final int BLOCK = 512;
    private static final int ADJUST_SHARED = 2 * SamplingScratch.TILE * Integer.BYTES;
    /** Bytes of shared memory for one best id: one a warp. */
    private static final int TOP_SHARED = BLOCK / 32 * Long.BYTES;

    /** Best ids of a row that requests may ask for by default; more is taken when it is asked. */
    private static final int MAX_TOP = 20;

    /** One step's call in flight and one of the step being enqueued. */
    private static final int MAX_CALLS = 2;

    private final CudaStream stream;
    private final LastSampled lastSampled;
    private final KernelLaunch max;
    private final KernelLaunch histogram;
    private final KernelLaunch select;
    private final KernelLaunch draw;
    private final KernelLaunch adjust;
    private final KernelLaunch report;
    private final SamplingScratch scratch;
    private final SamplingPacker packer = new SamplingPacker();
    private final SamplingCall[] calls = new SamplingCall[MAX_CALLS];
    private long numSteps;
    private long numCollected;

    CudaSampling(KernelFactory kernels, LastSampled lastSampled) {
        stream = kernels.stream();
        this.lastSampled = lastSampled;
        max = kernels.kernel("sampling_max_f32", BLOCK, 7);
        histogram = kernels.kernel("sampling_histogram_f32", BLOCK, 7);
        select = kernels.kernel("sampling_select_f32", BLOCK, 7);
        draw = kernels.kernel("sampling_draw_f32", BLOCK, 8);
        adjust = kernels.kernel("logit_adjust_f32", BLOCK, 7).sharedBytes(ADJUST_SHARED);
        report = kernels.kernel("logprobs_f32", BLOCK, 14);
        scratch = new SamplingScratch(stream);
        for (int i = 0; i < MAX_CALLS; i++) {
            calls[i] = new SamplingCall(stream);
        }
    }

    /** Bytes that {@link #reserve} will take. */
    static long bytes(int maxRows, int vocabSize) {
        long logits = (long) maxRows * vocabSize * Float.BYTES;
        return logits + SamplingScratch.bytes(maxRows, vocabSize, MAX_TOP);
    }

    /** Takes the memory of the largest call, so that no step has to. */
    void reserve(int maxRows, int vocabSize) {
        scratch.reserve(maxRows, vocabSize, MAX_TOP);
        scratch.raw(maxRows, vocabSize);
    }

    @Override
    public void sample(Tensor logits, int vocabSize, SamplingBatch batch, SampledTokens out) {
        SamplingCall call = freeCall();
        packer.pack(batch, vocabSize, call);
        begin(call, vocabSize, batch.numRows, true, out);
        long x = CudaArena.address(logits);
        int stride = logits.rowStride();
        long raw = scratch.raw(packer.numRaw, stride);
        if (packer.numAdjusted > 0) {
            adjust(x, stride, vocabSize, call.parameters.deviceAddress(), raw);
        }
        draw(x, stride, vocabSize, batch.numRows, call);
        report(x, stride, raw, call, call.results.deviceAddress());
        finish(call, x, stride, raw);
    }

    @Override
    public void logprobs(Tensor logits, int vocabSize, int[] targets, int numTop, int numRows, SampledTokens out) {
        SamplingCall call = freeCall();
        packer.packTargets(targets, numTop, numRows, vocabSize, call);
        begin(call, vocabSize, numRows, false, out);
        long x = CudaArena.address(logits);
        report(x, logits.rowStride(), 0, call, call.parameters.deviceAddress() + packer.dataAt);
        finish(call, x, logits.rowStride(), 0);
    }

    /** A call whose memory nothing uses. */
    private SamplingCall freeCall() {
        for (SamplingCall call : calls) {
            if (call.isFree()) {
                return call;
            }
        }
        stream.synchronize();
        collectAll();
        return calls[0];
    }

    private void begin(SamplingCall call, int vocabSize, int numRows, boolean hasIds, SampledTokens out) {
        call.step = numSteps;
        call.out = out;
        call.vocabSize = vocabSize;
        call.numRows = numRows;
        call.hasIds = hasIds;
        call.results.reserve(call.resultBytes());
        call.parameters.toDevice(packer.numBytes);
        scratch.reserve(numRows, vocabSize, call.topStride);
    }

    private void adjust(long logits, int stride, int vocabSize, long parameters, long raw) {
        adjust.set(0, logits).set(1, stride).set(2, vocabSize).set(3, parameters + packer.adjustsAt);
        adjust.set(4, parameters + packer.dataAt).set(5, raw).set(6, stride);
        adjust.launch(SamplingScratch.numTiles(vocabSize), packer.numAdjusted);
    }

    private void draw(long logits, int stride, int vocabSize, int numRows, SamplingCall call) {
        int splits = SamplingScratch.splits(numRows, vocabSize);
        long ids = call.results.deviceAddress();
        row(max, logits, stride, vocabSize, call).set(5, ids).set(6, lastSampled.address());
        max.launch(splits, numRows);
        if (packer.greedy) {
            return;
        }
        if (packer.filters) {
            row(histogram, logits, stride, vocabSize, call)
                    .set(5, scratch.counts)
                    .set(6, scratch.sums);
            histogram.launch(splits, numRows);
            row(select, logits, stride, vocabSize, call).set(5, scratch.list).set(6, scratch.chunkSums);
            select.launch(splits, numRows);
        }
        row(draw, logits, stride, vocabSize, call).set(5, scratch.chunkSums);
        draw.set(6, ids).set(7, lastSampled.address());
        draw.launch(splits, numRows);
    }

    private KernelLaunch row(KernelLaunch kernel, long logits, int stride, int vocabSize, SamplingCall call) {
        return kernel.set(0, logits)
                .set(1, stride)
                .set(2, vocabSize)
                .set(3, call.parameters.deviceAddress())
                .set(4, scratch.states);
    }

    /** @param ids device address of the ids to report, by row of the logits */
    private void report(long logits, int stride, long raw, SamplingCall call, long ids) {
        if (call.numWanted == 0) {
            return;
        }
        long results = call.results.deviceAddress();
        report.set(0, logits).set(1, stride).set(2, raw).set(3, stride).set(4, call.vocabSize);
        report.set(5, call.parameters.deviceAddress() + packer.wantedAt).set(6, ids);
        report.set(7, scratch.arrivals).set(8, scratch.parts).set(9, scratch.partKeys);
        report.set(10, call.topStride).set(11, results + call.reportsAt());
        report.set(12, results + call.topIdsAt()).set(13, results + call.topLogprobsAt());
        report.sharedBytes(TOP_SHARED * Math.max(1, call.topStride));
        report.launch(SamplingScratch.numTiles(call.vocabSize), call.numWanted);
    }

    private void finish(SamplingCall call, long logits, int stride, long raw) {
        for (int i = 0; i < call.numWanted; i++) {
            if (call.wantedFull[i] >= 0) {
                int rawRow = packer.rawRow(i);
                long rowBytes = (long) stride * Float.BYTES;
                long row = rawRow >= 0 ? raw + rawRow * rowBytes : logits + call.wantedRow[i] * rowBytes;
                call.keepFullRow(call.wantedFull[i], packer.numFull, row);
            }
        }
        call.results.toHost(call.resultBytes());
    }

    /** What is enqueued from now on belongs to the next step. */
    void endStep() {
        numSteps++;
    }

    /** The oldest step that was not collected is done. */
    void collect() {
        for (SamplingCall call : calls) {
            if (!call.isFree() && call.step <= numCollected) {
                call.deliver();
            }
        }
        numCollected++;
    }

    /** All that was enqueued is done. */
    void collectAll() {
        for (SamplingCall call : calls) {
            if (!call.isFree()) {
                call.deliver();
            }
        }
    }

    @Override
    public void close() {
        for (SamplingCall call : calls) {
            call.close();
        }
        scratch.close();
    }
}
