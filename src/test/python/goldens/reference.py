"""What all golden models share: random weights, prompts, and greedy answers of transformers in float32."""

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)

VOCAB = 199
LENGTH = 32
# Shorter than any window, in the middle, and longer than windows, original rope lengths and prefill chunks.
PROMPT_LENGTHS = (5, 23, 70)
# A step whose best two logits are closer than this share of the largest could go either way in other arithmetic.
MIN_MARGIN = 2e-3
MIN_DIFFERENT_IDS = 10


def prompts(lengths=PROMPT_LENGTHS, vocab=VOCAB, seed=7):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, vocab, (n,), generator=generator) for n in lengths]


def randomize(model, seed, gain=1.0, embedding=1.0):
    """Weights with spread, of values that bfloat16 holds: matrices N(0, gain² / inputs), norms around one, the rest small.

    embedding is the deviation of embeddings: small where they are the output projection too, or a token would follow itself.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "embed_tokens" in name:
                value = embedding * noise
            elif p.dim() == 2:
                value = noise * gain / p.shape[1] ** 0.5
            elif "norm" in name:
                # A norm that adds one to its weight is born with zeros.
                value = p.mean().round() + 0.2 * noise
            else:
                value = 0.5 * noise
            p.copy_(value.to(torch.bfloat16).float())


def answer(model, prompt, length=LENGTH):
    """(logits after the prompt, greedy ids, smallest relative margin of a step), with a cache as generation has one."""
    ids, margin, first = [], float("inf"), None
    with torch.no_grad():
        out = model(prompt[None], use_cache=True)
        for _ in range(length):
            logits = out.logits[0, -1].float()
            first = logits if first is None else first
            top = logits.topk(2).values
            margin = min(margin, float((top[0] - top[1]) / logits.abs().max()))
            ids.append(int(logits.argmax()))
            out = model(torch.tensor([[ids[-1]]]), past_key_values=out.past_key_values, use_cache=True)
    return first, ids, margin


def answers(model, prompt_list):
    """Tensors of golden.safetensors (none if bad), smallest margin of a step, fewest different ids of a prompt."""
    tensors, margin, different = {}, float("inf"), LENGTH
    for i, prompt in enumerate(prompt_list):
        logits, ids, smallest = answer(model, prompt)
        if smallest < MIN_MARGIN or len(set(ids)) < MIN_DIFFERENT_IDS:
            return {}, smallest, len(set(ids))
        tensors[f"prompt.{i}"] = prompt.to(torch.int32)
        tensors[f"logits.{i}"] = logits
        tensors[f"ids.{i}"] = torch.tensor(ids, dtype=torch.int32)
        margin, different = min(margin, smallest), min(different, len(set(ids)))
    return tensors, margin, different


def is_decisive(margin, different):
    return margin >= MIN_MARGIN and different >= MIN_DIFFERENT_IDS


def write_golden(directory, tensors):
    save_file({k: v.contiguous() for k, v in tensors.items()}, directory / "golden.safetensors")
