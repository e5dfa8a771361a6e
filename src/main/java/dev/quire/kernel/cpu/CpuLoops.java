package dev.quire.kernel.cpu;

import java.util.function.Supplier;

/**
 * One form of all inner loops; every form gives the same bits.
 *
 * @param logits makes an instance for one thread: it keeps scratch
 */
record CpuLoops(String name, PanelLoops panels, RowLoops rows, AttentionLoops attention, Supplier<LogitOps> logits) {
    /** Scalar loops: compiled within moments, and all there is without the vector module. */
    static CpuLoops plain() {
        return new CpuLoops(
                "plain loops",
                new PlainPanelLoops(),
                new PlainRowLoops(),
                new PlainAttentionLoops(),
                PlainLogitOps::new);
    }

    /** The Vector API: several times faster once compiled, a hundred times slower before. Needs its module. */
    static CpuLoops vector() {
        return new CpuLoops(
                "Vector API, " + Species.F.vectorBitSize() + "-bit vectors",
                new VectorPanelLoops(),
                new VectorRowLoops(),
                new VectorAttentionLoops(),
                VectorLogitOps::new);
    }
}
