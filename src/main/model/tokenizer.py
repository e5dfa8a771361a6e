"""Trains the byte-level BPE tokenizer and writes tokenizer.json and tokenizer_config.json.

    python tokenizer.py --corpus CORPUS_DIR
"""

import argparse
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from chat import MODEL_DIR

VOCAB_SIZE = 8192
CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# Not "special": a decoder that skips special tokens must still show a tool call.
MARKUP_TOKENS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>"]

# Digits stand alone, and only a lower-case word carries its leading space. A capitalised word (a name, a city)
# therefore has the same tokens in running text and behind a JSON quote, and copying it is copying tokens.
PATTERN = r"'(?:s|t|re|ve|m|ll|d)| ?\p{Ll}+|[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"


def training_texts(corpus):
    yield from (corpus / "books.txt").read_text(encoding="utf-8").split("<|endoftext|>")
    yield (corpus / "factbook.txt").read_text(encoding="utf-8")[:1_500_000]
    for name in ("chat.jsonl", "dialogs.jsonl", "dialogs_synthetic.jsonl"):
        for line in (corpus / name).read_text(encoding="utf-8").splitlines():
            for message in json.loads(line)["messages"]:
                yield message["role"] + "\n" + message["content"]
    rows = (corpus / "tools_hermes.jsonl").read_text(encoding="utf-8").splitlines()
    for line in random.Random(0).sample(rows, 300):
        for message in json.loads(line)["messages"]:
            text = message["role"] + "\n" + message["content"]
            for token in MARKUP_TOKENS:
                text = text.replace(token, "")
            yield text


def train(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(CONTROL_TOKENS) - len(MARKUP_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=16,
        show_progress=False,
    )
    tokenizer.train_from_iterator(training_texts(corpus), trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL_TOKENS])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in MARKUP_TOKENS])
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    return tokenizer


def write(tokenizer, out):
    compact = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(compact, encoding="utf-8")
    added = {}
    for token in CONTROL_TOKENS + MARKUP_TOKENS:
        added[str(tokenizer.token_to_id(token))] = {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token in CONTROL_TOKENS,
        }
    config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "model_max_length": 2048,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=Path, required=True)
    args = parser.parse_args()
    tokenizer = train(args.corpus)
    write(tokenizer, MODEL_DIR)
    print("vocabulary", tokenizer.get_vocab_size())
