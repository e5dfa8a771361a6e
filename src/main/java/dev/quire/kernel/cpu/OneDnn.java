package dev.quire.kernel.cpu;

import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx2_vnni_2;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core_amx;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_get_effective_cpu_isa;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_create_with_tag;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_scratchpad_mode;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_scratchpad_mode_user;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_default_flags;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;
import static org.bytedeco.dnnl.global.dnnl.dnnl_version;

import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.dnnl_version_t;

/**
 * oneDNN's CPU engine, and the objects made with it, which live until {@link #close}. The presets are built for OpenMP;
 * here every call runs on its caller alone, see {@link LargeProducts#open}. Only this class and its neighbours named
 * OneDnn touch JavaCPP's classes, so that everything else runs where they are absent.
 */
final class OneDnn implements AutoCloseable {
    private final Deque<Runnable> endings = new ArrayDeque<>();
    final dnnl_engine engine = new dnnl_engine();

    /** Scratchpads come from the caller: the library's own belong to the thread that made a primitive. */
    final dnnl_primitive_attr attributes = new dnnl_primitive_attr();

    private OneDnn() {}

    static OneDnn open() {
        // Before JavaCPP's first class: its limits follow the Java heap, and nothing here is freed by its collector.
        for (String limit : new String[] {"maxBytes", "maxPhysicalBytes"}) {
            String key = "org.bytedeco.javacpp." + limit;
            if (System.getProperty(key) == null) {
                System.setProperty(key, "0");
            }
        }
        OneDnn library = new OneDnn();
        check("engine", dnnl_engine_create(library.engine, dnnl_cpu, 0));
        library.endings.push(() -> dnnl_engine_destroy(library.engine));
        check("attributes", dnnl_primitive_attr_create(library.attributes));
        library.endings.push(() -> dnnl_primitive_attr_destroy(library.attributes));
        check("scratchpad", dnnl_primitive_attr_set_scratchpad_mode(library.attributes, dnnl_scratchpad_mode_user));
        return library;
    }

    static void check(String what, int status) {
        if (status != dnnl_success) {
            throw new IllegalStateException("oneDNN: " + what + " failed with status " + status);
        }
    }

    /** Whether products take bf16 activations without loss of speed; else they take f32, with bf16 weights all the same. */
    static boolean multipliesBf16() {
        int isa = dnnl_get_effective_cpu_isa();
        return has(isa, dnnl_cpu_isa_avx512_core_bf16) || has(isa, dnnl_cpu_isa_avx2_vnni_2);
    }

    private static boolean has(int isa, int wanted) {
        return (isa & wanted) == wanted;
    }

    static String description() {
        dnnl_version_t version = dnnl_version();
        int isa = dnnl_get_effective_cpu_isa();
        String form = has(isa, dnnl_cpu_isa_avx512_core_amx)
                ? "AMX"
                : has(isa, dnnl_cpu_isa_avx512_core_bf16)
                        ? "AVX512-BF16"
                        : multipliesBf16() ? "AVX2 with bf16" : "no bf16 instructions";
        return "oneDNN " + version.major() + "." + version.minor() + "." + version.patch() + " (" + form + ")";
    }

    /** @param tag layout of [rows, cols] */
    dnnl_memory_desc layout(int rows, int cols, int type, int tag) {
        dnnl_memory_desc layout = new dnnl_memory_desc();
        check("layout", dnnl_memory_desc_create_with_tag(layout, 2, new long[] {rows, cols}, type, tag));
        endings.push(() -> dnnl_memory_desc_destroy(layout));
        return layout;
    }

    /** Without bytes yet. */
    dnnl_memory memory(dnnl_memory_desc layout) {
        dnnl_memory memory = new dnnl_memory();
        check("memory", dnnl_memory_create(memory, layout, engine, null));
        endings.push(() -> dnnl_memory_destroy(memory));
        return memory;
    }

    /** Takes a description over. */
    dnnl_primitive primitive(dnnl_primitive_desc description) {
        endings.push(() -> dnnl_primitive_desc_destroy(description));
        dnnl_primitive primitive = new dnnl_primitive();
        check("primitive", dnnl_primitive_create(primitive, description));
        endings.push(() -> dnnl_primitive_destroy(primitive));
        return primitive;
    }

    dnnl_stream stream() {
        dnnl_stream stream = new dnnl_stream();
        check("stream", dnnl_stream_create(stream, engine, dnnl_stream_default_flags));
        endings.push(() -> dnnl_stream_destroy(stream));
        return stream;
    }

    @Override
    public void close() {
        while (!endings.isEmpty()) {
            endings.pop().run();
        }
    }
}
