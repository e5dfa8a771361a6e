"""Trains on one GPU for a given time and writes float weights (safetensors, bfloat16).

    python train.py --data DATA_DIR --out OUT_DIR --seconds 480

The learning rate is constant, then falls linearly to zero over the last part of the time; the mixture of pools moves
from books and generated text towards conversations. Matrices are trained with Muon (momentum, orthogonalised), the
embedding and the norms with AdamW.
"""

import argparse
import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from model import Config, Llama, document_mask

# Share of the tokens by pool, at the start and at the end.
MIXTURE = {
    "books": (0.16, 0.04), "facts": (0.03, 0.01), "known": (0.12, 0.17), "talk": (0.02, 0.02), "gsm8k": (0.03, 0.02),
    "stories": (0.09, 0.10), "copy": (0.07, 0.06), "arithmetic": (0.08, 0.08), "tool_rows": (0.06, 0.11), "tools": (0.34, 0.39),
}
# Weight of a counted token: calls are few tokens of their documents, running text is all of it.
TOKEN_WEIGHT = {"books": 0.5, "facts": 0.4, "known": 1.5, "talk": 1.0, "gsm8k": 0.6, "stories": 0.6, "copy": 1.5, "arithmetic": 1.5, "tool_rows": 2.0, "tools": 2.0}
LOSS = 0x8000


class Rows(torch.utils.data.IterableDataset):
    """Endless batches [rows, length + 1] of packed documents, with the documents' numbers."""

    def __init__(self, data, rows, length, progress, seed):
        self.data, self.rows, self.length, self.progress, self.seed = data, rows, length, progress, seed

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        names = [n for n in MIXTURE if (self.data / f"{n}.npz").exists()]
        pools = [self._documents(self.data / f"{n}.npz", rng) for n in names]
        while True:
            p = self.progress.value
            share = np.array([MIXTURE[n][0] * (1 - p) + MIXTURE[n][1] * p for n in names])
            ids = np.zeros((self.rows, self.length + 1), dtype=np.int16)
            documents = np.zeros((self.rows, self.length + 1), dtype=np.int16)
            weight = np.zeros((self.rows, self.length + 1), dtype=np.float32)
            for row in range(self.rows):
                # One pool fills one row, so shares of rows are shares of tokens.
                chosen = rng.choice(len(pools), p=share / share.sum())
                pool, value = pools[chosen], TOKEN_WEIGHT[names[chosen]]
                at, number = 0, 1
                while at < self.length:
                    document = next(pool)
                    document = document[: self.length + 1 - at]
                    end = at + len(document)
                    ids[row, at:end] = document & 0x7FFF
                    weight[row, at + 1 : end] = np.where(document[1:] >= LOSS, value, 0.0)
                    documents[row, at:end] = number
                    at, number = end, number + 1
            yield torch.from_numpy(ids), torch.from_numpy(documents), torch.from_numpy(weight)

    @staticmethod
    def _documents(path, rng):
        pool = np.load(path)
        tokens, ends = pool["tokens"], pool["ends"]
        starts = np.concatenate(([0], ends[:-1]))
        while True:
            for i in rng.permutation(len(ends)):
                yield tokens[starts[i] : ends[i]]


def orthogonalise(g):
    """Newton-Schulz iteration on a stack of matrices [N, rows, columns], rows <= columns (Jordan et al., Muon)."""
    x = g.bfloat16() if g.is_cuda else g
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.float()


