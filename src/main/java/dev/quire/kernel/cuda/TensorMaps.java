package dev.quire.kernel.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** Descriptions of arrays for Hopper's copy engine. */
final class TensorMaps {
    private static final int MAP_BYTES = 128;
    private static final int MAP_ALIGNMENT = 64;

    private TensorMaps() {}

    /** A map where the driver wants it: aligned to 64 bytes, which JavaCPP's own allocation does not promise. */
    private static final class AlignedMap extends CUtensorMap {
        /** Kept reachable as long as the map is. */
        private final BytePointer memory;

        AlignedMap(BytePointer memory) {
            super(new Address((memory.address() + MAP_ALIGNMENT - 1) / MAP_ALIGNMENT * MAP_ALIGNMENT));
            this.memory = memory;
        }

        @Override
        public void deallocate() {
            memory.deallocate();
        }
    }

    /**
     * A bf16 array read in boxes, 128-byte swizzle in shared memory; what lies outside reads as zero.
     *
     * @param extents elements, the dense dimension first
     * @param strides bytes of each dimension but the first
     * @param box elements of a box
     */
    static CUtensorMap bf16(long address, long[] extents, long[] strides, int[] box) {
        AlignedMap map = new AlignedMap(new BytePointer(MAP_BYTES + MAP_ALIGNMENT));
        int[] steps = new int[extents.length];
        Arrays.fill(steps, 1);
        Cuda.checkDriver(
                cudart.cuTensorMapEncodeTiled(
                        map,
                        cudart.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                        extents.length,
                        new Address(address),
                        extents,
                        strides,
                        box,
                        steps,
                        cudart.CU_TENSOR_MAP_INTERLEAVE_NONE,
                        cudart.CU_TENSOR_MAP_SWIZZLE_128B,
                        cudart.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                        cudart.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                "describing an array of " + Arrays.toString(extents) + " to the copy engine");
        return map;
    }
}
