package dev.quire.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
    @Test
    void knowsItsExtents() {
        Shape shape = Shape.of(2, 3, 5);
        assertThat(shape.rank()).isEqualTo(3);
        assertThat(shape.dim(1)).isEqualTo(3);
        assertThat(shape.dim(-1)).isEqualTo(5);
        assertThat(shape.numElements()).isEqualTo(30);
        assertThat(shape).hasToString("[2, 3, 5]").isEqualTo(Shape.of(2, 3, 5)).isNotEqualTo(Shape.of(6, 5));
        assertThat(Shape.of().numElements()).isEqualTo(1);
        assertThat(Shape.of(1L << 33).numElements()).isEqualTo(1L << 33);
    }

    @Test
    void doesNotChangeWithItsSource() {
        long[] dims = {2, 3};
        Shape shape = Shape.of(dims);
        dims[0] = 9;
        shape.toArray()[1] = 9;
        assertThat(shape).isEqualTo(Shape.of(2, 3));
    }

    @Test
    void refusesImpossibleExtents() {
        assertThatThrownBy(() -> Shape.of(2, -1)).hasMessageContaining("[2, -1]");
        assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 3)).hasMessageContaining("too many elements");
        assertThat(Shape.of(Long.MAX_VALUE, 3, 0).numElements()).isZero();
    }

    @Test
    void typesAreFoundByEitherName() {
        assertThat(DType.ofSafetensorsName("BF16")).contains(DType.BF16);
        assertThat(DType.ofSafetensorsName("bf16")).isEmpty();
        assertThat(DType.ofTorchName("torch.bfloat16")).contains(DType.BF16);
        assertThat(DType.ofTorchName("half")).contains(DType.F16);
        assertThat(DType.ofTorchName("auto")).isEmpty();
        assertThat(DType.F8_E8M0.isFloat()).isTrue();
        assertThat(DType.I64.isFloat()).isFalse();
    }
}
