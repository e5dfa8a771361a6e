"""Makes the two small tokenizers that the tests run on, and what the reference library says about them.

    pip install tokenizers && python make_fixtures.py

byte-level:    byte-level BPE with a ChatML frame, no beginning-of-sequence token (the GPT-2, Llama 3, Qwen kind)
byte-fallback: BPE over characters with byte tokens and ▁ for the space (the Llama 2, Mistral kind)
"""

import json
import os

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """
The printer gathers the sheets into quires, and the binder sews the quires into a book. A quire is four sheets, folded
once, so it has sixteen pages. When the sheets are dry, they are counted again, because a missing sheet is found late.
In the morning the shop is quiet. In the evening there is the smell of ink and the sound of the press.
Who reads a book reads many quires and sees only pages. What is the capital of France? The capital of France is Paris.
def fold(sheet, times):
    for i in range(times):
        sheet = sheet[: len(sheet) // 2]
    return sheet
{"name": "quire", "pages": 16, "sheets": [1, 2, 3, 4]}
Der Drucker legt die Bögen zusammen, und der Buchbinder näht sie. Où est la bibliothèque ? El papel está seco.
Книга лежит на столе. 本は机の上にあります。书在桌子上。 αβγδ ελληνικά
"""

SAMPLES = [
    "", "a", " ", "  ", "   a", "a ", "\n", "\n\n", "a\n\nb\n", "\t", "Hello, world!", " Hello", "The binder sews the quires.",
    "What is the capital of France?", "naïve café Ünïcödé", "e\u0301 combining", "本は机の上にあります。", "书在桌子上", "한국어 문장",
    "Книга на столе", "🙂", "a🙂b", "🙂🙃", "👩‍👩‍👧‍👦 family", "🇫🇷🇩🇪", "x👍🏽y", "zero\u200bwidth", "nul\x00in", "\ufeffbom", "\U0010ffff",
    "<0x0A>", "▁", "a▁b", "Ġ", "<|im_start|>user\nHi<|im_end|>\n", "<tool> x </tool>", "</s>", "<s>a</s>", "<s> a", "don't  stop",
    "for i in range(10):\n    print(i)\n", "   leading", "trailing   ", "\r\n", "1234567890", "ÿþý", "\u0085\u00a0", "𝔘𝔫𝔦",
]


def vectors(tokenizer):
    rows = []
    for text in SAMPLES:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({
            "text": text,
            "ids": tokenizer.encode(text, add_special_tokens=True).ids,
            "ids_no_special": plain,
            "decoded": tokenizer.decode(plain, skip_special_tokens=False),
            "decoded_skip_special": tokenizer.decode(plain, skip_special_tokens=True),
        })
    return {"vectors": rows}


def save(name, tokenizer, config):
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    os.makedirs(here, exist_ok=True)
    for file, content in (
        ("tokenizer.json", json.loads(tokenizer.to_str())),
        ("tokenizer_config.json", config),
        ("vectors.json", vectors(tokenizer)),
    ):
        with open(os.path.join(here, file), "w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False, separators=(",", ":"))
            out.write("\n")


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    tokenizer.add_tokens([AddedToken("<tool>", special=False), AddedToken("</tool>", special=False)])
    save("byte-level", tokenizer, {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": {"content": "<|endoftext|>", "lstrip": False, "normalized": False, "rstrip": False,
                      "single_word": False, "special": True},
        "model_max_length": 1000000000000000019884624838656,
        "clean_up_tokenization_spaces": False,
        "chat_template": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}",
    })


def byte_fallback():
    specials = ["<unk>", "<s>", "</s>"]
    byte_tokens = [f"<0x{b:02X}>" for b in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=specials,
        limit_alphabet=60,
        show_progress=False,
    )
    trained.train_from_iterator(TEXT.splitlines(), trainer)
    learned = json.loads(trained.to_str())["model"]
    pieces = specials + byte_tokens + [p for p in learned["vocab"] if p not in specials]
    tokenizer = Tokenizer(models.BPE(
        vocab={piece: i for i, piece in enumerate(pieces)},
        merges=[tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in learned["merges"]],
        unk_token="<unk>", fuse_unk=True, byte_fallback=True,
    ))
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in specials])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0),
    ])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    save("byte-fallback", tokenizer, {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": {"content": "<s>"},
        "eos_token": {"content": "</s>"},
        "unk_token": "<unk>",
        "pad_token": None,
        "add_bos_token": True,
        "add_eos_token": False,
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
    })


byte_level()
byte_fallback()
