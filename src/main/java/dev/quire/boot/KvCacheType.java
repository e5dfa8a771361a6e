package dev.quire.boot;

import dev.quire.kernel.Backend;
import dev.quire.tensor.DType;
import java.util.List;

/** What {@code --kv-cache-dtype} says about the type of K and V in the cache. */
final class KvCacheType {
    private KvCacheType() {}

    /**
     * The type that a backend keeps K and V in.
     *
     * @param asked {@code auto} is FP8 for a checkpoint made for it, else what the backend computes in; {@code fp8} is E4M3
     */
    static DType of(String asked, boolean madeForFp8, Backend backend) {
        List<DType> kept = List.of(backend.kvCache().supportedTypes());
        DType type =
                switch (asked) {
                    case "auto" -> madeForFp8 ? DType.F8_E4M3 : kept.get(0);
                    case "bfloat16", "bf16" -> DType.BF16;
                    case "float32", "f32" -> DType.F32;
                    case "fp8", "fp8_e4m3" -> DType.F8_E4M3;
                    case "fp8_e5m2" ->
                        throw new StartupException(
                                "--kv-cache-dtype fp8_e5m2 is not supported: fp8 is E4M3 here, use --kv-cache-dtype fp8");
                    default ->
                        throw new StartupException(
                                "--kv-cache-dtype must be auto, bfloat16, float32 or fp8, got \"" + asked + "\"");
                };
        if (!kept.contains(type)) {
            throw new StartupException("--kv-cache-dtype " + asked + " is not supported on " + backend.name()
                    + ", only "
                    + String.join(", ", kept.stream().map(KvCacheType::name).toList()));
        }
        return type;
    }

    private static String name(DType type) {
        return type == DType.F8_E4M3 ? "fp8" : type.torchName();
    }
}
