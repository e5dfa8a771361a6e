"""Float weights to the shipped checkpoint: compressed-tensors `pack-quantized`, 8 bits, symmetric, groups of 128.

    python export.py --weights OUT_DIR/weights.safetensors [--model-dir MODEL_DIR]

The linear layers are rounded to the nearest; the embedding (which is also the output head) and the norms stay bfloat16.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from chat import MODEL_DIR
from model import Config

GROUP_SIZE = 128


def quantize(weight):
    """[N, K] float to (packed int32 [N, K/4], scale bf16 [N, K/128]): byte j of a word is column 4w + j, stored as q + 128."""
    n, k = weight.shape
    groups = weight.float().view(n, k // GROUP_SIZE, GROUP_SIZE)
    scale = (groups.abs().amax(-1, keepdim=True) / 127).clamp(min=1e-8).bfloat16()
    q = (groups / scale.float()).round().clamp(-128, 127).view(n, k)
    return (q + 128).to(torch.uint8).contiguous().view(torch.int32), scale.squeeze(-1)


def checkpoint(weights):
    tensors = {}
    for name, weight in weights.items():
        if not name.endswith("_proj.weight"):
            tensors[name] = weight.bfloat16()
            continue
        packed, scale = quantize(weight)
        tensors[name + "_packed"] = packed
        tensors[name + "_scale"] = scale
        tensors[name + "_shape"] = torch.tensor(weight.shape, dtype=torch.int64)
    return {k: v.contiguous() for k, v in tensors.items()}


def configuration(c, tokenizer_config):
    ids = {v["content"]: int(k) for k, v in tokenizer_config["added_tokens_decoder"].items()}
    weights = {
        "num_bits": 8, "type": "int", "symmetric": True, "strategy": "group", "group_size": GROUP_SIZE,
        "block_structure": None, "dynamic": False, "actorder": None, "observer": "minmax", "observer_kwargs": {},
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "head_dim": c.head_dim,
        "hidden_act": "silu",
        "hidden_size": c.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": c.intermediate_size,
        "max_position_embeddings": c.max_position_embeddings,
        "mlp_bias": False,
        "num_attention_heads": c.num_attention_heads,
        "num_hidden_layers": c.num_hidden_layers,
        "num_key_value_heads": c.num_key_value_heads,
        "rms_norm_eps": c.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": c.rope_theta,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": c.vocab_size,
        "quantization_config": {
            "quant_method": "compressed-tensors",
            "format": "pack-quantized",
            "quantization_status": "compressed",
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}},
            "ignore": ["lm_head"],
            "kv_cache_scheme": None,
        },
    }
    generation = {
        "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
        "pad_token_id": ids["<|endoftext|>"],
        "do_sample": True,
        "temperature": 0.6,
        "top_p": 0.9,
    }
    return config, generation


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR)
    args = parser.parse_args()
    save_file(checkpoint(load_file(args.weights)), args.model_dir / "model.safetensors", metadata={"format": "pt"})
    tokenizer_config = json.loads((args.model_dir / "tokenizer_config.json").read_text())
    for name, value in zip(("config.json", "generation_config.json"), configuration(Config(), tokenizer_config)):
        (args.model_dir / name).write_text(json.dumps(value, indent=2) + "\n")
    sizes = {p.name: p.stat().st_size for p in sorted(args.model_dir.iterdir())}
    print(sizes, sum(sizes.values()))


if __name__ == "__main__":
    main()
