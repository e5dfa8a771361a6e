package dev.quire.kernel.cuda;

import dev.quire.kernel.AttentionKernels;
import dev.quire.kernel.AttentionMetadata;
import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.PagedKvCache;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Chooses the attention kernels for a model's head width, and enqueues them for the step's decode and prefill rows. */
final class CudaAttention implements AttentionKernels, AutoCloseable {
    /** Head widths that the tiled kernels are compiled for; others take the plain one. */
    private static final Set<Integer> TILED = Set.of(64, 80, 96, 128, 256);

    /** Rotation and the cache take so many elements at once. */
    private static final int VECTOR = 8;

    private final KernelFactory kernels;
    private final StepInputs step;
    private final WeightLoader loader;
    private final boolean invariant;
    private final List<Integer> windows = new ArrayList<>();
    private final AttentionCall call = new AttentionCall();
    /** Device address of f32 [numHeads] for each set of parameters that has sinks. */
    private final Map<AttentionParams, Long> sinks = new IdentityHashMap<>();

    private final Set<Integer> headDims = new HashSet<>();
    private PageForm form = PageForm.BF16;
    /** The form for which the kernels below were made. */
    private PageForm plannedForm = PageForm.BF16;

    private @Nullable PlainAttention plain;
    private @Nullable DecodeAttention decode;
    private @Nullable VarlenAttention varlen;
    private @Nullable HopperAttention hopper;

    /** @param invariant a row's result must depend on its own keys only */
    CudaAttention(KernelFactory kernels, StepInputs step, WeightLoader loader, boolean invariant) {
        this.kernels = kernels;
        this.step = step;
        this.loader = loader;
        this.invariant = invariant;
    }

    @Override
    public void announce(AttentionParams params) {
        if (params.headDim() % VECTOR != 0) {
            throw new IllegalArgumentException(
                    "heads of " + params.headDim() + " dimensions on CUDA, which needs a multiple of " + VECTOR);
        }
        if (!windows.contains(params.slidingWindow())) {
            windows.add(params.slidingWindow());
        }
        float[] logits = params.sinks();
        if (logits != null) {
            long address = loader.allocate("attention sinks", 4L * logits.length);
            loader.uploadFloats(logits, address);
            sinks.put(params, address);
        }
        headDims.add(params.headDim());
    }

    /** Says what pages the kernels of the next {@link #plan} will read; bf16 until then. */
    void read(PageForm pages) {
        form = pages;
    }

    /** Makes the kernels for the announced model and pages; how steps are cut for them. */
    AttentionPlan plan(int maxNumTokens, int maxNumSeqs) {
        int[] all = windows.stream().mapToInt(Integer::intValue).toArray();
        return new AttentionPlan(maxNumTokens, maxNumSeqs, chooseKernels(), all);
    }

    private AttentionPlan.Tiles chooseKernels() {
        close();
        plannedForm = form;
        if (headDims.size() != 1 || !TILED.containsAll(headDims)) {
            plain = new PlainAttention(kernels, form);
            return new AttentionPlan.Tiles(0, 1);
        }
        int headDim = headDims.iterator().next();
        varlen = new VarlenAttention(kernels, form, headDim);
        if (!invariant && DecodeAttention.fits(kernels.device(), form, headDim)) {
            decode = new DecodeAttention(kernels, form, headDim);
        }
        // Its copy engine brings pages as they are to the tensor cores, which would want FP8 queries for FP8 keys.
        if (!invariant && kernels.device().isHopper() && form == PageForm.BF16) {
            hopper = new HopperAttention(kernels, headDim);
        }
        int tileRows = hopper == null ? VarlenAttention.tileRows(headDim) : HopperAttention.tileRows(headDim);
        return new AttentionPlan.Tiles(decode == null ? 0 : DecodeAttention.TILE, tileRows);
    }

    @Override
    public void attend(
            Tensor out, Tensor qkv, PagedKvCache cache, int layer, AttentionParams params, AttentionMetadata metadata) {
        long sink = params.sinks() == null ? 0 : sinks.get(params);
        CudaPagedKvCache pages = (CudaPagedKvCache) cache;
        if (pages.form() != plannedForm) {
            throw new IllegalStateException(
                    "the cache holds " + pages.form().type() + ", kernels were made for " + plannedForm.type());
        }
        call.fill(out, qkv, pages, layer, params, sink, step);
        AttentionPlan plan = step.data().plan();
        if (plain != null) {
            plain.run(call);
            return;
        }
        if (plan.numItems() > 0 && hopper != null) {
            hopper.prefill(call);
        } else if (plan.numItems() > 0) {
            varlen.prefill(call);
        }
        if (plan.numDecodes() > 0) {
            decode.run(call);
        }
        if (plan.numRowItems() > 0) {
            varlen.decode(call);
        }
    }

    @Override
    public void close() {
        if (decode != null) {
            decode.close();
        }
        if (hopper != null) {
            hopper.close();
        }
        plain = null;
        decode = null;
        varlen = null;
        hopper = null;
    }
}
