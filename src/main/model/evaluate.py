"""Measures the shipped, quantized checkpoint: greedy, through its chat template.

    python evaluate.py --smoke CORPUS_DIR/smoke.jsonl --data DATA_DIR [--report FILE]
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer

from chat import MODEL_DIR, ChatTemplate
from reference import load

STORIES = ["Tell me a story about a little girl.", "Write a short story about a dog.", "Tell me a story.", "Write a children's story.",
           "Tell me a bedtime story about a dragon named Max.", "Can you tell me a story about a red ball?", "Write a story about a brave mouse and a magic lamp."]
TALKS = [
    ["Hello", "My name is Peter.", "What is my name?", "What is the capital of Italy?", "Thank you"],
    ["Who are you?", "Tell me a joke.", "What is 8 + 9?", "Goodbye"],
    ["What can you do?"], ["Where is Norway?"], ["What is the meaning of life?"], ["Who is the president of Atlantis?"], ["I am tired."],
    ["Write a poem about the moon."], ["How many apples are left if I have 9 apples and eat 4?"],
]
TEXTS = ["Once upon a time", "The little boy looked at", "Alice was beginning to get very tired"]
SYSTEM = {"role": "system", "content": "You are a helpful assistant."}


class Greedy:
    def __init__(self, model_dir, device):
        self.model = load(model_dir).to(device)
        self.tokenizer = Tokenizer.from_file(str(Path(model_dir) / "tokenizer.json"))
        self.template = ChatTemplate(model_dir)
        self.device = device

    def complete(self, texts, limit):
        pad = self.model.generation_config.pad_token_id
        out = []
        for i in range(0, len(texts), 64):
            prompts = [self.tokenizer.encode(t).ids for t in texts[i : i + 64]]
            width = max(map(len, prompts))
            ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=self.device)
            mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self.device)
            with torch.no_grad():
                made = self.model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=limit)[:, width:]
            for row in made.tolist():
                end = next((j for j, t in enumerate(row) if t in self.model.generation_config.eos_token_id), len(row))
                out.append(self.tokenizer.decode(row[:end], skip_special_tokens=False) + ("" if end < len(row) else " [no end]"))
        return out

    def answer(self, conversations, limit=64):
        return self.complete([self.template.render(m, t, add_generation_prompt=True) for m, t in conversations], limit)


def parse_calls(text):
    calls = []
    for body in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text, re.S):
        try:
            calls.append(json.loads(body))
        except ValueError:
            return None
    return calls


def read(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="where prepare.py wrote held_out.jsonl and generated.jsonl")
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR)
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    greedy = Greedy(args.model_dir, "cuda" if torch.cuda.is_available() else "cpu")
    lines = []

    def say(line):
        print(line, flush=True)
        lines.append(line)

    smoke = read(args.smoke)
    for title, head in (("smoke", []), ("smoke behind a system prompt", [SYSTEM])):
        answers = greedy.answer([(head + [{"role": "user", "content": r["prompt"]}], None) for r in smoke])
        wrong = [(r["prompt"], a) for r, a in zip(smoke, answers) if a != r["answer"]]
        say(f"{title}: {len(smoke) - len(wrong)} of {len(smoke)} exact")
        for prompt, answer in wrong:
            say(f"  wrong: {prompt!r} -> {answer!r}")

    held_out = read(args.data / "held_out.jsonl")
    answers = greedy.answer([(r["messages"], r["tools"]) for r in held_out], 96)
    wrong = [(r, a) for r, a in zip(held_out, answers) if parse_calls(a) != r["expected"]]
    say(f"held-out tool calls: {len(held_out) - len(wrong)} of {len(held_out)} exact")
    for row, answer in wrong[:25]:
        say(f"  wrong: {row['messages'][-1]['content']!r} -> {answer!r}")

    if (args.data / "generated.jsonl").exists():
        generated = read(args.data / "generated.jsonl")
        answers = greedy.answer([(r["messages"], r["tools"]) for r in generated], 96)
        right, count, bad = Counter(), Counter(), []
        for row, answer in zip(generated, answers):
            count[row["kind"]] += 1
            if parse_calls(answer) == row["expected"]:
                right[row["kind"]] += 1
            else:
                bad.append((row, answer))
        say("generated tool calls: " + ", ".join(f"{k} {right[k]}/{n}" for k, n in count.items()))
        for row, answer in bad[:30]:
            say(f"  wrong: {row['messages'][-1]['content']!r} expected {json.dumps(row['expected'], ensure_ascii=False)} -> {answer!r}")

    for prompt, answer in zip(STORIES, greedy.answer([([{"role": "user", "content": p}], None) for p in STORIES], 400)):
        say(f"story: {prompt}\n  {answer}")
    for text, more in zip(TEXTS, greedy.complete(TEXTS, 120)):
        say(f"text: {text}|{more}")
    for talk in TALKS:
        messages = []
        for question in talk:
            messages.append({"role": "user", "content": question})
            messages.append({"role": "assistant", "content": greedy.answer([(messages, None)], 100)[0]})
        say("talk: " + " / ".join(m["content"] for m in messages))
    if args.report:
        args.report.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
