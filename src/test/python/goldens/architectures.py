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


def write(directory, model_class, config, gain=1.5, lengths=reference.PROMPT_LENGTHS, edit=None, rename=None, limit=None):
    """Searches the seed whose greedy answers are decisive, and writes model and answers.

    edit changes config.json as a dictionary, rename the names of tensors; limit is the max_model_len to run with.
    """
    config._attn_implementation = "eager"
    prompt_list = reference.prompts(lengths)
    text = config.get_text_config()
    scale = getattr(text, "embedding_multiplier", text.hidden_size**0.5 if "gemma" in text.model_type else 1)
    embedding = (0.2 if text.tie_word_embeddings else 1) * getattr(text, "residual_multiplier", 1) / scale
    for seed in range(400):
        model = model_class(config).eval().float()
        reference.randomize(model, seed, gain, embedding)
        tensors, margin, different = reference.answers(model, prompt_list)
        if seed % 25 == 24:
            print(f"{directory.name}: still looking, seed {seed}, margin {margin:.4f}, {different} different ids", flush=True)
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


# Narrow, for models whose pattern of layers needs many.
NARROW = dict(hidden_size=24, intermediate_size=40)

# Each rope reaches from less than a prompt to more than any; 0.5 Hz would not tell a wrong factor from a right one.
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=32)


