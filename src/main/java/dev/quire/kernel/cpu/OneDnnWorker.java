package dev.quire.kernel.cpu;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_set_data_handle;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;

import java.nio.FloatBuffer;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.jspecify.annotations.Nullable;

/** What one task of a call has to itself: a stream, an argument list, scratch. Allocates nothing per call. */
final class OneDnnWorker implements AutoCloseable {
    final int index;
    private final dnnl_stream stream;
    private final dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(4);
    private final NativeAddress address = new NativeAddress();
    private final NativeBytes product;
    private final FloatBuffer productView;
    private NativeBytes scratchpad = new NativeBytes(0);

    /** Elements on their way between the heap and native memory. */
    private short[] bits = {};

    /** @param maxCols columns of a block at most */
    OneDnnWorker(OneDnn library, int index, int maxCols) {
        this.index = index;
        stream = library.stream();
        product = new NativeBytes(4L * OneDnnShape.MAX_CHUNK_ROWS * maxCols);
        productView = product.view().asFloatBuffer();
    }

    /** Address of [chunk rows, n] f32. */
    long product() {
        return product.address();
    }

    FloatBuffer productView() {
        return productView;
    }

    /** Not while a call runs. */
    void reserveScratch(long numBytes) {
        if (numBytes > scratchpad.numBytes()) {
            scratchpad.close();
            scratchpad = new NativeBytes(numBytes);
        }
    }

    /** Not while a call runs. */
    void reserveBits(int length) {
        if (length > bits.length) {
            bits = new short[length];
        }
    }

    short[] bits() {
        return bits;
    }

    void argument(int position, int name, dnnl_memory memory, long data) {
        OneDnn.check("data", dnnl_memory_set_data_handle(memory, address.at(data)));
        arguments.position(position).arg(name).memory(memory);
    }

    void execute(dnnl_primitive primitive, int numArguments, @Nullable dnnl_memory scratch) {
        int count = numArguments;
        if (scratch != null) {
            argument(count++, DNNL_ARG_SCRATCHPAD, scratch, scratchpad.address());
        }
        OneDnn.check("product", dnnl_primitive_execute(primitive, stream, count, arguments.position(0)));
    }

    @Override
    public void close() {
        product.close();
        scratchpad.close();
        arguments.deallocate();
    }
}