class Muon:
    """Muon over matrices of equal shape stacked together; update scaled to the size of AdamW's (0.2 RMS)."""

    def __init__(self, parameters, weight_decay):
        self.weight_decay, groups = weight_decay, {}
        for p in parameters:
            groups.setdefault(tuple(sorted(p.shape)), []).append(p)
        self.groups = [(ps, torch.zeros(len(ps), *shape, device=ps[0].device)) for shape, ps in groups.items()]
        self.compute = torch.compile(orthogonalise, dynamic=False) if self.groups[0][1].is_cuda else orthogonalise

    @torch.no_grad()
    def step(self, lr, momentum):
        for ps, buffer in self.groups:
            gradient = torch.stack([p.grad if p.shape[0] <= p.shape[1] else p.grad.T for p in ps])
            buffer.lerp_(gradient, 1 - momentum)
            update = self.compute(gradient.lerp(buffer, momentum)) * (0.2 * max(buffer.shape[1:]) ** 0.5)
            torch._foreach_mul_(ps, 1 - lr * self.weight_decay)
            torch._foreach_add_(ps, [u if p.shape[0] <= p.shape[1] else u.T for p, u in zip(ps, update)], alpha=-lr)
            for p in ps:
                p.grad = None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=480, help="training time, compilation not counted")
    parser.add_argument("--deadline", type=float, default=1e9, help="seconds from the start at which training ends anyway")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--lr", type=float, default=4e-3, help="of the matrices")
    parser.add_argument("--embed-lr", type=float, default=3e-3)
    parser.add_argument("--decay", type=float, default=0.5, help="last part of the time, in which the learning rate falls")
    parser.add_argument("--from-weights", type=Path, help="continue from these weights")
    parser.add_argument("--from-progress", type=float, default=0.0, help="mixture and schedule start here")
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--tiny", action="store_true", help="a toy model, to try the script")
    args = parser.parse_args()
    begun = time.time()
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = Config(hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1) if args.tiny else Config()
    model = Llama(config).to(device)
    if args.from_weights:
        model.load_state_dict({k: v.float() for k, v in load_file(args.from_weights).items()})
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)

    progress = multiprocessing.Value("d", args.from_progress)
    loader = iter(torch.utils.data.DataLoader(Rows(args.data, args.rows, args.length, progress, 1), batch_size=None, num_workers=args.workers, pin_memory=device == "cuda", prefetch_factor=4 if args.workers else None))

    def batch():
        ids, documents, weight = (x.to(device, non_blocking=True) for x in next(loader))
        ids = ids.long()
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), weight[:, 1:].contiguous(), documents[:, :-1].int().contiguous()

    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() == 1]
    muon = Muon(matrices, weight_decay=0.1)
    adam = torch.optim.AdamW([{"params": [model.model.embed_tokens.weight], "base": args.embed_lr, "weight_decay": 0.01}, {"params": others, "base": args.embed_lr, "weight_decay": 0.0}],
                             lr=args.embed_lr, betas=(0.9, 0.98), eps=1e-10, fused=device == "cuda")
    forward = torch.compile(model, dynamic=False) if device == "cuda" else model

    flex = device == "cuda"
    step, start, tokens, shown = 0, None, 0, 0
    total = torch.zeros((), device=device)
    while True:
        now = time.time()
        p = args.from_progress + (1 - args.from_progress) * ((now - start) / args.seconds if start else 0.0)
        if p >= 1 or now - begun > args.deadline:
            break
        progress.value = p
        scale = min(1.0, (step + 1) / 100, (1 - p) / args.decay)
        ids, targets, weight, documents = batch()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=flex):
            loss = forward(ids, targets, weight, document_mask(documents, flex))
        loss.backward()
        # The float32 gradient of the tied embedding holds both of its roles.
        torch.nn.utils.clip_grad_norm_(model.model.embed_tokens.weight, 1.0)
        muon.step(args.lr * scale, momentum=min(0.95, 0.85 + step / 3000))
        for group in adam.param_groups:
            group["lr"] = group["base"] * scale
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        total += loss.detach()
        if step % 10 == 0 and flex:
            torch.cuda.synchronize()
        if start is None and step == 5:
            if flex:
                torch.cuda.synchronize()
            start = time.time()
            print(f"compiled in {start - begun:.0f} s", flush=True)
        elif start:
            tokens += ids.numel()
        if step % 200 == 0 or (not flex and step % 10 == 0):
            print(f"step {step} progress {p:.3f} loss {total.item() / (step - shown):.4f} lr {args.lr * scale:.2e} {tokens / max(1e-9, time.time() - start) / 1e6:.2f} M tokens/s", flush=True)
            total.zero_()
            shown = step
    print(f"{step} steps, {tokens / 1e6:.0f} M tokens in {time.time() - start:.0f} s", flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().bfloat16().cpu().contiguous() for k, v in model.state_dict().items()}, args.out / "weights.safetensors")


if __name__ == "__main__":
    main()
