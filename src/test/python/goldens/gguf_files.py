"""Golden models in GGUF files, and blocks of every type with what the gguf package makes of them.

A toy model of transformers is written as llama.cpp's convert_hf_to_gguf.py writes it (names from gguf's own table, rows of
queries and keys permuted, ones added to norms), its matrices quantized; the answers are transformers' with the quantized
weights decoded by gguf.
"""

from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Q

from goldens import reference

transformers.logging.set_verbosity_error()

BLOCKS = Path(__file__).resolve().parents[2] / "resources" / "gguf" / "blocks.gguf"
PERMUTED = {"llama", "mistral3", "granite", "smollm3"}
PLAIN = {Q.F32: torch.float32, Q.F16: torch.float16, Q.BF16: torch.bfloat16}


# --- quantizing: the gguf package has no quantizers of the K types ---


def halves(x):
    return np.ascontiguousarray(x.astype(np.float16)).view(np.uint8)


def pack_scales(scales, mins):
    """Eight 6-bit scales and minima a block in 12 bytes (get_scale_min_k4 of ggml, backwards)."""
    out = np.zeros((len(scales), 12), np.uint8)
    for j in range(4):
        out[:, j] = scales[:, j] | (scales[:, j + 4] >> 4) << 6
        out[:, j + 4] = mins[:, j] | (mins[:, j + 4] >> 4) << 6
        out[:, j + 8] = scales[:, j + 4] & 15 | (mins[:, j + 4] & 15) << 4
    return out


def four_or_five_bits(x, bits):
    """Q4_K or Q5_K of rows of a multiple of 256: eight groups of 32 a block."""
    groups = x.reshape(-1, 8, 32)
    top = (1 << bits) - 1
    lowest = np.minimum(groups.min(-1), 0)
    width = (groups.max(-1) - lowest) / top
    d, dmin = width.max(-1, keepdims=True) / 63, (-lowest).max(-1, keepdims=True) / 63
    d, dmin = (np.maximum(v, 1e-7).astype(np.float16).astype(np.float32) for v in (d, dmin))
    scales = np.clip(np.round(width / d), 0, 63).astype(np.uint8)
    mins = np.clip(np.round(-lowest / dmin), 0, 63).astype(np.uint8)
    step = np.maximum(d * scales, 1e-12)[..., None]
    codes = np.clip(np.round((groups + (dmin * mins)[..., None]) / step), 0, top).astype(np.uint8)
    pairs = codes.reshape(-1, 4, 2, 32)
    low = (pairs[:, :, 0] & 15 | (pairs[:, :, 1] & 15) << 4).reshape(len(groups), 128)
    parts = [halves(d), halves(dmin), pack_scales(scales, mins)]
    if bits == 5:
        high = np.zeros((len(groups), 32), np.uint8)
        for group in range(8):
            high |= (codes[:, group] >> 4) << group
        parts.append(high)
    return np.concatenate(parts + [low], axis=1).reshape(*x.shape[:-1], -1)