def older(*keys):
    """config.json as transformers 4 wrote it: rope_theta beside rope_scaling, torch_dtype, and without some keys."""

    def edit(entries):
        rope = entries.pop("rope_parameters")
        entries["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            entries["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        entries["rope_scaling"] = rope if rope.get("rope_type", "default") != "default" else None
        entries["torch_dtype"] = entries.pop("dtype")
        for key in keys:
            entries.pop(key, None)

    return edit


def older_gemma3(entries):
    rope = entries.pop("rope_parameters")
    entries["rope_theta"] = rope["full_attention"].pop("rope_theta")
    entries["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    entries["rope_scaling"] = rope["full_attention"]
    entries["sliding_window_pattern"] = 3
    entries["torch_dtype"] = entries.pop("dtype")
    del entries["layer_types"]


def older_olmo3(entries):
    rope = entries.pop("rope_parameters")
    entries["rope_theta"] = rope["full_attention"].pop("rope_theta")
    entries["rope_scaling"] = rope["full_attention"]
    entries["torch_dtype"] = entries.pop("dtype")


def longrope(dim, **more):
    half = dim // 2
    return dict(
        rope_type="longrope",
        rope_theta=10000.0,
        short_factor=[1.0 + 0.05 * j for j in range(half)],
        long_factor=[1.5 + 0.75 * j for j in range(half)],
        original_max_position_embeddings=32,
        **more,
    )


def phi3(directory, **more):
    # Phi-3 has heads of hidden / heads.
    shape = dict(hidden_size=48, intermediate_size=40, num_hidden_layers=2, num_attention_heads=6, tie_word_embeddings=True)
    options = {k: more.pop(k) for k in ("lengths", "limit", "edit") if k in more}
    entries = {k: v for k, v in {**SHAPE, **shape, **more}.items() if k != "head_dim"}
    config = transformers.Phi3Config(**entries)
    write(directory, transformers.Phi3ForCausalLM, config, **options)


def multimodal_gemma3(directory):
    """The text of a checkpoint that sees images too, as transformers 5 names its tensors; what it sees with is left out."""
    text = transformers.Gemma3TextConfig(
        **{**SHAPE, **NARROW, "num_hidden_layers": 3}, query_pre_attn_scalar=24, sliding_window=16,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
    )

    def wrap(entries):
        inner = dict(entries, model_type="gemma3_text")
        for key in ("architectures", "dtype", "tie_word_embeddings", "transformers_version"):
            inner.pop(key, None)
        kept = {k: entries[k] for k in ("dtype", "tie_word_embeddings", "transformers_version")}
        entries.clear()
        entries.update(kept, architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", text_config=inner)

    write(
        directory, transformers.Gemma3ForCausalLM, text, edit=wrap,
        rename=lambda name: name.replace("model.", "model.language_model.", 1),
    )


def multimodal_ministral3(directory):
    text = transformers.Ministral3Config(
        **{**SHAPE, "tie_word_embeddings": True},
        rope_parameters=dict(
            rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0,
            mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3, max_position_embeddings=128,
        ),
    )

    def wrap(entries):
        inner = dict(entries)
        for key in ("architectures", "dtype", "tie_word_embeddings", "transformers_version"):
            inner.pop(key, None)
        kept = {k: entries[k] for k in ("dtype", "tie_word_embeddings", "transformers_version")}
        entries.clear()
        entries.update(kept, architectures=["Mistral3ForConditionalGeneration"], model_type="mistral3", text_config=inner)

    write(
        directory, transformers.Ministral3ForCausalLM, text, edit=wrap,
        rename=lambda name: "language_model." + name,
    )


def granite_hybrid(directory):
    """Granite 4's class without Mamba layers and experts, and without positions."""
    config = transformers.GraniteMoeHybridConfig(
        **{k: v for k, v in SHAPE.items() if k not in ("head_dim", "intermediate_size")},
        intermediate_size=40, shared_intermediate_size=40, num_local_experts=0, num_experts_per_tok=0,
        layer_types=["full_attention"] * 2, position_embedding_type="nope", tie_word_embeddings=True,
        embedding_multiplier=12.0, attention_multiplier=0.25, residual_multiplier=0.5, logits_scaling=3.0,
        mamba_n_heads=6,
    )
    write(directory, transformers.GraniteMoeHybridForCausalLM, config)


def all():
    granite = dict(embedding_multiplier=12.0, attention_multiplier=0.5, residual_multiplier=0.22, logits_scaling=6.0)
    return {
        "llama": model_of("LlamaForCausalLM", rope_parameters=LLAMA3),
        "llama-older": model_of(
            "LlamaForCausalLM", attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0), edit=older("head_dim"), head_dim=8,
        ),
        "llama-dynamic": model_of(
            "LlamaForCausalLM", rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0),
            tie_word_embeddings=True,
        ),
        "mistral": model_of("MistralForCausalLM", sliding_window=16, head_dim=64, num_attention_heads=3,
                            num_key_value_heads=1, hidden_size=24, tie_word_embeddings=True),
        "ministral": model_of("MinistralForCausalLM", sliding_window=16, tie_word_embeddings=True,
                              layer_types=["full_attention", "sliding_attention"]),
        "ministral3": multimodal_ministral3,
        "granite": model_of("GraniteForCausalLM", tie_word_embeddings=True, attention_bias=True, head_dim=8,
                            rope_parameters=dict(rope_type="default", rope_theta=1e7), edit=older(), **granite),
        "granite-hybrid": granite_hybrid,
        "granite-swa": model_of(
            "GraniteSWAForCausalLM", "GraniteSWAConfig", **NARROW, num_hidden_layers=4, sliding_window=16, head_dim=8,
            layer_rope_theta=[0, 10000.0, 10000.0, 500000.0], **granite,
        ),
        "qwen2": model_of("Qwen2ForCausalLM", use_sliding_window=True, sliding_window=16, max_window_layers=1,
                          rope_parameters=YARN, edit=older("layer_types")),
        "qwen3": model_of("Qwen3ForCausalLM", rope_parameters=dict(rope_type="default", rope_theta=1e6)),
        "qwen3-yarn": model_of(
            "Qwen3ForCausalLM", tie_word_embeddings=True, attention_bias=True,
            rope_parameters=dict(YARN, rope_theta=100.0, truncate=False, attention_factor=1.3, beta_fast=16.0, beta_slow=2.0),
        ),
        "phi3": lambda d: phi3(d, rope_parameters=longrope(8), original_max_position_embeddings=32, lengths=(33, 40, 70)),
        "phi3-short": lambda d: phi3(
            d, rope_parameters=longrope(6, partial_rotary_factor=0.75), lengths=(5, 23, 61), limit=96, sliding_window=20,
            max_position_embeddings=256, original_max_position_embeddings=96, edit=older(),
        ),
        "gemma2": model_of("Gemma2ForCausalLM", sliding_window=16, query_pre_attn_scalar=24, attn_logit_softcapping=2.0,
                           final_logit_softcapping=5.0, edit=older("layer_types", "tie_word_embeddings")),
        "gemma3": model_of(
            "Gemma3ForCausalLM", "Gemma3TextConfig", **NARROW, num_hidden_layers=6, sliding_window=16,
            query_pre_attn_scalar=24, edit=older_gemma3,
            layer_types=(["sliding_attention"] * 2 + ["full_attention"]) * 2,
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0),
                sliding_attention=dict(rope_type="default", rope_theta=1e4),
            ),
        ),
        "gemma3-multimodal": multimodal_gemma3,
        "olmo2": model_of("Olmo2ForCausalLM", tie_word_embeddings=True, head_dim=8),
        "olmo3": model_of(
            "Olmo3ForCausalLM", **NARROW, num_hidden_layers=4, sliding_window=16, tie_word_embeddings=True, edit=older_olmo3,
            head_dim=8,
            rope_parameters=dict(full_attention=dict(YARN, rope_theta=5e5),
                                 sliding_attention=dict(rope_type="default", rope_theta=5e5)),
        ),
        "glm": model_of("GlmForCausalLM"),
        "glm4": model_of("Glm4ForCausalLM", tie_word_embeddings=True, attention_bias=False, edit=older()),
        "smollm3": model_of("SmolLM3ForCausalLM", **NARROW, num_hidden_layers=4, head_dim=8, edit=older("no_rope_layers")),
    }
