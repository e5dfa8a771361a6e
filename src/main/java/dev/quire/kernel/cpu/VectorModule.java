package dev.quire.kernel.cpu;

/** Whether this JVM was started with {@code --add-modules jdk.incubator.vector}; a manifest cannot ask for it. */
final class VectorModule {
    static final String NAME = "jdk.incubator.vector";

    private VectorModule() {}

    static boolean isPresent() {
        return ModuleLayer.boot().findModule(NAME).isPresent();
    }
}
