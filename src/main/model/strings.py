"""Random names, numbers and phrases: the values that generated tool calls have to copy."""

import re
import string
from collections import Counter

ONSETS = "b c d f g h j k l m n p r s t v w z br cr dr fr gr kr pr tr bl cl fl gl pl sl st sk sm sn sp sw th sh ch ph qu y x".split()
VOWELS = "a e i o u a e i o u ai au ea ee ei ia ie io oa oo ou ue y".split()
CODAS = ["", "", "", "", "n", "r", "l", "s", "t", "m", "d", "k", "nd", "rk", "st", "ng", "ch", "ll", "ss", "x", "p", "sh", "th"]
ENDINGS = ["", "", "", "", "", "ville", "ton", "burg", "ham", "stad", "grad", "polis", "by", "ford", "port", "pur", "abad", "mouth", "field"]
ACCENTS = {"a": "áàãâä", "e": "éèêë", "i": "íîï", "o": "óõôöø", "u": "úûü", "n": "ñ", "c": "çč", "s": "šş", "z": "ž", "l": "ł"}


class Strings:
    """Draws strings; never one of the held-out values (compared without case)."""

    def __init__(self, rng, book_text, fact_text, cities, held_out):
        self.rng = rng
        self.cities = sorted(cities)
        self.held_out = {h.lower() for h in held_out}
        lower = Counter(re.findall(r"(?<= )[a-z]{3,12}(?=[ ,.])", book_text))
        self.common = [w for w, n in lower.most_common(2500)]
        self.words = [w for w, n in lower.items() if n >= 6]
        names = Counter(re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,14}\b", book_text + fact_text))
        self.names = [w for w, n in names.items() if n >= 3]
        phrases = Counter(re.findall(r"(?<= )(?:the|a|an) [a-z]+ [a-z]+(?: of [a-z]+)?(?=[,.;])", book_text))
        self.phrases = [p for p, n in phrases.items() if len(p) < 40]

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def syllables(self, low=1, high=3):
        word = ""
        for _ in range(self.rng.randint(low, high)):
            word += self.pick(ONSETS) + self.pick(VOWELS) + (self.pick(CODAS) if self.chance(0.5) else "")
        return word

    def letters(self, low=3, high=9):
        return "".join(self.pick(string.ascii_lowercase) for _ in range(self.rng.randint(low, high)))

    def proper(self):
        r = self.rng.random()
        if r < 0.40:
            word = self.syllables() + self.pick(ENDINGS)
        elif r < 0.50:
            word = self.letters()
        else:
            return self.pick(self.names)
        return word[:1].upper() + word[1:]

    def city(self):
        while True:
            value = self._city()
            if value.lower() not in self.held_out and 2 < len(value) < 36:
                return value

    def _city(self):
        r = self.rng.random()
        if r < 0.22:
            return self.pick(self.cities)
        if r < 0.66:
            return self.proper()
        if r < 0.76:
            return self.proper() + " " + self.proper()
        if r < 0.80:
            return self.pick(["New", "San", "Santa", "Port", "Saint", "St.", "Los", "El", "La", "Sao", "Fort", "Mount", "North", "South", "East", "West", "Bad", "Al", "Old", "Lake"]) + " " + self.proper()
        if r < 0.83:
            return self.proper() + " " + self.pick(["City", "Town", "Beach", "Falls", "Springs", "Bay", "Island", "Heights"])
        if r < 0.86:
            return self.proper() + "-" + self.pick([self.proper(), self.proper(), "sur-Mer", "au-Lac", "on-Sea"])
        if r < 0.88:
            return self.proper() + "'" + self.pick(["s", self.syllables(1, 1), self.syllables(1, 2)])
        if r < 0.90:
            return self.proper() + self.pick([" de ", " del ", " am ", " upon ", " la ", " of "]) + self.proper()
        if r < 0.92:
            return self.proper() + ", " + self.pick([self.proper(), "CA", "NY", "TX", "MA", "UK", "D.C.", "France", "Germany", "Japan", "Spain"])
        if r < 0.95:
            return self.accented(self.proper())
        if r < 0.98:
            return self.proper().lower()
        return self.pick(["東京", "北京", "서울", "Москва", "Αθήνα", "القاهرة", "मुंबई", "大阪", "上海"]) if self.chance(0.3) else self.proper().upper()

    def accented(self, word):
        out = []
        for c in word:
            out.append(self.pick(ACCENTS[c]) if c in ACCENTS and self.chance(0.4) else c)
        return "".join(out)

    def person(self):
        return self.proper() if self.chance(0.75) else self.proper() + " " + self.proper()

    def identifier(self, words=None):
        parts = [self.pick(self.common) if self.chance(0.75) else self.syllables(1, 2) for _ in range(words or self.rng.randint(1, 3))]
        r = self.rng.random()
        if r < 0.75:
            return "_".join(parts)
        if r < 0.85:
            return "-".join(parts)
        return parts[0] + "".join(p.capitalize() for p in parts[1:])

    def code(self):
        letters, digits = string.ascii_uppercase, string.digits
        shape = self.pick(["AA-0000", "A0000", "AAA000", "000-000", "AA00-A0", "#00000", "A-000", "00AA00", "aa_00", "aaa-000"])
        return "".join(self.pick(letters) if c == "A" else self.pick(letters).lower() if c == "a" else self.pick(digits) if c == "0" else c for c in shape)

    def email(self):
        user = self.pick([self.syllables(1, 2), self.pick(self.common), self.pick(self.names).lower()])
        if self.chance(0.4):
            user += self.pick([".", "_", ""]) + self.pick([self.syllables(1, 2), str(self.rng.randint(1, 99))])
        return user + "@" + self.pick(["example.com", "mail.com", "example.org", self.syllables(1, 2) + ".com", self.pick(self.common) + ".net"])

    def date(self):
        return f"{self.rng.randint(1990, 2035)}-{self.rng.randint(1, 12):02d}-{self.rng.randint(1, 28):02d}"

    def time(self):
        return f"{self.rng.randint(0, 23):02d}:{self.rng.randint(0, 59):02d}"

    def integer(self, high_digits=5):
        return self.rng.randint(0, 10 ** self.rng.randint(1, high_digits) - 1)

    def decimal(self):
        return round(self.rng.random() * 10 ** self.rng.randint(0, 4), self.rng.randint(1, 2))

    def query(self):
        while True:
            r = self.rng.random()
            if r < 0.35:
                value = self.pick(self.phrases)
            elif r < 0.55:
                value = " ".join(self.pick(self.common) for _ in range(self.rng.randint(1, 5)))
            elif r < 0.75:
                value = self.pick(["the history of", "the price of", "cheap", "the best", "news about", "how to find", "pictures of", "the life of", "a recipe for", "the meaning of", "facts about", "the size of", "flights to", "hotels in"]) + " " + self.pick([self.pick(self.words), self.proper(), self.pick(self.common) + " " + self.pick(self.words)])
            elif r < 0.9:
                value = self.pick(self.words) + " " + self.pick(["in", "for", "near", "and", "of"]) + " " + self.pick([self.proper(), self.pick(self.words)])
            else:
                value = self.person()
            if not any(h in value.lower() for h in self.held_out):
                return value

    def expression(self):
        """An arithmetic expression as text; half of them are two numbers and an operator."""
        while True:
            value = self._expression()
            if value.lower() not in self.held_out:
                return value

    def _number(self, digits=None):
        if digits is None:
            digits = self.pick([1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 5])
        r = self.rng.random()
        if r < 0.9:
            return str(self.rng.randint(0 if digits == 1 else 10 ** (digits - 1), 10**digits - 1))
        return str(round(self.rng.random() * 10**digits, self.rng.randint(1, 2)))

    def _expression(self):
        r = self.rng.random()
        op = lambda: self.pick(["+", "-", "*", "/"])
        if r < 0.72:
            return f"{self._number()} {op()} {self._number()}"
        if r < 0.80:
            return f"{self._number()}{op()}{self._number()}"
        if r < 0.88:
            return f"{self._number()} {op()} {self._number()} {op()} {self._number()}"
        if r < 0.94:
            return f"({self._number()} {op()} {self._number()}) {op()} {self._number()}"
        if r < 0.97:
            return f"{self._number()} {op()} ({self._number()} {op()} {self._number()})"
        return self.pick([f"{self._number()} ** {self.rng.randint(2, 9)}", f"sqrt({self._number()})", f"{self._number()} % {self._number()}", f"-{self._number()} {op()} {self._number()}"])
