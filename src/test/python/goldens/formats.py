"""Golden models of the quantized formats: transformers' models with rounded weights, and inputs rounded as the format says.

The layouts are written by hand, element by element where it is short: they check the reader and must not share its code.
The answers come from transformers' model in float32 with every quantized nn.Linear replaced by a Rounded one.
"""

import json

import torch
import transformers
from safetensors.torch import save_file

from goldens import reference

transformers.logging.set_verbosity_error()

IDS = dict(pad_token_id=None, bos_token_id=None, eos_token_id=None)
# Three query heads to a KV head; heads that are not hidden / heads wide, except where a family has no head_dim.
FOUR_BITS = dict(vocab_size=101, hidden_size=96, intermediate_size=96, num_attention_heads=3, num_key_value_heads=1, head_dim=64)
EIGHT_BITS = dict(hidden_size=48, intermediate_size=144, num_attention_heads=3, num_key_value_heads=1, head_dim=32)
NO_HEAD_DIM = {k: v for k, v in EIGHT_BITS.items() if k != "head_dim"}
MIXED = dict(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=1, head_dim=32)
# Wider than elsewhere: an input that is rounded the other way moves logits by as much as this.
MIN_MARGIN = 5e-3
# Inputs that are rounded must not lie where other arithmetic rounds them the other way: embeddings this much off, as a share,
# may move no logit by more than that share of the largest one, and no id.
NOISE, MAX_MOVE = 1.5e-6, 5e-4


def model_of(name, shape, **more):
    model_class = getattr(transformers, name)
    config_class = getattr(transformers, name.replace("ForCausalLM", "Config"))
    common = dict(vocab_size=reference.VOCAB, num_hidden_layers=2, max_position_embeddings=128, tie_word_embeddings=False)
    config = config_class(**{**common, **IDS, **shape, **more})
    config._attn_implementation = "eager"
    return model_class, config


# --- Inputs: functions x → x', exact to the last bit in the type of x ---------------------------------------------


def round_nothing(x):
    return x


def round_int8_rows(x):
    scale = x.abs().amax(-1, keepdim=True) / 127
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return (x / scale).round().clamp(-128, 127) * scale


def to_e4m3(x):
    return x.clamp(-448, 448).to(torch.float8_e4m3fn).to(x.dtype)


def round_e4m3_groups(width):
    """Scales for each row and group of columns; width 0: the whole row."""

    def apply(x):
        parts = []
        for part in x.split(width or x.shape[-1], -1):
            scale = part.abs().amax(-1, keepdim=True) / 448
            scale = torch.where(scale == 0, torch.ones_like(scale), scale)
            parts.append(to_e4m3(part / scale) * scale)
        return torch.cat(parts, -1)

    return apply


def round_int8_fixed(scale, zero):
    def apply(x):
        s = scale.to(x.dtype)
        return ((x / s).round() + zero).clamp(-128, 127).sub(zero) * s

    return apply


def round_e4m3_fixed(scale):
    return lambda x: to_e4m3(x / scale.to(x.dtype)) * scale.to(x.dtype)


class Rounded(torch.nn.Module):
    """y = x' · Wᵀ + b."""

    def __init__(self, weight, bias, round_input):
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.round_input = round_input

    def forward(self, x):
        return torch.nn.functional.linear(self.round_input(x), self.weight, self.bias)


# --- Packing -------------------------------------------------------------------------------------------------------


