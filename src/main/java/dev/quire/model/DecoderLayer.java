package dev.quire.model;

import dev.quire.kernel.AttentionParams;
import dev.quire.kernel.Backend;
import dev.quire.kernel.Linear;
import dev.quire.kernel.RopeKernels.Rope;
import dev.quire.kernel.RopeTable;
import dev.quire.tensor.Arena;
import dev.quire.tensor.DType;
import dev.quire.tensor.HostBytes;
import dev.quire.tensor.HostTensor;
import dev.quire.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One layer of a dense decoder on a device; what the model does without is null.
 *
 * @param rope of k, and of q unless {@code queryRope} is there; null: q and k have no positions
 */
record DecoderLayer(
        @Nullable Tensor attentionInputNorm,
        Linear qkv,
        @Nullable Tensor queryNorm,
        @Nullable Tensor keyNorm,
        @Nullable Rope rope,
        @Nullable Rope queryRope,
        AttentionParams attention,
        Linear attentionOutput,
        @Nullable Tensor attentionOutputNorm,
        @Nullable Tensor mlpInputNorm,
        Linear gateUp,
        Linear down,
        @Nullable Tensor mlpOutputNorm) {

    /** Bytes of weights that one decode step reads. */
    long weightBytes() {
        return qkv.weightBytes() + attentionOutput.weightBytes() + gateUp.weightBytes() + down.weightBytes();
    }

    /** Takes layers to a device; layers of one kind share ropes and attention parameters. */
    static final class Loader {
        private final Backend backend;
        private final Arena arena;
        private final ModelConfig config;
        private final int maxModelLen;
        private final Map<RopeSpec, Rope> ropes = new HashMap<>();
        private final Map<RopeSpec, Rope> queryRopes = new HashMap<>();
        private final Map<Integer, AttentionParams> byWindow = new HashMap<>();

        Loader(Backend backend, Arena arena, ModelConfig config, int maxModelLen) {
            this.backend = backend;
            this.arena = arena;
            this.config = config;
            this.maxModelLen = maxModelLen;
        }

        DecoderLayer load(DecoderWeights.Layer w, ModelConfig.LayerKind kind) {
            return new DecoderLayer(
                    norm(w.attentionInputNorm()),
                    backend.gemm().load(w.qkv()),
                    norm(w.queryNorm()),
                    norm(w.keyNorm()),
                    rope(kind.rope()),
                    queryRope(kind.rope()),
                    attention(kind.slidingWindow(), w.sinks()),
                    backend.gemm().load(w.attentionOutput()),
                    norm(w.attentionOutputNorm()),
                    norm(w.mlpInputNorm()),
                    backend.gemm().load(w.gateUp()),
                    backend.gemm().load(w.down()),
                    norm(w.mlpOutputNorm()));
        }

        private @Nullable Tensor norm(@Nullable HostTensor weight) {
            return weight == null ? null : norm(weight, 1);
        }

        /** A norm's weight as f32, with the 1 where the checkpoint leaves it out, times a factor. */
        Tensor norm(HostTensor weight, float factor) {
            float added = config.names().addsOneToNorms() ? 1 : 0;
            HostTensor changed = added == 0 && factor == 1 ? weight : changed(weight, added, factor);
            Tensor tensor = arena.allocate(weight.name(), DType.F32, weight.numElements());
            backend.upload(changed, tensor);
            return tensor;
        }

        private static HostTensor changed(HostTensor weight, float added, float factor) {
            float[] values = weight.toFloats();
            ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                bytes.putFloat((value + added) * factor);
            }
            return new HostTensor(weight.name(), DType.F32, weight.shape(), HostBytes.of(bytes.flip()));
        }

        private @Nullable Rope rope(@Nullable RopeSpec spec) {
            return spec == null
                    ? null
                    : ropes.computeIfAbsent(spec, s -> backend.rope().load(s.table(maxModelLen), maxModelLen));
        }

        private @Nullable Rope queryRope(@Nullable RopeSpec spec) {
            RopeTable table = spec == null ? null : spec.queryTable(maxModelLen);
            return table == null
                    ? null
                    : queryRopes.computeIfAbsent(spec, s -> backend.rope().load(table, maxModelLen));
        }

        private AttentionParams attention(int window, @Nullable HostTensor sinks) {
            return sinks == null
                    ? byWindow.computeIfAbsent(window, w -> announced(w, null))
                    : announced(window, sinks.toFloats());
        }

        private AttentionParams announced(int window, float @Nullable [] sinks) {
            AttentionParams params = new AttentionParams(
                    config.numHeads(),
                    config.numKvHeads(),
                    config.headDim(),
                    config.attention().scale(),
                    window,
                    config.attention().softCap(),
                    sinks);
            backend.attention().announce(params);
            return params;
        }
    }
}
