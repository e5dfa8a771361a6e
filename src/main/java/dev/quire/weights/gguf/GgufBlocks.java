package dev.quire.weights.gguf;

import dev.quire.tensor.FloatBits;

/**
 * Takes ggml's blocks apart into codes, scales and offsets, so that a number is {@code code · scale + offset}
 * ({@code ggml-quants.c}, {@code dequantize_row_*}). {@code from} is the block's first byte, {@code at} the first element's or
 * group's place.
 */
final class GgufBlocks {
    private GgufBlocks() {}

    /** The codes of one block, unsigned, one a byte. */
    static void codes(GgufType type, byte[] block, int from, byte[] dst, int at) {
        switch (type) {
            case Q4_0 -> nibbles(block, from + 2, dst, at, 16);
            case Q4_1 -> nibbles(block, from + 4, dst, at, 16);
            case Q5_0 -> {
                nibbles(block, from + 6, dst, at, 16);
                addFifthBits(int32(block, from + 2), dst, at);
            }
            case Q5_1 -> {
                nibbles(block, from + 8, dst, at, 16);
                addFifthBits(int32(block, from + 4), dst, at);
            }
            case Q8_0 -> {
                for (int i = 0; i < 32; i++) {
                    // −128 … 127 become 0 … 255.
                    dst[at + i] = (byte) (block[from + 2 + i] ^ 0x80);
                }
            }
            case Q4_K -> {
                for (int chunk = 0; chunk < 4; chunk++) {
                    nibbles(block, from + 16 + 32 * chunk, dst, at + 64 * chunk, 32);
                }
            }
            case Q5_K -> {
                for (int chunk = 0; chunk < 4; chunk++) {
                    nibbles(block, from + 48 + 32 * chunk, dst, at + 64 * chunk, 32);
                    for (int i = 0; i < 32; i++) {
                        int high = block[from + 16 + i] >>> 2 * chunk;
                        dst[at + 64 * chunk + i] |= (byte) ((high & 1) << 4);
                        dst[at + 64 * chunk + 32 + i] |= (byte) ((high & 2) << 3);
                    }
                }
            }
            case Q6_K -> {
                for (int half = 0; half < 2; half++) {
                    sixBits(block, from + 64 * half, from + 128 + 32 * half, dst, at + 128 * half);
                }
            }
            default -> throw new IllegalStateException(type + " has no codes");
        }
    }

    /** The low halves of {@code count} bytes, then the high ones. */
    private static void nibbles(byte[] block, int from, byte[] dst, int at, int count) {
        for (int i = 0; i < count; i++) {
            dst[at + i] = (byte) (block[from + i] & 15);
            dst[at + count + i] = (byte) (block[from + i] >>> 4 & 15);
        }
    }

    private static void addFifthBits(int bits, byte[] dst, int at) {
        for (int i = 0; i < 32; i++) {
            dst[at + i] |= (byte) ((bits >>> i & 1) << 4);
        }
    }

    /** 128 codes: four bits of each in 64 bytes, two in 32. */
    private static void sixBits(byte[] block, int low, int high, byte[] dst, int at) {
        for (int i = 0; i < 32; i++) {
            int twos = block[high + i];
            int first = block[low + i];
            int second = block[low + 32 + i];
            dst[at + i] = (byte) (first & 15 | (twos & 3) << 4);
            dst[at + 32 + i] = (byte) (second & 15 | (twos >>> 2 & 3) << 4);
            dst[at + 64 + i] = (byte) (first >>> 4 & 15 | (twos >>> 4 & 3) << 4);
            dst[at + 96 + i] = (byte) (second >>> 4 & 15 | (twos >>> 6 & 3) << 4);
        }
    }

    /** The scales of one block's groups; all products are exact in f32. */
    static void scales(GgufType type, byte[] block, int from, float[] dst, int at) {
        switch (type) {
            case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 -> dst[at] = half(block, from);
            case Q4_K, Q5_K -> {
                float scale = half(block, from);
                for (int group = 0; group < 8; group++) {
                    dst[at + group] = scale * sixBitScale(block, from + 4, group);
                }
            }
            case Q6_K -> {
                float scale = half(block, from + 208);
                for (int group = 0; group < 16; group++) {
                    dst[at + group] = scale * block[from + 192 + group];
                }
            }
            default -> throw new IllegalStateException(type + " has no scales");
        }
    }

    /** The offsets of one block's groups. */
    static void offsets(GgufType type, byte[] block, int from, float[] dst, int at) {
        switch (type) {
            case Q4_1, Q5_1 -> dst[at] = half(block, from + 2);
            case Q4_K, Q5_K -> {
                float min = half(block, from + 2);
                for (int group = 0; group < 8; group++) {
                    dst[at + group] = -(min * sixBitMin(block, from + 4, group));
                }
            }
            default -> {
                scales(type, block, from, dst, at);
                int zero = 1 << type.codes().numBits() - 1;
                int numGroups = type.blockElements() / type.groupSize();
                for (int group = 0; group < numGroups; group++) {
                    dst[at + group] *= -zero;
                }
            }
        }
    }

    /** Of 8 scales and 8 minima in 12 bytes; the last four of each have their upper two bits with the first four. */
    private static int sixBitScale(byte[] block, int from, int group) {
        return group < 4
                ? block[from + group] & 63
                : block[from + group + 4] & 15 | (block[from + group - 4] >>> 6 & 3) << 4;
    }

    private static int sixBitMin(byte[] block, int from, int group) {
        return group < 4
                ? block[from + group + 4] & 63
                : block[from + group + 4] >>> 4 & 15 | (block[from + group] >>> 6 & 3) << 4;
    }

    private static float half(byte[] block, int from) {
        return FloatBits.f16ToFloat((short) (block[from] & 0xff | block[from + 1] << 8));
    }

    private static int int32(byte[] block, int from) {
        return block[from] & 0xff
                | (block[from + 1] & 0xff) << 8
                | (block[from + 2] & 0xff) << 16
                | block[from + 3] << 24;
    }
}
