package dev.quire.kernel.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.DType;
import dev.quire.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CpuBackendTest {
    @Test
    void takesTheVectorApiWhereTheModuleIs() {
        try (CpuBackend backend = backend()) {
            assertThat(backend.description()).contains("Vector API").contains("2 threads");
            assertThat(backend.gemm()).isInstanceOf(CpuGemm.class);
            assertThat(backend.activationType()).isEqualTo(DType.F32);
            assertThat(backend.availableBytes())
                    .isPositive()
                    .isLessThan(Runtime.getRuntime().maxMemory());
        }
    }

    @Test
    void refusesNoThreads() {
        assertThatThrownBy(() -> new CpuOptions(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void runsAsThePlainReferenceInAPlainJvm() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        PlainJvm.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("NO VECTOR INSTRUCTIONS").contains("scalar loops");
        String numbers = output.lines()
                .filter(line -> line.startsWith("result "))
                .findFirst()
                .orElseThrow();
        double[] plain = Arrays.stream(numbers.substring(7).split(" "))
                .mapToDouble(Double::parseDouble)
                .toArray();
        try (CpuBackend backend = backend()) {
            float[] fast = product(backend);
            assertThat(plain).hasSameSizeAs(fast);
            for (int i = 0; i < plain.length; i++) {
                assertThat((double) fast[i]).isCloseTo(plain[i], org.assertj.core.data.Offset.offset(1e-5));
            }
        }
    }

    private static CpuBackend backend() {
        return new CpuBackend(new CpuOptions(2));
    }

    private static float[] product(CpuBackend backend) {
        Random random = new Random(7);
        LinearWeight weight = CpuTensors.dense(random, DType.BF16, 37, 100, true);
        Tensor x = CpuTensors.random(random, 3, 100, 0);
        Tensor ones = backend.newArena().allocate("ones", DType.F32, 100);
        Arrays.fill(ones.floats(), 1);
        backend.norm().rmsNorm(x, x, ones, 1e-5f, 3);
        Tensor out = backend.newArena().allocate("out", DType.F32, 3, 37);
        backend.gemm().matmul(out, x, backend.gemm().load(weight), 3);
        return out.floats();
    }

    static final class PlainJvm {
        public static void main(String[] args) {
            try (CpuBackend backend = backend()) {
                System.out.println(backend.description());
                StringBuilder numbers = new StringBuilder("result");
                for (float value : product(backend)) {
                    numbers.append(' ').append(value);
                }
                System.out.println(numbers);
            }
        }
    }
}
