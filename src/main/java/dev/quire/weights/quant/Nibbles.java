package dev.quire.weights.quant;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Eight 4-bit codes of a word, lowest first, as bytes: loading spends its time here. */
final class Nibbles {
    static final int PER_WORD = 8;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Nibbles() {}

    /** dst[at + i] = code i. */
    static void spread(int word, byte[] dst, int at) {
        // Halves, bytes, nibbles move apart, all of a kind at once.
        long codes = word & 0xffff_ffffL;
        codes = (codes | codes << 16) & 0x0000_ffff_0000_ffffL;
        codes = (codes | codes << 8) & 0x00ff_00ff_00ff_00ffL;
        codes = (codes | codes << 4) & 0x0f0f_0f0f_0f0f_0f0fL;
        LONG.set(dst, at, codes);
    }
}
