"""Writes a GGUF file with random Q8_0 weights of the shape of a Hugging Face config.json, for llama.cpp.

    pip install gguf numpy
    python make_gguf.py ../resources/models/synthetic-1b/config.json synthetic-1b-q8_0.gguf
"""

import json
import sys

import gguf
import numpy as np

Q8 = gguf.GGMLQuantizationType.Q8_0


def main(config_path, out):
    config = json.load(open(config_path))
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    heads, kv_heads, head_dim = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    vocab = config["vocab_size"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    writer.add_vocab_size(vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    tokens += [f"w{i}" for i in range(vocab - len(tokens))]
    types += [gguf.TokenType.NORMAL] * (vocab - len(types))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * vocab)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    random = np.random.default_rng(1)

    def matrix(name, rows, cols):
        data = (random.standard_normal((rows, cols), dtype=np.float32) / cols**0.5).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(data, Q8), raw_dtype=Q8)

    def ones(name, n):
        writer.add_tensor(name, np.ones(n, dtype=np.float32))

    matrix("token_embd.weight", vocab, hidden)
    ones("output_norm.weight", hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"blk.{layer}."
        ones(at + "attn_norm.weight", hidden)
        ones(at + "ffn_norm.weight", hidden)
        matrix(at + "attn_q.weight", heads * head_dim, hidden)
        matrix(at + "attn_k.weight", kv_heads * head_dim, hidden)
        matrix(at + "attn_v.weight", kv_heads * head_dim, hidden)
        matrix(at + "attn_output.weight", hidden, heads * head_dim)
        matrix(at + "ffn_gate.weight", ffn, hidden)
        matrix(at + "ffn_up.weight", ffn, hidden)
        matrix(at + "ffn_down.weight", hidden, ffn)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main(*sys.argv[1:])
