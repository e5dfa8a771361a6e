"""Golden models of the architectures: one directory a family, or a switch of it."""

import json

import torch
import transformers
from safetensors.torch import save_file

from goldens import reference

transformers.logging.set_verbosity_error()

# Three query heads share one KV head, and a head is wider than hidden / heads.
SHAPE = dict(
    vocab_size=reference.VOCAB,
    hidden_size=48,
    intermediate_size=56,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=128,
    pad_token_id=None,
    bos_token_id=None,
    eos_token_id=None,
)


def write(directory, model_class, config, gain=1.0, lengths=reference.PROMPT_LENGTHS, edit=None, rename=None, limit=None):
    """Searches the seed whose greedy answers are decisive, and writes model and answers.

    edit changes config.json as a dictionary, rename the names of tensors; limit is the max_model_len to run with.
    """
    config._attn_implementation = "eager"
    prompt_list = reference.prompts(lengths)
    for seed in range(400):
        torch.manual_seed(seed)
        model = model_class(config).eval().float()
        reference.randomize(model, seed, gain)
        tensors, margin, different = reference.answers(model, prompt_list)
        if reference.is_decisive(margin, different):
            break
    else:
        raise SystemExit(f"{directory.name}: no seed gives decisive answers")
    if limit is not None:
        tensors["max_model_len"] = torch.tensor([limit], dtype=torch.int32)
    reference.write_golden(directory, tensors)
    state = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.get_text_config().tie_word_embeddings:
            continue
        state[rename(name) if rename else name] = tensor.to(torch.bfloat16).contiguous()
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    entries = config.to_dict()
    entries["architectures"] = [model_class.__name__]
    entries["dtype"] = "bfloat16"
    if edit:
        edit(entries)
    for key in [k for k in entries if k.startswith("_")]:
        del entries[key]
    (directory / "config.json").write_text(json.dumps(entries, indent=1) + "\n")
    print(f"{directory.name}: seed {seed}, margin {margin:.4f}, {different} different ids")


def model_of(name, config_name=None, **more):
    """A writer for a transformers class with SHAPE and these entries."""
    options = {k: more.pop(k) for k in ("gain", "lengths", "edit", "rename", "limit") if k in more}
    return lambda directory: write(
        directory,
        getattr(transformers, name),
        getattr(transformers, config_name or name.replace("ForCausalLM", "Config"))(**{**SHAPE, **more}),
        **options,
    )


def all():
    return {
        "llama": model_of("LlamaForCausalLM", rope_parameters={"rope_type": "default", "rope_theta": 500000.0}),
    }
