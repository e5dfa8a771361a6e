"""Turns the corpus and the generated conversations into token pools for train.py.

    python prepare.py --corpus CORPUS_DIR --out DATA_DIR [--scale 1.0]

Each pool is an .npz of `tokens` (uint16; bit 15 marks a token that counts in the loss) and `ends` (int64, one per
document). Two hundred tool rows whose cities and expressions appear in no tool conversation of the training data are
written to held_out.jsonl.
"""

import argparse
import json
import multiprocessing
import random
import re
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from chat import MODEL_DIR, ChatTemplate
from stories import Stories
from strings import Strings
from tools import SYSTEMS, Tools

COUNTS = {"tools": 240_000, "stories": 36_000, "copy": 40_000, "arithmetic": 60_000}
HELD_OUT_CITIES, HELD_OUT_EXPRESSIONS, HELD_OUT_ROWS = 36, 140, 200
LOSS = np.uint16(0x8000)
MAX_LENGTH = 2048


# --- the corpus ---------------------------------------------------------------------------------------------

def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parse_tool_row(row):
    """A Hermes row as (messages, tools) in the OpenAI form."""
    system = row["messages"][0]["content"]
    listed = re.search(r"<tools>\n(.*?)\n</tools>", system, re.S).group(1)
    messages = [{"role": "system", "content": system.split("\n\n# Tools")[0]}]
    for message in row["messages"][1:]:
        content = message["content"]
        calls = re.findall(r"<tool_call>\n(.*?)\n</tool_call>", content, re.S)
        results = re.findall(r"<tool_response>\n(.*?)\n</tool_response>", content, re.S)
        if calls and message["role"] == "assistant":
            functions = [json.loads(c) for c in calls]
            messages.append({"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": f} for f in functions]})
        elif results:
            messages += [{"role": "tool", "content": r} for r in results]
        else:
            messages.append(message)
    return messages, [json.loads(t) for t in listed.split("\n")]


def calls_of(messages):
    return [c["function"] for m in messages for c in m.get("tool_calls", [])]


def split_tools(rows, rng):
    """Holds out cities and expressions, not rows: (training rows, 200 held-out rows, cities, held-out values)."""
    parsed = [parse_tool_row(r) for r in rows]
    cities, expressions, queries = set(), set(), ""
    for messages, _ in parsed:
        for call in calls_of(messages):
            arguments = call["arguments"]
            if "city" in arguments:
                cities.add(arguments["city"])
            if "expression" in arguments:
                expressions.add(arguments["expression"])
            queries += arguments.get("query", "") + " "
    free = [c for c in sorted(cities) if c not in queries]
    held = set(rng.sample(free, HELD_OUT_CITIES)) | set(rng.sample(sorted(expressions), HELD_OUT_EXPRESSIONS))
    training, with_city, with_expression = [], [], []
    for messages, tools in parsed:
        values = {v for c in calls_of(messages) for v in c["arguments"].values()}
        if not values & held:
            training.append((messages, tools))
        elif values <= held | {"celsius", "fahrenheit"}:
            first = next(i for i, m in enumerate(messages) if m["role"] == "assistant")
            row = {"messages": messages[:first], "tools": tools, "expected": calls_of(messages[: first + 1])}
            (with_expression if "expression" in row["expected"][0]["arguments"] else with_city).append(row)
    rng.shuffle(with_city)
    rng.shuffle(with_expression)
    half = HELD_OUT_ROWS // 2
    return training, with_city[:half] + with_expression[:half], cities - held, held


def normalized(text):
    return re.sub(r"[^a-z0-9+*/ -]", "", text.lower()).strip()


# --- documents ----------------------------------------------------------------------------------------------

