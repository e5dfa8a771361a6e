"""Golden models of the KV cache in FP8: K (after rope) and V are rounded to E4M3 when they are cached, with a layer's scales."""

import json

import torch
import transformers
from safetensors.torch import save_file

from goldens import reference
from goldens.architectures import SHAPE

# Where these directories go: the test of all golden models does not run them, as they want --kv-cache-dtype fp8.
ROOT = "goldens-kv"

# Of two layers: some keys of the first saturate, most values of the second are subnormal or nearly so.
KEY_SCALES = (0.0047, 0.0313)
VALUE_SCALES = (0.0071, 0.0517)
MAX_ROUNDING_NOISE = 1e-3


class Fp8Cache(transformers.DynamicCache):
    """Holds scale · e4m3(x / scale); with noise, what other arithmetic before the rounding would make of it."""

    def __init__(self, noise):
        super().__init__()
        self.noise = noise

    def rounded(self, x, scale):
        scale = torch.tensor(scale, dtype=torch.float32)
        if self.noise:
            x = x * (1 + self.noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(1)))
        codes = (x / scale).clamp(-448, 448).to(torch.float8_e4m3fn)
        return codes.float() * scale

    def update(self, key_states, value_states, layer_idx, *args, **kwargs):
        key_states = self.rounded(key_states, KEY_SCALES[layer_idx])
        value_states = self.rounded(value_states, VALUE_SCALES[layer_idx])
        return super().update(key_states, value_states, layer_idx, *args, **kwargs)


def with_fp8_cache(model, noise=0.0):
    """The model as reference.answer calls it, each new sequence with such a cache."""

    def run(ids, past_key_values=None, use_cache=True):
        cache = Fp8Cache(noise) if past_key_values is None else past_key_values
        return model(ids, past_key_values=cache, use_cache=use_cache)

    return run


def differ(a, b):
    """How far logits are apart, as a share of the largest; infinite when ids differ."""
    if any(not torch.equal(a[k], b[k]) for k in a if k.startswith("ids")):
        return float("inf")
    return max(float((a[k] - b[k]).abs().max() / a[k].abs().max()) for k in a if k.startswith("logits"))


def write_llama(directory):
    config = transformers.LlamaConfig(**SHAPE, rope_parameters={"rope_type": "default", "rope_theta": 500000.0})
    config._attn_implementation = "eager"
    prompt_list = reference.prompts()
    for seed in range(400):
        torch.manual_seed(seed)
        model = transformers.LlamaForCausalLM(config).eval().float()
        reference.randomize(model, seed)
        tensors, margin, different = reference.answers(with_fp8_cache(model), prompt_list)
        if not reference.is_decisive(margin, different):
            continue
        # A value on the border of two codes goes to the other in other arithmetic: that must not matter.
        noisy = reference.answers(with_fp8_cache(model, 1e-6), prompt_list)[0]
        if differ(tensors, noisy) < MAX_ROUNDING_NOISE:
            break
    else:
        raise SystemExit(f"{directory.name}: no seed gives decisive answers")
    exact = reference.answers(model, prompt_list)[0]
    apart = min(float((tensors[k] - exact[k]).abs().max() / exact[k].abs().max()) for k in exact if k.startswith("logits"))
    reference.write_golden(directory, tensors)
    state = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()}
    for i, (k, v) in enumerate(zip(KEY_SCALES, VALUE_SCALES)):
        state[f"model.layers.{i}.self_attn.k_scale"] = torch.tensor([k], dtype=torch.float32)
        state[f"model.layers.{i}.self_attn.v_scale"] = torch.tensor([v], dtype=torch.float32)
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    entries = config.to_dict()
    entries["architectures"] = ["LlamaForCausalLM"]
    entries["dtype"] = "bfloat16"
    for key in [k for k in entries if k.startswith("_")]:
        del entries[key]
    (directory / "config.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(
        f"{directory.name}: seed {seed}, margin {margin:.4f}, {different} different ids, "
        f"{differ(tensors, noisy):.1e} by noise, {apart:.1e} from an exact cache"
    )


def all():
    return {"llama-fp8": write_llama}