def six_bits(x):
    """Q6_K: sixteen groups of 16 a block."""
    groups = x.reshape(-1, 16, 16)
    width = np.abs(groups).max(-1) / 31
    d = np.maximum(width.max(-1, keepdims=True) / 127, 1e-7).astype(np.float16).astype(np.float32)
    scales = np.clip(np.round(width / d), -128, 127).astype(np.int8)
    step = np.maximum(np.abs(d * scales), 1e-12)[..., None]
    codes = (np.clip(np.round(groups / step), -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.concatenate([codes[:, :, :2] & 15 | (codes[:, :, 2:] & 15) << 4], axis=2).reshape(len(groups), 128)
    high = np.zeros((len(groups), 2, 32), np.uint8)
    for i in range(4):
        high |= (codes[:, :, i] >> 4) << 2 * i
    parts = [low, high.reshape(len(groups), 64), scales.view(np.uint8), halves(d)]
    return np.concatenate(parts, axis=1).reshape(*x.shape[:-1], -1)


def quantize(x, kind):
    """The file's bytes for an f32 array; as the array's type for plain numbers."""
    if kind == Q.F32:
        return x.astype(np.float32)
    if kind == Q.F16:
        return x.astype(np.float16)
    if kind in (Q.Q4_K, Q.Q5_K):
        return four_or_five_bits(x, 4 if kind == Q.Q4_K else 5)
    if kind == Q.Q6_K:
        return six_bits(x)
    return gguf.quants.quantize(x, kind)


# --- models ---


class Writing:
    """One model on its way into a file: tensors in llama.cpp's form, and the model changed to what the file says."""

    def __init__(self, model, arch, kinds):
        self.model, self.arch, self.kinds = model, arch, kinds
        self.config = model.config
        number = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == arch)
        self.names = gguf.get_tensor_name_map(number, self.config.num_hidden_layers)
        self.tensors = {}
        for name, tensor in model.state_dict().items():
            if name == "lm_head.weight" and self.config.tie_word_embeddings:
                continue
            self.convert(name, tensor)

    def convert(self, name, tensor):
        x = tensor.float().numpy().copy()
        heads = {"q_proj": self.config.num_attention_heads, "k_proj": self.config.num_key_value_heads}
        part = name.split(".")[-2]
        permuted = self.arch in PERMUTED and part in heads
        plus_one = self.arch.startswith("gemma") and name.endswith("norm.weight")
        if permuted:
            x = x.reshape(heads[part], 2, -1, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
        if plus_one:
            x = x + 1
        kind = self.kinds(name, x.shape) if x.ndim == 2 else Q.F32
        data = quantize(x, kind)
        decoded = gguf.quants.dequantize(data, kind).astype(np.float32).reshape(x.shape)
        self.tensors[self.names.get_name(name, try_suffixes=(".weight", ".bias"))] = (data, kind)
        if plus_one:
            decoded = decoded - 1
        if permuted:
            decoded = decoded.reshape(heads[part], -1, 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(decoded.copy()))

    def write(self, path, more):
        c, w = self.config, gguf.GGUFWriter(path, self.arch)
        w.add_context_length(c.max_position_embeddings)
        w.add_embedding_length(c.hidden_size)
        w.add_block_count(c.num_hidden_layers)
        w.add_feed_forward_length(c.intermediate_size)
        w.add_head_count(c.num_attention_heads)
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
        head_dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
        if self.arch not in ("phi3", "granite"):
            w.add_key_length(head_dim)
            w.add_value_length(head_dim)
        self.rope(w, c, head_dim)
        more(w, c)
        for name, (data, kind) in self.tensors.items():
            w.add_tensor(name, data, raw_dtype=None if kind in (Q.F32, Q.F16) else kind)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()

    def rope(self, w, c, head_dim):
        rope = c.rope_parameters.get("full_attention", c.rope_parameters)
        w.add_rope_freq_base(rope["rope_theta"])
        if self.arch in PERMUTED | {"phi3", "glm4"}:
            w.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1)))
        kind = rope["rope_type"]
        if kind == "linear":
            w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            w.add_rope_scaling_factor(rope["factor"])
        elif kind == "yarn":
            w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            w.add_rope_scaling_factor(rope["factor"])
            w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        elif kind == "llama3":
            inv = 1.0 / rope["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
            factors = (inv / self.model.model.rotary_emb.inv_freq).numpy()
            self.tensors["rope_freqs.weight"] = (factors.astype(np.float32), Q.F32)
        elif kind == "longrope":
            original = rope["original_max_position_embeddings"]
            w.add_rope_scaling_orig_ctx_len(original)
            scale = c.max_position_embeddings / original
            w.add_rope_scaling_attn_factors((1 + np.log(scale) / np.log(original)) ** 0.5)
            for length in ("long", "short"):
                self.tensors[f"rope_factors_{length}.weight"] = (np.float32(rope[f"{length}_factor"]), Q.F32)


def nothing_more(writer, config):
    pass


def model(name, arch, kinds, more=nothing_more, config_name=None, vocab=reference.VOCAB, lengths=reference.PROMPT_LENGTHS,
          gain=1.5, limit=None, **entries):
    """A writer of one directory: model.gguf and golden.safetensors."""

    def write(directory):
        shape = dict(pad_token_id=None, bos_token_id=None, eos_token_id=None, max_position_embeddings=128, vocab_size=vocab)
        config = getattr(transformers, config_name or name.replace("ForCausalLM", "Config"))(**{**shape, **entries})
        config._attn_implementation = "eager"
        prompts = reference.prompts(lengths, vocab)
        scale = getattr(config, "embedding_multiplier", config.hidden_size**0.5 if arch.startswith("gemma") else 1)
        embedding = (0.2 if config.tie_word_embeddings else 1) * getattr(config, "residual_multiplier", 1) / scale
        for seed in range(400):
            toy = getattr(transformers, name)(config).eval().float()
            reference.randomize(toy, seed, gain, embedding)
            writing = Writing(toy, arch, kinds)
            tensors, margin, different = reference.answers(toy, prompts)
            if reference.is_decisive(margin, different):
                break
        else:
            raise SystemExit(f"{directory.name}: no seed gives decisive answers")
        if limit is not None:
            tensors["max_model_len"] = torch.tensor([limit], dtype=torch.int32)
        reference.write_golden(directory, tensors)
        writing.write(directory / "model.gguf", more)
        if arch in ("llama", "qwen2", "qwen3", "gemma2"):
            compare_with_transformers(directory, toy)
        print(f"{directory.name}: seed {seed}, margin {margin:.4f}, {different} different ids")

    return write


def compare_with_transformers(directory, toy):
    """Its own reading of the file gives the same tensors, for the architectures it reads."""
    loaded = type(toy).from_pretrained(directory, gguf_file="model.gguf", dtype=torch.float32)
    for name, tensor in toy.state_dict().items():
        if not torch.allclose(tensor, loaded.state_dict()[name], rtol=0, atol=1e-6):
            raise SystemExit(f"{directory.name}: transformers reads another {name}")


def by_part(default, **kinds):
    """The type of a matrix by the last part of its name, such as q_proj; as llama.cpp mixes them."""
    return lambda name, shape: kinds.get(name.split(".")[-2], default)


MIXED = dict(
    embed_tokens=(Q.Q8_0,), lm_head=(Q.F16,), q_proj=(Q.Q4_0, Q.Q5_0), k_proj=(Q.Q8_0, Q.BF16), v_proj=(Q.F16, Q.Q5_1),
    o_proj=(Q.Q5_1, Q.Q4_1), gate_proj=(Q.Q4_1, Q.Q4_0), up_proj=(Q.Q5_0, Q.F32), down_proj=(Q.BF16, Q.Q8_0),
)


def mixed(name, shape):
    """Another type for each matrix, plain ones too."""
    parts = name.split(".")
    return MIXED[parts[-2]][int(parts[2]) if "layers" in parts else 0]


def tokenizer_inside(writer, config):
    """Byte-level pieces with an end of turn, and a template."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = sorted(bytes_to_unicode().values())
    merged = [("h", "e"), ("Ġ", "t"), ("Ġt", "he"), ("i", "n"), ("l", "l"), ("he", "ll"), ("hell", "o")]
    tokens = letters + [a + b for a, b in merged] + ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>"]
    control = len(tokens) - 4
    tokens += [f"[PAD{i}]" for i in range(len(tokens), config.vocab_size)]
    kinds = [gguf.TokenType.NORMAL] * control + [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED]
    kinds += [gguf.TokenType.UNUSED] * (len(tokens) - len(kinds))
    writer.add_name("toy of a chat model")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{a} {b}" for a, b in merged])
    writer.add_bos_token_id(control + 2)
    writer.add_eos_token_id(control + 1)
    writer.add_pad_token_id(control + 2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


def gemma2(w, c):
    w.add_attn_logit_softcapping(c.attn_logit_softcapping)
    w.add_final_logit_softcapping(c.final_logit_softcapping)
    w.add_sliding_window(c.sliding_window)


def gemma3(w, c):
    w.add_sliding_window(c.sliding_window)
    w.add_sliding_window_pattern([kind == "sliding_attention" for kind in c.layer_types])


def granite(w, c):
    w.add_attention_scale(c.attention_multiplier)
    w.add_embedding_scale(c.embedding_multiplier)
    w.add_residual_scale(c.residual_multiplier)
    w.add_logit_scale(c.logits_scaling)


def mistral3(w, c):
    w.add_rope_scaling_yarn_log_mul(c.rope_parameters["mscale_all_dim"])
    w.add_attn_temperature_scale(c.rope_parameters["llama_4_scaling_beta"])


def all():
    small = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                 head_dim=16)
    eights = by_part(Q.Q8_0)
    halves_of = by_part(Q.Q4_0, embed_tokens=Q.Q8_0, o_proj=Q.Q8_0, down_proj=Q.F16)
    plain_rope = lambda theta: dict(rope_type="default", rope_theta=theta)
    return {
        # As a Q4_K_M file mixes them: rows that are no multiple of 256 fall back to Q5_0 and Q8_0.
        "gguf-llama": model(
            "LlamaForCausalLM", "llama",
            by_part(Q.Q4_K, embed_tokens=Q.Q6_K, v_proj=Q.Q6_K, k_proj=Q.Q5_K, o_proj=Q.Q5_0, down_proj=Q.Q8_0),
            hidden_size=256, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
            head_dim=32, tie_word_embeddings=True, vocab=103,
            rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                 original_max_position_embeddings=8192),
        ),
        "gguf-qwen2": model(
            "Qwen2ForCausalLM", "qwen2", mixed, tokenizer_inside, vocab=313, hidden_size=64, intermediate_size=64,
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=24, tie_word_embeddings=False,
            rope_parameters=plain_rope(1e6),
        ),
        "gguf-qwen3": model("Qwen3ForCausalLM", "qwen3", eights, rope_parameters=plain_rope(1e6), tie_word_embeddings=True,
                            **small),
        "gguf-llama-freqs": model(
            "LlamaForCausalLM", "llama", halves_of, tie_word_embeddings=True, **small,
            rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                 original_max_position_embeddings=32),
        ),
        "gguf-phi3": model(
            "Phi3ForCausalLM", "phi3", eights, lambda w, c: w.add_sliding_window(c.sliding_window or 0), lengths=(33, 40, 70),
            tie_word_embeddings=True, hidden_size=96, intermediate_size=32, num_hidden_layers=2, num_attention_heads=6,
            num_key_value_heads=2, original_max_position_embeddings=32,
            rope_parameters=dict(
                rope_type="longrope", rope_theta=10000.0, short_factor=[1.0 + 0.05 * j for j in range(6)],
                long_factor=[1.5 + 0.75 * j for j in range(6)], partial_rotary_factor=0.75,
                original_max_position_embeddings=32,
            ),
        ),
        "gguf-gemma2": model("Gemma2ForCausalLM", "gemma2", halves_of, gemma2, sliding_window=16, query_pre_attn_scalar=16,
                             attn_logit_softcapping=2.0, final_logit_softcapping=5.0, rope_parameters=plain_rope(1e4), **small),
        "gguf-gemma3": model(
            "Gemma3ForCausalLM", "gemma3", halves_of, gemma3, "Gemma3TextConfig", sliding_window=16, query_pre_attn_scalar=16,
            **{**small, "num_hidden_layers": 3}, layer_types=["sliding_attention"] * 2 + ["full_attention"],
            rope_parameters=dict(full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0),
                                 sliding_attention=plain_rope(1e4)),
        ),
        "gguf-olmo2": model("Olmo2ForCausalLM", "olmo2", eights, tie_word_embeddings=True, rope_parameters=plain_rope(5e5),
                            **small),
        "gguf-glm4": model(
            "Glm4ForCausalLM", "glm4", halves_of, attention_bias=True, tie_word_embeddings=True,
            rope_parameters=dict(plain_rope(1e4), partial_rotary_factor=0.5), **small,
        ),
        "gguf-granite": model(
            "GraniteForCausalLM", "granite", eights, granite, tie_word_embeddings=True, embedding_multiplier=12.0,
            attention_multiplier=0.0625, residual_multiplier=0.22, logits_scaling=6.0, rope_parameters=plain_rope(1e7),
            **{**small, "hidden_size": 96, "num_attention_heads": 6},
        ),
        "gguf-smollm3": model(
            "SmolLM3ForCausalLM", "smollm3", eights, tie_word_embeddings=True, rope_parameters=plain_rope(2e6),
            **{**small, "num_hidden_layers": 4},
        ),
        "gguf-mistral3": model(
            "Ministral3ForCausalLM", "mistral3", eights, mistral3, tie_word_embeddings=True, **small,
            rope_parameters=dict(
                rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=16, beta_fast=32.0,
                beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3, max_position_embeddings=128,
            ),
        ),
    }


# --- blocks ---


def blocks(path=BLOCKS):
    """Random blocks of every type, 2 rows of 512, each beside the f32 numbers that the gguf package makes of them."""
    generator = np.random.default_rng(5)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    for kind in (Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.Q4_K, Q.Q5_K, Q.Q6_K):
        size, num_bytes = gguf.GGML_QUANT_SIZES[kind]
        rows = generator.integers(0, 256, (2, 512 // size, num_bytes), dtype=np.uint8)
        # Where a block keeps its halves, halves that are numbers, tiny ones too.
        for at in {Q.Q6_K: [208], Q.Q4_1: [0, 2], Q.Q5_1: [0, 2], Q.Q4_K: [0, 2], Q.Q5_K: [0, 2]}.get(kind, [0]):
            exponent = generator.integers(-26, 12, rows.shape[:2])
            values = (generator.standard_normal(rows.shape[:2]) * 2.0**exponent).astype(np.float16)
            rows[:, :, at : at + 2] = values[..., None].view(np.uint8)
        data = rows.reshape(2, -1)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        writer.add_tensor(f"{kind.name}.decoded", gguf.quants.dequantize(data, kind).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    blocks()
