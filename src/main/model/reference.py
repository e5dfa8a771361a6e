"""The shipped checkpoint under transformers, bfloat16 weights and float32 arithmetic: read, unpacked and dequantized independently of export.py."""

import json
import struct
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM


def read_safetensors(path):
    """name -> (dtype, numpy array); bfloat16 comes back as float32."""
    data = Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + size + begin : 8 + size + end]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(raw, {"I32": "<i4", "I64": "<i8", "F32": "<f4"}[entry["dtype"]])
        out[name] = (entry["dtype"], array.reshape(entry["shape"]))
    return out


def dequantized(path, weights):
    """Every parameter, rounded to bfloat16 and kept in float32; `weights` is the quantization scheme of config.json."""
    bits, group_size = weights["num_bits"], weights["group_size"]
    assert weights["symmetric"] and weights["strategy"] == "group"
    tensors, out = read_safetensors(path), {}
    for name, (dtype, array) in tensors.items():
        if name.endswith("_packed"):
            base = name.removesuffix("_packed")
            n, k = tensors[base + "_shape"][1].tolist()
            assert dtype == "I32" and tensors[base + "_shape"][0] == "I64" and tensors[base + "_scale"][0] == "BF16"
            words = array.view(np.uint32)
            columns = np.arange(k)
            per_word = 32 // bits
            stored = (words[:, columns // per_word] >> (bits * (columns % per_word)).astype(np.uint32)) & ((1 << bits) - 1)
            q = stored.astype(np.int32) - (1 << (bits - 1))
            scale = tensors[base + "_scale"][1]
            assert scale.shape == (n, k // group_size)
            exact = q.astype(np.float32) * scale[:, columns // group_size]
            # As transformers decompresses it: into the checkpoint's dtype.
            out[base] = torch.from_numpy(exact).bfloat16().float().numpy()
        elif not name.endswith(("_scale", "_shape")):
            assert dtype == "BF16"
            out[name] = array
    return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in out.items()}


def load(model_dir):
    config = json.loads((Path(model_dir) / "config.json").read_text())
    scheme = config.pop("quantization_config")
    model = LlamaForCausalLM(LlamaConfig(**config)).float()
    state = dequantized(Path(model_dir) / "model.safetensors", scheme["config_groups"]["group_0"]["weights"])
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    model.generation_config.eos_token_id = json.loads((Path(model_dir) / "generation_config.json").read_text())["eos_token_id"]
    model.generation_config.pad_token_id = config["pad_token_id"]
    return model.eval()