def pack_columns(codes, bits):
    """[R, C] unsigned codes → int32 [R, ceil(C · bits / 32)], lowest bits first."""
    per_word = 32 // bits
    rows, cols = codes.shape
    words = torch.zeros(rows, -(-cols // per_word), dtype=torch.int64)
    for c in range(cols):
        words[:, c // per_word] |= codes[:, c].long() << (c % per_word * bits)
    return torch.where(words >= 2**31, words - 2**32, words).to(torch.int32)


def pack_rows(codes, bits):
    return pack_columns(codes.T.contiguous(), bits).T.contiguous()


def groups_of(cols, size):
    return torch.arange(cols) // size


def activation_order(cols, size, seed):
    """Columns in a random order, cut into runs: the group of each column."""
    order = torch.randperm(cols, generator=torch.Generator().manual_seed(seed))
    groups = torch.empty(cols, dtype=torch.int64)
    groups[order] = groups_of(cols, size)
    return groups


def to_integers(weight, bits, groups, symmetric, dtype):
    """(unsigned codes [N, K], unsigned zero points [N, G], scales [N, G]) with w ≈ (code − zero) · scale."""
    top = 2**bits - 1
    middle = 2 ** (bits - 1)
    columns = [weight[:, groups == g] for g in range(int(groups.max()) + 1)]
    high = torch.stack([c.amax(1) for c in columns], 1).clamp(min=0)
    low = torch.stack([c.amin(1) for c in columns], 1).clamp(max=0)
    if symmetric:
        scale = (2 * torch.maximum(high, -low) / top).to(dtype).float()
        zero = torch.full_like(scale, middle)
    else:
        scale = ((high - low) / top).to(dtype).float()
        zero = (-low / scale).round().clamp(0, top)
    codes = (weight / scale[:, groups] + zero[:, groups]).round().clamp(0, top)
    return codes.long(), zero.long(), scale.to(dtype)


def of_integers(codes, zero, scale, groups):
    return (codes - zero[:, groups]).float() * scale.float()[:, groups]


# --- Weights: functions (module, weight, statistics of inputs) → (tensors by suffix, weight as read, rounding of inputs) ---


def pack_quantized(bits, group_size=None, symmetric=True, act_order=False, dtype=torch.bfloat16):
    def apply(name, weight, stats):
        rows, cols = weight.shape
        size = group_size or cols
        groups = activation_order(cols, size, len(name) + cols) if act_order else groups_of(cols, size)
        codes, zero, scale = to_integers(weight, bits, groups, symmetric, dtype)
        tensors = {
            "weight_packed": pack_columns(codes, bits),
            "weight_scale": scale,
            "weight_shape": torch.tensor([rows, cols], dtype=torch.int64),
        }
        if not symmetric:
            tensors["weight_zero_point"] = pack_rows(zero, bits)
        if act_order:
            tensors["weight_g_idx"] = groups.to(torch.int32)
        return tensors, of_integers(codes, zero, scale, groups), round_nothing

    return apply


def int_quantized(static=False):
    def apply(name, weight, stats):
        codes, zero, scale = to_integers(weight, 8, torch.zeros(weight.shape[1], dtype=torch.int64), True, torch.float32)
        tensors = {"weight": (codes - 128).to(torch.int8), "weight_scale": scale}
        dequantized = (codes - 128).float() * scale
        if not static:
            return tensors, dequantized, round_int8_rows
        low, high = stats
        # Tighter than what was seen, and other for each part of a fused product: saturation and parts are tested too.
        shrink = {"q": 0.95, "k": 0.8, "v": 0.9}.get(name.split(".")[-1][0], 0.85)
        scale = torch.tensor([(high - low) / 255 * shrink], dtype=torch.float32)
        zero = int(max(-128, min(127, round(-128 - low * shrink / float(scale)))))
        tensors["input_scale"] = scale
        tensors["input_zero_point"] = torch.tensor([zero], dtype=torch.int8)
        return tensors, dequantized, round_int8_fixed(scale, zero)

    return apply


def float_quantized(block=None, per_row=False, static=False, input_width=0, suffix="weight_scale", dtype=torch.float32):
    def apply(name, weight, stats):
        rows, cols = weight.shape
        height, width = block or ((1, cols) if per_row else (rows, cols))
        scale = torch.empty(-(-rows // height), -(-cols // width))
        for i in range(scale.shape[0]):
            for j in range(scale.shape[1]):
                part = weight[i * height : (i + 1) * height, j * width : (j + 1) * width]
                scale[i, j] = part.abs().max() / 448
        scale = scale.to(dtype)
        spread = scale.float().repeat_interleave(height, 0)[:rows].repeat_interleave(width, 1)[:, :cols]
        codes = (weight / spread).clamp(-448, 448).to(torch.float8_e4m3fn)
        tensors = {"weight": codes, suffix: scale if block or per_row else scale.reshape(1)}
        dequantized = codes.float() * spread
        if not static:
            return tensors, dequantized, round_e4m3_groups(input_width)
        shrink = {"q": 0.95, "k": 0.8, "v": 0.9}.get(name.split(".")[-1][0], 0.85)
        scale = torch.tensor([max(abs(v) for v in stats) / 448 * shrink], dtype=torch.float32)
        tensors["input_scale"] = scale
        return tensors, dequantized, round_e4m3_fixed(scale)

    return apply


def gptq(bits, group_size, symmetric=True, desc_act=False, version=1):
    def apply(name, weight, stats):
        rows, cols = weight.shape
        groups = activation_order(cols, group_size, len(name) + cols) if desc_act else groups_of(cols, group_size)
        codes, zero, scale = to_integers(weight, bits, groups, symmetric, torch.float16)
        # Version 1 cannot hold a zero point 0: its packing would spill into the neighbours.
        if version == 1:
            zero = zero.clamp(min=1)
            codes = (weight / scale.float()[:, groups] + zero[:, groups]).round().clamp(0, 2**bits - 1).long()
        stored = zero - 1 if version == 1 else zero
        tensors = {
            "qweight": pack_rows(codes.T.contiguous(), bits),
            "qzeros": pack_columns(stored.T.contiguous(), bits),
            "scales": scale.T.contiguous(),
            "g_idx": groups.to(torch.int32),
        }
        return tensors, of_integers(codes, zero, scale, groups), round_nothing

    return apply


def awq(group_size):
    def apply(name, weight, stats):
        groups = groups_of(weight.shape[1], group_size)
        codes, zero, scale = to_integers(weight, 4, groups, False, torch.float16)
        order = [0, 2, 4, 6, 1, 3, 5, 7]

        def pack(values):
            """[R, N] → [R, N / 8]; nibble i of a word is its output order[i]."""
            by_word = values.reshape(values.shape[0], -1, 8)[:, :, order]
            return pack_columns(by_word.reshape(values.shape), 4)

        tensors = {
            "qweight": pack(codes.T.contiguous()),
            "qzeros": pack(zero.T.contiguous()),
            "scales": scale.T.contiguous(),
        }
        return tensors, of_integers(codes, zero, scale, groups), round_nothing

    return apply


# --- Models --------------------------------------------------------------------------------------------------------


def input_ranges(model, prompts):
    """Module name → (least, greatest) input over the prompts."""
    ranges, hooks = {}, []

    def watch(name):
        def hook(module, args):
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, float(args[0].min())), max(high, float(args[0].max())))

        return hook

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            hooks.append(module.register_forward_pre_hook(watch(name)))
    with torch.no_grad():
        for prompt in prompts:
            model(prompt[None])
    for hook in hooks:
        hook.remove()
    return ranges


def quantize(model, scheme_of, prompts):
    """Replaces the modules that have a scheme; the tensors of the checkpoint."""
    ranges = input_ranges(model, prompts)
    state = {}
    for name, module in list(model.named_modules()):
        scheme = scheme_of(name) if isinstance(module, torch.nn.Linear) else None
        if scheme is None:
            continue
        tensors, weight, round_input = scheme(name, module.weight.detach(), ranges[name])
        state.update({f"{name}.{suffix}": tensor.contiguous() for suffix, tensor in tensors.items()})
        if module.bias is not None:
            state[f"{name}.bias"] = module.bias.detach().to(torch.bfloat16)
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, Rounded(weight, module.bias, round_input))
    for name, parameter in model.named_parameters():
        state[name] = parameter.detach().to(torch.bfloat16).contiguous()
    return state


def is_steady(model, tensors, rounded):
    """Whether the answers are the same in slightly other arithmetic and in float64."""
    prompt_list = [tensors[f"prompt.{i}"].long() for i in range(len(tensors) // 3)]
    embedding = model.get_input_embeddings().weight
    exact = embedding.detach().clone()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(8 if rounded else 1):
            embedding.copy_(exact * (1 + NOISE * torch.randn(exact.shape, generator=generator)))
            for i, prompt in enumerate(prompt_list):
                if distance(model(prompt[None]).logits[0, -1], tensors[f"logits.{i}"]) > MAX_MOVE:
                    return False
        if not has_ids(model, prompt_list, tensors):
            return False
        embedding.copy_(exact)
    return has_ids(model.double(), prompt_list, tensors)


def has_ids(model, prompt_list, tensors):
    for i, prompt in enumerate(prompt_list):
        logits, ids, _ = reference.answer(model, prompt)
        if ids != tensors[f"ids.{i}"].tolist() or distance(logits, tensors[f"logits.{i}"]) > MAX_MOVE:
            return False
    return True


def is_promising(model, prompt):
    """Whether the first prompt's answer is decisive; leaves at the first step that is not."""
    ids, out = set(), None
    with torch.no_grad():
        out = model(prompt[None], use_cache=True)
        for _ in range(reference.LENGTH):
            logits = out.logits[0, -1]
            top = logits.topk(2)
            if (top.values[0] - top.values[1]) / logits.abs().max() < MIN_MARGIN:
                return False
            ids.add(int(top.indices[0]))
            out = model(top.indices[None, :1], past_key_values=out.past_key_values, use_cache=True)
    return len(ids) >= reference.MIN_DIFFERENT_IDS


def distance(logits, expected):
    return float((logits - expected).abs().max() / expected.abs().max())


def write(directory, model_and_config, scheme_of, entries, separate=None):
    """Searches a seed whose answers are decisive; entries go into config.json, separate into quantize_config.json."""
    model_class, config = model_and_config
    prompt_list = reference.prompts(vocab=config.vocab_size)
    for seed in range(4000):
        torch.manual_seed(seed)
        model = model_class(config).eval().float()
        reference.randomize(model, seed)
        state = quantize(model, scheme_of, prompt_list)
        if not is_promising(model, prompt_list[0]):
            continue
        tensors, margin, different = reference.answers(model, prompt_list)
        rounded = any(m.round_input is not round_nothing for m in model.modules() if isinstance(m, Rounded))
        if margin >= MIN_MARGIN and different >= reference.MIN_DIFFERENT_IDS and is_steady(model, tensors, rounded):
            break
    else:
        raise SystemExit(f"{directory.name}: no seed gives decisive answers")
    reference.write_golden(directory, tensors)
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    json_entries = {k: v for k, v in config.to_dict().items() if not k.startswith("_")}
    json_entries.update(architectures=[model_class.__name__], dtype="bfloat16")
    if entries:
        json_entries["quantization_config"] = entries
    (directory / "config.json").write_text(json.dumps(json_entries, indent=1) + "\n")
    if separate:
        (directory / "quantize_config.json").write_text(json.dumps(separate, indent=1) + "\n")
    print(f"{directory.name}: seed {seed}, margin {margin:.4f}, {different} different ids")


def linears(scheme):
    """Every linear layer but the output projection."""
    return lambda name: None if name == "lm_head" else scheme


def args(num_bits, kind="int", strategy="channel", symmetric=True, dynamic=False, **more):
    """A compressed-tensors QuantizationArgs, as its writer spells them all out."""
    full = dict(actorder=None, block_structure=None, dynamic=dynamic, group_size=None, num_bits=num_bits, observer="minmax")
    return {**full, "observer_kwargs": {}, "strategy": strategy, "symmetric": symmetric, "type": kind, **more}


def compressed(format, weights, inputs=None, ignore=("lm_head",), groups=None):
    one = {"group_0": {"input_activations": inputs, "output_activations": None, "targets": ["Linear"], "weights": weights}}
    return {
        "config_groups": groups or one,
        "format": format,
        "ignore": list(ignore),
        "kv_cache_scheme": None,
        "quant_method": "compressed-tensors",
        "quantization_status": "compressed",
    }


def packed(model, scheme, weights):
    return lambda directory: write(directory, model, linears(scheme), compressed("pack-quantized", weights))


def with_inputs(model, scheme, format, weights, inputs):
    return lambda directory: write(directory, model, linears(scheme), compressed(format, weights, inputs))


def mixed(directory):
    """Attention in FP8, the MLP in packed integers, some layers left as they were, an output projection of its own."""
    fp8, int4 = float_quantized(per_row=True), pack_quantized(4, 32)

    def scheme_of(name):
        if name in ("lm_head", "model.layers.1.self_attn.v_proj") or "layers.0.mlp.up_proj" in name:
            return None
        return fp8 if "self_attn" in name else int4

    groups = {
        "group_0": {
            "format": "float-quantized",
            "targets": ["re:.*self_attn\\.(q|k|v|o)_proj$"],
            "weights": args(8, "float"),
            "input_activations": args(8, "float", "token", dynamic=True),
            "output_activations": None,
        },
        "group_1": {
            "format": "pack-quantized",
            "targets": ["Linear"],
            "weights": args(4, strategy="group", group_size=32),
            "input_activations": None,
            "output_activations": None,
        },
    }
    ignore = ["lm_head", "model.layers.1.self_attn.v_proj", "re:.*layers\\.0\\.mlp\\.up_proj"]
    model = model_of("LlamaForCausalLM", MIXED)
    write(directory, model, scheme_of, compressed("mixed-precision", None, ignore=ignore, groups=groups))


def gptq_model(directory, model, bits, group_size, symmetric, desc_act, version, in_config=True):
    entries = dict(bits=bits, group_size=group_size, damp_percent=0.01, desc_act=desc_act, sym=symmetric)
    if version == 2:
        entries["checkpoint_format"] = "gptq_v2"
    scheme = gptq(bits, group_size, symmetric, desc_act, version)
    own = {**entries, "quant_method": "gptq"} if in_config else None
    write(directory, model, linears(scheme), own, None if in_config else entries)


def native_fp8(directory, model, scheme, **entries):
    config = {"quant_method": "fp8", "fmt": "e4m3", "modules_to_not_convert": ["lm_head"], **entries}
    write(directory, model, linears(scheme), config)


def all():
    granite = lambda shape: model_of(
        "GraniteForCausalLM",
        shape,
        embedding_multiplier=6.0,
        attention_multiplier=0.2,
        residual_multiplier=0.5,
        logits_scaling=2.0,
    )
    llama = lambda shape: model_of("LlamaForCausalLM", shape)
    # Biases on q, k and v; heads are hidden / heads wide in this family.
    qwen2 = lambda: model_of("Qwen2ForCausalLM", NO_HEAD_DIM)
    qwen3 = lambda shape: model_of("Qwen3ForCausalLM", shape)
    phi3 = lambda: model_of("Phi3ForCausalLM", NO_HEAD_DIM)
    token8, float_token = args(8, "int", "token", dynamic=True), args(8, "float", "token", dynamic=True)
    static8 = args(8, "int", "tensor", symmetric=False)
    grouped = lambda **more: args(4, strategy="group", group_size=32, **more)
    return {
        "w4a16": packed(granite(FOUR_BITS), pack_quantized(4, 32), grouped()),
        "w4a16-asymmetric": packed(
            llama(FOUR_BITS), pack_quantized(4, 32, symmetric=False, dtype=torch.float16), grouped(symmetric=False)
        ),
        "w4a16-actorder": packed(qwen3(FOUR_BITS), pack_quantized(4, 32, act_order=True), grouped(actorder="group")),
        "w8a16-channel": packed(llama(EIGHT_BITS), pack_quantized(8), args(8)),
        # Projections that are fused in the file.
        "w8a16-asymmetric": packed(
            phi3(), pack_quantized(8, 16, symmetric=False), args(8, strategy="group", group_size=16, symmetric=False)
        ),
        "w8a8": with_inputs(qwen2(), int_quantized(), "int-quantized", args(8), token8),
        "w8a8-static": with_inputs(llama(EIGHT_BITS), int_quantized(static=True), "int-quantized", args(8), static8),
        "fp8-static": with_inputs(
            llama(EIGHT_BITS),
            float_quantized(static=True),
            "float-quantized",
            args(8, "float", "tensor"),
            args(8, "float", "tensor"),
        ),
        "fp8-channel": with_inputs(
            granite(EIGHT_BITS), float_quantized(per_row=True), "float-quantized", args(8, "float"), float_token
        ),
        "fp8-block": with_inputs(
            llama(EIGHT_BITS),
            float_quantized(block=(64, 64), input_width=64),
            "float-quantized",
            args(8, "float", "block", block_structure=[64, 64]),
            args(8, "float", "group", dynamic=True, group_size=64),
        ),
        "native-fp8-block": lambda d: native_fp8(
            d,
            qwen3(EIGHT_BITS),
            float_quantized(block=(128, 128), input_width=128, suffix="weight_scale_inv"),
            activation_scheme="dynamic",
            weight_block_size=[128, 128],
        ),
        "native-fp8-static": lambda d: native_fp8(
            d, llama(EIGHT_BITS), float_quantized(static=True), activation_scheme="static"
        ),
        "mixed-precision": mixed,
        "gptq-actorder": lambda d: gptq_model(d, llama(FOUR_BITS), 4, 32, True, True, 1),
        "gptq-asymmetric": lambda d: gptq_model(d, qwen3(FOUR_BITS), 4, 32, False, False, 1, in_config=False),
        "gptq-v2-w8": lambda d: gptq_model(d, qwen2(), 8, 16, True, False, 2),
        "awq": lambda d: write(
            d,
            llama(FOUR_BITS),
            linears(awq(32)),
            dict(quant_method="awq", bits=4, group_size=32, zero_point=True, version="gemm", modules_to_not_convert=None),
        ),
    }