class Encoder:
    def __init__(self):
        self.tokenizer = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
        self.template = ChatTemplate()
        self.im_start, self.im_end = (self.tokenizer.token_to_id(t) for t in ("<|im_start|>", "<|im_end|>"))
        self.end_of_text = self.tokenizer.token_to_id("<|endoftext|>")
        header = self.tokenizer.encode("<|im_start|>assistant\n").ids
        assert len(header) == 3
        self.header = np.array(header, dtype=np.uint16)

    def chats(self, conversations):
        """Conversations to token arrays; only what the assistant says counts in the loss."""
        texts = [self.template.render(m, t) for m, t in conversations]
        out = []
        for encoding in self.tokenizer.encode_batch(texts):
            ids = np.array(encoding.ids, dtype=np.uint16)
            if len(ids) > MAX_LENGTH:
                continue
            h = self.header
            starts = np.flatnonzero((ids[:-2] == h[0]) & (ids[1:-1] == h[1]) & (ids[2:] == h[2])) + 3
            ends = np.flatnonzero(ids == self.im_end)
            for start in starts:
                ids[start : ends[np.searchsorted(ends, start)] + 1] |= LOSS
            out.append(ids)
        return out

    def texts(self, texts, chunk=None):
        """Running text, all of it in the loss; long texts are cut."""
        out = []
        for encoding in self.tokenizer.encode_batch(texts):
            ids = np.array(encoding.ids + [self.end_of_text], dtype=np.uint16) | LOSS
            for i in range(0, len(ids), chunk or MAX_LENGTH):
                piece = ids[i : i + (chunk or MAX_LENGTH)]
                if len(piece) > 16:
                    out.append(piece)
        return out


def save(out, name, make, only):
    if only and name not in only:
        return
    documents = make()
    tokens = np.concatenate(documents)
    np.savez_compressed(out / f"{name}.npz", tokens=tokens, ends=np.cumsum([len(d) for d in documents]))
    print(f"{name:12s} {len(documents):8d} documents {len(tokens) / 1e6:7.2f} M tokens, {np.mean(tokens >= LOSS):.0%} in the loss", flush=True)


# --- variations of chat rows --------------------------------------------------------------------------------

PLAIN_SYSTEMS = [s for s in SYSTEMS if s] + [
    "You are a friendly assistant.", "Answer in one sentence.", "You are Quire, a small demo language model.", "Answer the question.",
    "You are an expert.", "You are a polite chatbot.", "You are a helpful, respectful and honest assistant.", "You answer in English.",
    "Keep your answers short.", "You are a teacher who answers questions of children.", "You talk to users of the Quire inference server.",
]


def chat_variants(rows, count, rng, exact=False):
    """Rows alone, behind a system prompt, or several in one conversation."""
    out = []
    while len(out) < count:
        for row in rng.sample(rows, len(rows)):
            messages = [dict(m) for m in row]
            r = rng.random()
            if r > 0.82 and len(messages) == 2:
                for _ in range(rng.choice([1, 1, 2, 3])):
                    other = rng.choice(rows)
                    if len(other) == 2 and other[0]["role"] == "user":
                        messages += [dict(m) for m in other]
            if messages[0]["role"] != "system" and rng.random() < 0.22:
                messages.insert(0, {"role": "system", "content": rng.choice(PLAIN_SYSTEMS)})
            if not exact and rng.random() < 0.10:
                for message in messages:
                    if message["role"] == "user":
                        message["content"] = rng.choice([str.lower, lambda s: s.rstrip("?.!"), lambda s: "  ".join([s]) + " "])(message["content"])
            out.append((messages, None))
            if len(out) >= count:
                break
    return out


def tidy(stories):
    """The corpus's stories with their few clumsy phrases mended."""
    out = []
    for row in stories:
        text = [(" in a farm", " on a farm"), (" in a quiet farm", " on a quiet farm"), ("I have lost a lost hat", "I have lost a hat"), (" in a harbor", " near a harbor")]
        row = [dict(m) for m in row]
        for message in row:
            for old, new in text:
                message["content"] = message["content"].replace(old, new)
        out.append(row)
    return out


