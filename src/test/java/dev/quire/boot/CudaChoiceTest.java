package dev.quire.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.cuda.CudaOptions;
import dev.quire.kernel.cuda.TestDevice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which device is taken, and what the log says about it: one line, never a stack trace. */
class CudaChoiceTest {
    private static final long GIB = 1L << 30;
    private static final long ENOUGH = 3 * GIB;

    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void needTheEmulatedDevice() {
        TestDevice.assumeEmulated();
    }

    @AfterEach
    void restore() {
        TestDevice.setMemory(ENOUGH);
        TestDevice.setDriverVersion(13000);
        TestDevice.setCapability(80);
    }

    private static EngineOptions options(String device) {
        return EngineOptions.builder()
                .device(device)
                .maxNumSeqs(4)
                .maxNumBatchedTokens(32)
                .maxModelLen(64)
                .numBlocks(16)
                .cuda(new CudaOptions(0.9, false, true, false, TestDevice.libraryPath()))
                .build();
    }

    private String deviceOf(String asked) {
        try (QuireEngine engine = QuireEngine.open(options(asked), log::add)) {
            return engine.backendDescription();
        }
    }

    @Test
    void autoTakesTheGpu() {
        assertThat(deviceOf("auto")).startsWith("cuda, emulated device");
        assertThat(log.get(0)).startsWith("device cuda (found): emulated device, compute capability 8.0, 4 SMs");
        assertThat(log).anyMatch(line -> line.startsWith("memory plan (cuda, "));
    }

    @Test
    void autoTakesTheCpuWhereTheModelDoesNotFitOnTheGpu() {
        TestDevice.setMemory(GIB);
        assertThat(deviceOf("auto")).startsWith("cpu");
        assertThat(log).anyMatch(line -> line.startsWith("device cpu (not the GPU: the model does not fit on cuda: "));
    }

    @Test
    void anAskedGpuThatIsTooSmallIsAnError() {
        TestDevice.setMemory(GIB);
        assertThatThrownBy(() -> deviceOf("cuda"))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith("the model does not fit on cuda: weights")
                .hasMessageNotContaining("\n");
    }

    @Test
    void anOldDriverIsNamed() {
        TestDevice.setDriverVersion(12080);
        assertThat(deviceOf("auto")).startsWith("cpu");
        assertThat(log.get(0))
                .startsWith("device cpu (the NVIDIA driver supports CUDA 12.8, 13.0 is needed; update the driver): ");
        assertThatThrownBy(() -> deviceOf("cuda"))
                .hasMessage("--device cuda: the NVIDIA driver supports CUDA 12.8, 13.0 is needed; update the driver; or"
                        + " use --device cpu");
    }

    @Test
    void anOldCardIsNamed() {
        TestDevice.setCapability(75);
        assertThat(deviceOf("auto")).startsWith("cpu");
        assertThat(log.get(0)).contains("emulated device has compute capability 7.5, 8.0 (Ampere) or newer is needed");
    }
}
