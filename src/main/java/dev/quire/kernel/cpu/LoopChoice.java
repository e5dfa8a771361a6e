package dev.quire.kernel.cpu;

/** The loops in use; kernels look once a call, so a change takes effect with the next one. */
final class LoopChoice {
    private volatile CpuLoops current;

    LoopChoice(CpuLoops first) {
        current = first;
    }

    /** The fastest form of this JVM. */
    static LoopChoice fastest() {
        return new LoopChoice(VectorModule.isPresent() ? CpuLoops.vector() : CpuLoops.plain());
    }

    CpuLoops current() {
        return current;
    }

    void use(CpuLoops loops) {
        current = loops;
    }
}
