package dev.quire.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.Backend;
import dev.quire.kernel.cpu.CpuBackend;
import dev.quire.kernel.cpu.CpuOptions;
import dev.quire.kernel.cuda.TestDevice;
import dev.quire.runner.MemoryPlan;
import dev.quire.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KvCacheTypeTest {
    @ParameterizedTest
    @CsvSource({
        "auto,false,F32", "auto,true,F8_E4M3", "bfloat16,true,BF16", "bf16,false,BF16",
        "float32,true,F32", "f32,false,F32", "fp8,false,F8_E4M3", "fp8_e4m3,false,F8_E4M3",
    })
    void namesAreThoseOfVllm(String asked, boolean madeForFp8, DType expected) {
        try (Backend cpu = new CpuBackend(CpuOptions.defaults())) {
            assertThat(KvCacheType.of(asked, madeForFp8, cpu)).isEqualTo(expected);
        }
    }

    @Test
    void otherTypesAreRefusedByName() {
        try (Backend cpu = new CpuBackend(CpuOptions.defaults())) {
            assertThatThrownBy(() -> KvCacheType.of("fp8_e5m2", false, cpu))
                    .isInstanceOf(StartupException.class)
                    .hasMessage(
                            "--kv-cache-dtype fp8_e5m2 is not supported: fp8 is E4M3 here, use --kv-cache-dtype fp8");
            assertThatThrownBy(() -> KvCacheType.of("int8", false, cpu))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("\"int8\"")
                    .hasMessageContaining("fp8");
        }
    }

    @Test
    void aDeviceThatDoesNotKeepATypeSaysWhatItKeeps() {
        try (Backend cuda = TestDevice.open()) {
            assertThat(KvCacheType.of("auto", false, cuda)).isEqualTo(DType.BF16);
            assertThat(KvCacheType.of("auto", true, cuda)).isEqualTo(DType.F8_E4M3);
            assertThatThrownBy(() -> KvCacheType.of("float32", false, cuda))
                    .isInstanceOf(StartupException.class)
                    .hasMessage("--kv-cache-dtype float32 is not supported on cuda, only bfloat16, fp8");
        }
    }

    /** The numbers in docs/performance.md: Llama 3.1 8B, 4 GiB of cache. */
    @ParameterizedTest
    @CsvSource({"F32,256,16384", "BF16,128,32768", "F8_E4M3,64,65536"})
    void halfTheBytesAreTwiceTheTokens(DType type, int kibPerToken, int tokens) {
        try (Backend cpu = new CpuBackend(CpuOptions.defaults())) {
            long blockBytes = cpu.kvCache().blockBytes(32, 8, 128, 16, type);
            assertThat(blockBytes).isEqualTo(16L * kibPerToken << 10);
            MemoryPlan plan = MemoryPlan.of(new MemoryPlan.Demand(
                    "cpu", 64L << 30, 16L << 30, 1L << 30, blockBytes, 16, 8192, true, 64, 4L << 30, 0.5));
            assertThat(plan.kvTokens()).isEqualTo(tokens);
        }
    }
}
