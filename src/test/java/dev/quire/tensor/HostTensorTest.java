package dev.quire.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;

class HostTensorTest {
    /** More than one conversion chunk, and no multiple of it. */
    private static final int N = 20_011;

    private static ByteBuffer bytes(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static HostTensor tensor(DType type, ByteBuffer buffer, long... dims) {
        return new HostTensor("t", type, Shape.of(dims), HostBytes.of(buffer.flip()));
    }

    @Test
    void convertsEveryFloatTypeInBulkAtAnyOffset() {
        ByteBuffer f32 = bytes(4 * N);
        ByteBuffer f64 = bytes(8 * N);
        ByteBuffer f16 = bytes(2 * N);
        ByteBuffer bf16 = bytes(2 * N);
        for (int i = 0; i < N; i++) {
            float value = (i % 256) / 8f - 16;
            f32.putFloat(value);
            f64.putDouble(value);
            f16.putShort(FloatBits.floatToF16(value));
            bf16.putShort(FloatBits.floatToBf16(value));
        }
        for (HostTensor tensor : new HostTensor[] {
            tensor(DType.F32, f32, N), tensor(DType.F64, f64, N), tensor(DType.F16, f16, N), tensor(DType.BF16, bf16, N)
        }) {
            float[] dst = new float[N + 3];
            dst[1] = 77;
            tensor.copyTo(5, dst, 2, N - 5);
            assertThat(dst[1]).isEqualTo(77);
            for (int i = 5; i < N; i++) {
                assertThat(dst[i - 3]).as("%s[%s]", tensor.dtype(), i).isEqualTo((i % 256) / 8f - 16);
            }
            assertThat(dst[N - 3]).isZero();
        }
    }

    @Test
    void convertsFp8() {
        HostTensor tensor = tensor(DType.F8_E4M3, bytes(3).put(new byte[] {0x38, (byte) 0xb8, 0x7e}), 3);
        assertThat(tensor.toFloats()).containsExactly(1f, -1f, 448f);
    }

    @Test
    void copiesBitsUnchanged() {
        ByteBuffer buffer = bytes(16);
        for (int i = 0; i < 16; i++) {
            buffer.put((byte) (i * 16 + i));
        }
        short[] shorts = new short[3];
        tensor(DType.BF16, buffer, 8).copyTo(6, shorts, 1, 2);
        assertThat(shorts).containsExactly((short) 0, (short) 0xddcc, (short) 0xffee);
        int[] ints = new int[1];
        HostTensor words = tensor(DType.I32, buffer.position(16), 4);
        words.copyTo(2, ints, 0, 1);
        assertThat(ints).containsExactly(0xbbaa9988);
        byte[] raw = new byte[2];
        words.copyTo(7, raw, 0, 2);
        assertThat(raw).containsExactly(0x77, 0x88);
        long[] longs = new long[1];
        tensor(DType.I64, buffer.position(16), 2).copyTo(1, longs, 0, 1);
        assertThat(longs).containsExactly(0xffeeddccbbaa9988L);
        ByteBuffer out = ByteBuffer.allocate(3);
        words.copyTo(13, out);
        assertThat(out.array()).containsExactly(0xdd, 0xee, 0xff);
    }

    @Test
    void rowsShareTheBytes() {
        ByteBuffer buffer = bytes(24);
        for (int i = 0; i < 6; i++) {
            buffer.putFloat(i);
        }
        HostTensor rows = tensor(DType.F32, buffer, 3, 2).rows(1, 2);
        assertThat(rows.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(rows.toFloats()).containsExactly(2f, 3f, 4f, 5f);
        assertThat(rows.rows(1, 1).toFloats()).containsExactly(4f, 5f);
        assertThatThrownBy(() -> rows.rows(1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void isReadOnlyAndStaysInside() {
        HostTensor tensor = tensor(DType.F32, bytes(8).putFloat(1).putFloat(2), 2);
        ByteBuffer slice = tensor.slice(4, 4);
        assertThat(slice.getFloat(0)).isEqualTo(2);
        assertThatThrownBy(() -> slice.put(0, (byte) 1)).isInstanceOf(ReadOnlyBufferException.class);
        assertThatThrownBy(() -> tensor.slice(5, 4)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.slice(-1, 4)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.copyTo(1, new float[4], 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.copyTo(0, new float[1], 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.copyTo(0, new short[2], 0, 2)).hasMessageContaining("F32");
        HostTensor ints = tensor(DType.I32, bytes(4).putInt(1), 1);
        assertThatThrownBy(ints::toFloats).hasMessageContaining("I32");
        assertThatThrownBy(() -> tensor(DType.F32, bytes(8).putInt(1), 2)).hasMessageContaining("8 bytes");
    }
}
