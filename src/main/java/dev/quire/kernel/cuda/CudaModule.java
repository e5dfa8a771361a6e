package dev.quire.kernel.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** The compiled kernels of {@code src/main/cuda}, loaded on the device. */
final class CudaModule implements AutoCloseable {
    static final String RESOURCE = "/cuda/quire.fatbin";

    private final CUmod_st module = new CUmod_st();
    private final Map<String, CUfunc_st> functions = new HashMap<>();
    /** The image must outlive the module: with lazy loading, kernels are taken out of it at first use. */
    private final BytePointer image;

    private CudaModule(byte[] fatbin) {
        image = new BytePointer(fatbin);
        Cuda.checkDriver(cudart.cuModuleLoadData(module, image), "loading the kernels");
    }

    static boolean isBuilt() {
        return CudaModule.class.getResource(RESOURCE) != null;
    }

    static CudaModule load() {
        try (InputStream in = CudaModule.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("this build has no CUDA kernels");
            }
            return new CudaModule(in.readAllBytes());
        } catch (IOException e) {
            throw new IllegalStateException("reading " + RESOURCE + ": " + e.getMessage(), e);
        }
    }

    /** The kernel of this name; throws {@link CudaException} naming it when there is none. */
    CUfunc_st function(String name) {
        return functions.computeIfAbsent(name, key -> {
            CUfunc_st function = new CUfunc_st();
            Cuda.checkDriver(cudart.cuModuleGetFunction(function, module, key), "finding kernel " + key);
            return function;
        });
    }

    @Override
    public void close() {
        cudart.cuModuleUnload(module);
        image.close();
    }
}
