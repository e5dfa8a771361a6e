"""Writes the golden outputs of the shipped checkpoint, computed in float32 on the CPU.

    python gold.py --data DATA_DIR --smoke CORPUS_DIR/smoke.jsonl --out TEST_RESOURCES_DIR
"""

import argparse
import json
import shutil
from pathlib import Path

import torch

from chat import MODEL_DIR
from evaluate import Greedy, SYSTEM, read
from tools import CALCULATOR, WEATHER

STEPS, TOP = 48, 5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--smoke", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    greedy = Greedy(MODEL_DIR, "cpu")
    user = lambda text: {"role": "user", "content": text}
    said = lambda text: {"role": "assistant", "content": text}
    call = {"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Lisbon"}}}
    chats = [
        ([user("What is the capital of France?")], None),
        ([SYSTEM, user("Tell me a story about a brave mouse.")], None),
        ([user("My name is Peter."), said("Nice to meet you, Peter! How can I help you?"), user("What is my name?")], None),
        ([user("What is the weather in Reykjavik in Celsius?")], [WEATHER, CALCULATOR]),
        ([SYSTEM, user("Compute 417 * 23.")], [WEATHER, CALCULATOR]),
        ([user("weather in Lisbon"), {"role": "assistant", "content": "", "tool_calls": [call]},
          {"role": "tool", "content": json.dumps({"city": "Lisbon", "temperature": 21, "condition": "sunny"})}], [WEATHER]),
    ]
    prompts = [("chat", {"messages": m, "tools": t}, greedy.template.render(m, t, add_generation_prompt=True)) for m, t in chats]
    prompts += [("text", None, "Once upon a time"), ("text", None, "The little boy looked at the sea and")]
    rows, ends = [], greedy.model.generation_config.eos_token_id
    for kind, conversation, text in prompts:
        ids = greedy.tokenizer.encode(text).ids
        made, first, margin, feed, cache = [], None, float("inf"), ids, None
        with torch.no_grad():
            while len(made) < STEPS and not (made and made[-1] in ends):
                result = greedy.model(torch.tensor([feed]), past_key_values=cache, use_cache=True)
                cache, logits = result.past_key_values, result.logits[0, -1]
                values, indices = (x.tolist() for x in logits.topk(TOP))
                first = first or [[i, round(v, 5)] for i, v in zip(indices, values)]
                margin = min(margin, values[0] - values[1])
                made.append(indices[0])
                feed = made[-1:]
        row = {"kind": kind, "prompt": text, "prompt_ids": ids, "first_step_top_logits": first, "greedy_ids": made,
               "smallest_margin": round(margin, 4), "greedy_text": greedy.tokenizer.decode(made, skip_special_tokens=False)}
        if conversation:
            row["conversation"] = conversation
        rows.append(row)
        print(kind, repr(row["greedy_text"])[:120])
    note = "greedy ids: at most 48, up to and with the end token; smallest_margin: least distance of the best two logits on the way; float32 arithmetic, weights dequantized to bfloat16"
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    text = f'{{"model": "quire-demo", "note": "{note}", "prompts": [\n{lines}\n]}}\n'
    (args.out / "quire-demo-gold.json").write_text(text, encoding="utf-8")
    shutil.copyfile(args.data / "held_out.jsonl", args.out / "quire-demo-tools.jsonl")
    shutil.copyfile(args.smoke, args.out / "quire-demo-smoke.jsonl")
    assert len(read(args.out / "quire-demo-tools.jsonl")) == 200


if __name__ == "__main__":
    main()