def turn(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def copy_row(s):
    """Small tasks that need the words of the question in the answer."""
    r, pick = s.rng.random(), s.pick
    if r < 0.04:
        thing = s.syllables(2, 3).capitalize()
        return pick([turn(pick(["What is the capital of {}?", "Capital of {}?", "Tell me the capital of {}."]).format(thing), f"I do not know a country named {thing}."),
                     turn(pick(["Who is {}?", "What is {}?", "Where is {}?", "Tell me about {}."]).format(thing), f"I am sorry, I do not know anything about {thing}."),
                     turn(pick(["Who is the president of {}?", "How many people live in {}?", "What language do people speak in {}?", "Which continent is {} in?"]).format(thing), f"I do not know {thing}.")])
    if r < 0.15:
        word = pick([pick(s.words), s.proper(), s.letters()])
        return turn(pick(["Spell {}.", "How do you spell {}?", "Spell the word {}."]).format(word), "-".join(word.upper()))
    if r < 0.30:
        words = pick([pick(s.words), s.query(), s.proper(), s.code(), s.person()])
        return turn(pick(["Repeat after me: {}", "Say this: {}", "Repeat this: {}", "Echo: {}"]).format(words), words)
    if r < 0.36:
        word = pick(s.words)
        return turn(f"Write {word} in capital letters.", word.upper())
    if r < 0.42:
        word = pick(s.words)
        return pick([turn(f"How many letters are in the word {word}?", f"The word {word} has {len(word)} letters."),
                     turn(f"What is the first letter of {word}?", f"The first letter of {word} is {word[0].upper()}.")])
    if r < 0.60:
        name, age = s.proper(), s.rng.randint(1, 99)
        question = pick(["{} is {} years old. Give me a JSON object with name and age.", "Extract the name and the age as JSON: My friend {} is {}."]).format(name, age)
        return turn(question, json.dumps({"name": name, "age": age}))
    if r < 0.72:
        name, city, job = s.proper(), s.city(), pick("farmer teacher doctor nurse baker pilot singer painter driver cook writer engineer lawyer sailor soldier gardener".split())
        return turn(f"{name} is a {job} in {city}. Return JSON with name, job and city.", json.dumps({"name": name, "job": job, "city": city}, ensure_ascii=False))
    name = s.proper()
    hello = pick([turn(f"Hi, I am {name}.", f"Hi {name}! How can I help you today?"), turn(f"My name is {name}.", f"Nice to meet you, {name}! How can I help you?"),
                  turn(f"Hello, I'm {name}!", f"Hello {name}! How can I help you today?")])
    if r < 0.80:
        return hello
    question = pick([turn("What is my name?", f"Your name is {name}."), turn("Do you remember my name?", f"Yes, your name is {name}."), turn("Who am I?", f"You are {name}.")])
    return hello + question


def arithmetic_row(s):
    rng, pick = s.rng, s.pick
    op = pick("++--*/")
    big = pick([10, 20, 100, 100, 100, 1000])
    a, b = rng.randint(0, big), rng.randint(0, big)
    if op == "-" and a < b and rng.random() < 0.8:
        a, b = b, a
    if op == "*":
        a, b = rng.randint(0, pick([12, 12, 20, 99])), rng.randint(0, 12)
        result = a * b
    elif op == "/":
        b, result = rng.randint(1, 12), rng.randint(0, 20)
        a = b * result
    else:
        result = a + b if op == "+" else a - b
    if f"{a} {op} {b}" in s.held_out:
        return arithmetic_row(s)
    words = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
    question = pick(["What is {0} {1} {2}?", "What is {0} {1} {2}?", "What is {0} {3} {2}?", "{0} {1} {2}", "{0} {1} {2} =", "{0}{1}{2}", "Calculate {0} {1} {2}.", "How much is {0} {1} {2}?", "{0}{1}{2}=?"])
    return turn(question.format(a, op, b, words[op]), f"{a} {op} {b} = {result}")


SHARED = {}  # filled before the workers fork


# --- generated pools, in parallel ---------------------------------------------------------------------------

def generate(job):
    kind, count, seed = job
    strings, chat_rows = SHARED["strings"], SHARED["chat_rows"]
    encoder, rng = Encoder(), random.Random(seed)
    strings.rng = rng
    if kind == "tools":
        tools = Tools(strings)
        return encoder.chats([tools.conversation(chat_rows) for _ in range(count)])
    if kind == "stories":
        stories, chats, raw = Stories(rng), [], []
        for _ in range(count):
            request, story = stories.draw()
            if rng.random() < 0.25:
                raw.append(story)
            else:
                chats.append(turn(request, story))
        return encoder.chats(chat_variants(chats, len(chats), rng, exact=True)) + encoder.texts(raw)
    row = {"copy": copy_row, "arithmetic": arithmetic_row}[kind]
    rows = [row(strings) for _ in range(count)]
    return encoder.chats(chat_variants(rows, count, rng, exact=True))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the generated pools")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pools", nargs="*", help="make only these pools (default: all)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20)
    encoder = Encoder()

    training, held_rows, cities, held = split_tools(read_jsonl(args.corpus / "tools_hermes.jsonl"), rng)
    with open(args.out / "held_out.jsonl", "w", encoding="utf-8") as f:
        for row in held_rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"tool rows: {len(training)} for training, {len(held_rows)} held out; {len(held)} held-out values")

    chat = read_jsonl(args.corpus / "chat.jsonl")
    expressions = [h for h in held if any(c.isdigit() for c in h)]
    chat = [r for r in chat if not any(e in m["content"] for e in expressions if r["source"] == "synthetic-arith" for m in r["messages"])]
    own = {normalized(r["messages"][-2]["content"]) for r in chat if r["source"].startswith("synthetic")}
    groups = {"arith": [], "gsm8k": [], "story": [], "talk": [], "known": []}
    for row in chat:
        source = row["source"].removeprefix("synthetic-")
        if source in ("arith", "number", "word-problem"):
            groups["arith"].append(row["messages"])
        elif source in ("gsm8k", "story"):
            groups[source].append(row["messages"])
        elif source in ("personalitychat", "chatterbot", "self-instruct-seed"):
            question = row["messages"][-2]["content"]
            if normalized(question) not in own and not question.isupper():
                groups["talk"].append(row["messages"])
        else:
            groups["known"].append(row["messages"])
    dialogs = read_jsonl(args.corpus / "dialogs_synthetic.jsonl")
    groups["story"] += [r["messages"] for r in dialogs if r["source"] == "synthetic-story-multi"]
    groups["known"] += [r["messages"] for r in dialogs if r["source"] != "synthetic-story-multi"]
    task = [r["messages"] for r in read_jsonl(args.corpus / "dialogs.jsonl")]

    books = (args.corpus / "books.txt").read_text(encoding="utf-8")
    facts = (args.corpus / "factbook.txt").read_text(encoding="utf-8")
    pieces = []
    for book in books.split("<|endoftext|>"):
        paragraphs, piece, size = book.strip().split("\n\n"), [], 0
        for paragraph in paragraphs:
            piece.append(paragraph)
            size += len(paragraph)
            if size > 5500:
                pieces.append("\n\n".join(piece))
                piece, size = [], 0
        pieces.append("\n\n".join(piece))
    only = args.pools
    save(args.out, "books", lambda: encoder.texts(pieces), only)
    save(args.out, "facts", lambda: encoder.texts([p.strip() for p in facts.split("<|endoftext|>")], chunk=1024), only)
    save(args.out, "known", lambda: encoder.chats(chat_variants(groups["known"], 8 * len(groups["known"]), rng)), only)
    save(args.out, "talk", lambda: encoder.chats(chat_variants(groups["talk"], 4 * len(groups["talk"]), rng) + [(m, None) for m in task]), only)
    save(args.out, "gsm8k", lambda: encoder.chats([(m, None) for m in groups["gsm8k"]]), only)
    save(args.out, "tool_rows", lambda: encoder.chats(training), only)

    # Never trained on: other draws of the same generator, to see where calls go wrong.
    strings = Strings(random.Random("evaluation"), books, facts, cities, held)
    generator = Tools(strings)
    with open(args.out / "generated.jsonl", "w", encoding="utf-8") as f:
        for kind in ("weather", "clock", "search", "calculator", "attribute", "explicit", "command"):
            for i in range(40):
                maker = getattr(generator, kind)
                tool, question, calls, _, _ = maker(i % 2 == 0) if kind in ("weather", "clock", "search", "calculator") else maker()
                expected = [{"name": t["function"]["name"], "arguments": a} for t, a in calls]
                row = {"kind": kind, "messages": [{"role": "user", "content": question}], "tools": generator.distractors([tool], i % 4), "expected": expected}
                f.write(json.dumps(row, ensure_ascii=False) + "\n")

    SHARED["strings"] = strings
    SHARED["chat_rows"] = [(m[-2]["content"], m[-1]["content"]) for m in groups["known"] if len(m) == 2]
    corpus_pools = {"stories": chat_variants(tidy(groups["story"]), len(groups["story"]), rng, exact=True),
                    "arithmetic": chat_variants(groups["arith"], 2 * len(groups["arith"]), rng, exact=True)}
    with multiprocessing.Pool(args.workers) as workers:
        for kind, count in COUNTS.items():
            count = int(count * args.scale)
            jobs = [(kind, count // 30, f"{kind}-{i}") for i in range(30)]
            parts = lambda: [d for part in workers.imap(generate, jobs) for d in part] + encoder.chats(corpus_pools.get(kind, []))
            save(args.out, kind, parts, only)


if __name__ == "__main__":
    main()
