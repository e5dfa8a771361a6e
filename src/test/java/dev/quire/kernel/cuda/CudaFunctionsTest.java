package dev.quire.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * The functions of CUDA that are called. The presets are newer than CUDA 13.0, and a function that the host's libraries lack
 * ends the process without a word: each of these is in the headers of CUDA 13.0. Look there before you add one.
 */
class CudaFunctionsTest {
    private static final Set<String> IN_CUDA_13_0 = Set.of(
            "cuDeviceGetName",
            "cuFuncSetAttribute",
            "cuLaunchKernelEx",
            "cuModuleGetFunction",
            "cuModuleLoadData",
            "cuModuleUnload",
            "cuOccupancyMaxActiveBlocksPerMultiprocessor",
            "cuTensorMapEncodeTiled",
            "cublasGetStatusString",
            "cublasLtCreate",
            "cublasLtDestroy",
            "cublasLtMatmul",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmulDescCreate",
            "cublasLtMatmulDescDestroy",
            "cublasLtMatmulDescSetAttribute",
            "cublasLtMatmulPreferenceCreate",
            "cublasLtMatmulPreferenceDestroy",
            "cublasLtMatmulPreferenceSetAttribute",
            "cublasLtMatrixLayoutCreate",
            "cublasLtMatrixLayoutDestroy",
            "cudaDeviceGetAttribute",
            "cudaDriverGetVersion",
            "cudaEventCreate",
            "cudaEventCreateWithFlags",
            "cudaEventDestroy",
            "cudaEventElapsedTime",
            "cudaEventRecord",
            "cudaEventSynchronize",
            "cudaFree",
            "cudaFreeHost",
            "cudaGetDeviceCount",
            "cudaGetErrorName",
            "cudaGetErrorString",
            "cudaGetLastError",
            "cudaGraphDestroy",
            "cudaGraphExecDestroy",
            "cudaGraphInstantiate",
            "cudaGraphLaunch",
            "cudaHostAlloc",
            "cudaMalloc",
            "cudaMemGetInfo",
            "cudaMemcpyAsync",
            "cudaMemsetAsync",
            "cudaSetDevice",
            "cudaStreamBeginCapture",
            "cudaStreamCreateWithFlags",
            "cudaStreamDestroy",
            "cudaStreamEndCapture",
            "cudaStreamSynchronize");

    @Test
    void onlyFunctionsOfCuda13Point0AreCalled() {
        Set<String> called = new TreeSet<>();
        for (JavaClass type : new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.quire.kernel.cuda")) {
            for (JavaCodeUnitAccess<?> access : type.getCodeUnitAccessesFromSelf()) {
                if (access.getTargetOwner().getPackageName().equals("org.bytedeco.cuda.global")) {
                    called.add(access.getTarget().getName());
                }
            }
        }
        assertThat(called).isEqualTo(new TreeSet<>(IN_CUDA_13_0));
    }
}
