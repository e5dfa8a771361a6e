"""Writes cases.json: what the reference (transformers' chat template environment) makes of small templates.

Run beside this file with transformers and jinja2 installed: python make_cases.py
"""

import copy
import json
import pathlib
import re

import transformers.utils.chat_template_utils as reference

VARIABLES = {
    "s": "Hello World",
    "empty": "",
    "uni": "Grüße 世界 😀!",
    "html": "<b>\"x\" & 'y'</b>",
    "multi": "line one\n  line two\n\nline four\r\nlast",
    "spaced": "  \t padded text \n ",
    "csv": "a,b,,c,d",
    "n": 42,
    "neg": -7,
    "zero": 0,
    "big": 123456789012345678901234567890,
    "f": 3.14159,
    "half": 2.5,
    "whole": 4.0,
    "tiny": 1e-07,
    "huge": 1e22,
    "t": True,
    "no": False,
    "nil": None,
    "l": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "mixed": [1, "two", 3.0, None, True, [4], {"five": 5}],
    "nothing": [],
    "d": {"b": 1, "a": 2, "C": 3},
    "nested": {"x": {"y": [10, 20, {"z": "deep"}]}},
    "users": [
        {"name": "Ann", "age": 31, "city": "Rome", "admin": True},
        {"name": "bob", "age": 25, "city": "Paris", "admin": False},
        {"name": "Cid", "age": 25, "city": "rome"},
    ],
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Bye"},
    ],
    "tool": {"name": "f", "parameters": {"type": "object", "properties": {"q": {"type": "string", "description": "é <x>"}}, "required": ["q"]}},
    "tree": [{"n": "a", "kids": [{"n": "b", "kids": [{"n": "c", "kids": []}]}, {"n": "d", "kids": []}]}, {"n": "e", "kids": []}],
    "items": [1, 2],
    "odd_keys": {"items": "I", "get": "G", "with space": 1, "_private": 2},
}


def expressions():
    yield from """
1 + 2 | 7 // 2 | -7 // 2 | 7 % 3 | -7 % 3 | 7 / 2 | 2 ** 10 | 2 ** -1 | 2 ** 0.5 | 10 ** 20 | big + 1 | big * big
big // 7 | big % 97 | -big | 9223372036854775807 + 1 | -9223372036854775807 - 2 | 3037000500 * 3037000500 | 5 - 8
1.5 + 1 | 0.1 + 0.2 | 1 / 3 | 1e3 | 1e16 | 1e15 | 123456789.123456789 | 1e-4 | 1e-5 | 2.0 ** 70 | 5.0 // 2 | -5.0 // 2 | 5.5 % 2 | -5.5 % 2
7.0 / 0.5 | 1_000 + 1 | 0x1F + 0b11 + 0o17 | 1.5e3 | 1E5 | true + true | true * 3 | not true | not nil | - n | + n | - t | 3 * 1.5
1 / 0 | 1 // 0 | 1 % 0 | 1.0 / 0 | 1.0 // 0 | 1.0 % 0 | 0 ** -1 | "a" + 1 | 1 + "a" | nil + 1 | "a" - "b" | [] + {} | [1] + "a" | (1,) + [2]
"a" * 3 | 3 * "ab" | [1, 2] * 2 | (1, 2) * 2 | "a" * "b" | [1] * 1.5 | "a" * -1 | {} * 2 | -"a" | +[] | "a" / 2
"a" ~ 1 ~ nil ~ true ~ 2.0 ~ [1, "x"] | s ~ undefined_name ~ "!" | 1 ~ 2
1 == 1.0 | true == 1 | "1" == 1 | [1, 2] == [1.0, 2] | (1,) == [1] | {"a": 1} == {"a": 1.0} | nil == false | nil == nil | undefined_name == undefined_other
undefined_name == nil | 1 != 2 | 1 < 2 | 2 <= 2 < 3 | 1 < 2 > 3 | "a" < "b" | "a" < "B" | [1, 2] < [1, 3] | [1] < [1, 0] | (1, 2) >= (1, 2)
1 < "a" | nil < 1 | [] < () | {} < {} | 1 < undefined_name | undefined_name < 1 | 3 > big | big > 3.5 | "é" > "z" | "😀" > "\uffff"
1 in [1, 2] | "a" in "cat" | "x" in d | "a" in d | 3 not in l | 1 in "a" | 1 in nil | 1 in 5 | nil in "x" | undefined_name in "x" | "x" in undefined_name
1.0 in l | true in [1] | [1] in d | "a" in d.keys() | ("a", 2) in d.items() | 2 in d.values() | 5 in range(3, 9)
t and n | no and n | zero or s | empty or nothing or nil | nil and 1 or 2 | not (t and no) | t or undefined_name.x
1 if t else 2 | 1 if no else 2 | 1 if no | (1 if no) is defined | (1 if no).x | "a" if t else "b" if no else "c"
s.upper() | s["upper"]() | d.items() | d["items"] | odd_keys.items | odd_keys["items"] | odd_keys.get("get") | odd_keys["with space"] | odd_keys._private | odd_keys["_private"]
d.a | d["a"] | d.zzz | d["zzz"] | d.zzz.y | d[1] | d[nil] | d[[1]] | l[0] | l[-1] | l[5] | l["x"] | l.0 | l[1.5] | l[t] | s[0] | s[-1] | s[99] | s.foo | s["foo"] | s.foo.bar
nil.x | nil["x"] | nil[0] | n.x | n[0] | undefined_name.x | undefined_name["x"] | undefined_name[0] | undefined_name() | f.is_integer() | whole.is_integer() | n.real
nested.x.y[2].z | nested["x"]["y"][0] | nested.x.y | nested.x.y[9].z | users[0].name | users[-1]["city"] | users.name
l[1:] | l[:-1] | l[::-1] | l[::2] | l[5:] | l[-2:] | s[1:4] | s[::-1] | s[-5:] | s[:-20] | s[2:1] | uni[6:8] | uni[::-1] | uni[-2] | uni[8:] | (1, 2, 3)[1:] | range(10)[2:8:3]
l[::0] | nil[1:] | n[1:] | d[1:] | undefined_name[1:] | l["a":] | l[nil:2] | s[10:0:-2] | l[1.0:]
[1, 2, 3] | [] | () | (1,) | (1, 2) | {} | {"a": 1, "b": [true, nil]} | {1: 2, "x": {"y": 1.0}} | {1: "a", 1.0: "b", true: "c"} | {[1]: 2} | {(1, 2): 3} | ["it's", 'say "x"', "both ' and \\""]
mixed | users | uni | [uni] | ["\\n\\t\\\\\\x07\\x7f\\u00e9\\u200b\\U0001F600"] | [f, half, whole, tiny, huge, big] | [s.upper] is defined | {"k": undefined_name} | range(5) | range(1, 10, 3) | range(0)
range(5, 0, -2) | l.append | l.append(1) | d.update({}) | d.pop("a") | l.pop() | s.__class__ | s.__class__.x | l["append"] | d.clear() is defined | d.setdefault | nil.__class__ | s.__len__
dict(a=1, b=2) | dict({"x": 1}, y=2) | dict([["a", 1], ("b", 2)]) | dict([1]) | dict("ab") | dict(["ab", "cd"]) | dict([[1, 2, 3]]) | range(200000) | range("a") | range(1, 2, 0) | range()
namespace(a=1) | namespace(a=1).a | namespace(a=1).b | namespace(a=1).b.c | namespace({"q": 1}).q | namespace(a=1)["a"] | namespace(a=1).items
"%s and %d and %5.2f|%-5s|%05d|%x|%X|%o|%e|%g|%r|%%" % ("a", 42, 3.14159, "ab", 42, 255, 255, 8, 12345.678, 0.0001, "q")
"%s" % "x" | "%s" % nil | "%s" % [1] | "%s %s" % (1,) | "%s" % (1, 2) | "%d" % "a" | "%d" % 3.7 | "%(a)s-%(b)03d" % {"a": 1, "b": 2} | "%(z)s" % {"a": 1} | "abc" % 1 | "%c" % 65 | "%+d % d" % (1, 2) | "%i" % true | "%.3s" % "abcdef" | "%#x" % 255 | "%q" % 1 | "%" % 1 | "%s" % undefined_name | "%10.3e|" % 1234.5 | "%G" % 1e-10 | "%5s|%-5s|" % ("é", "é")
"{} {}".format(1, "a") | "{0} {1} {0}".format("x", "y") | "{a} {b[k]} {c.real}".format(a=1, b={"k": 2}, c=3) | "{:>8}|{:<8}|{:^8}|{:*^9}".format("ab", "cd", "ef", "gh") | "{:08.3f} {:+d} {:,} {:_} {:x} {:#b} {:%} {:e} {:g}".format(3.14159, 5, 1234567, 1234567, 255, 5, 0.25, 12345.678, 0.00001)
"{{}} {!r} {!s}".format("x", "y") | "{}".format() | "{".format() | "}".format() | "{x}".format() | "{} {0}".format(1) | "{:d}".format("a") | "{:s}".format(1) | "{:.2}".format("abcdef") | "{:5}|{:5}".format(1, "a") | "{:{w}}|".format("a", w=5) | "{:,.2f}".format(1234567.891) | "{:n}".format(5) | "{}".format(nil) | "{:5}".format(nil) | "{}".format(1.0) | "{:.3}".format(1.0) | "{:.2%}".format(0.1234) | "{:c}".format(65) | "{:X}".format(255) | "{0.__class__}".format(1) | "{a}".format_map({"a": 7}) | "{:=+7d}".format(3) | "{:07}".format(-3) | "{}".format(true) | "{:5}".format(true) | "{:d}".format(true)
html|safe + "<i>" | "<i>" + html|safe | html|e | html|escape|e | html|forceescape | (html|safe)|e | html|safe ~ "<i>" | (html|safe).upper() | (html|safe)[:3] | [html|safe] | (html|safe)|length | "%s"|safe|format("<x>") | ("<b>{}</b>"|safe).format("<x>") | ("<"|safe).join(["<", "a"]) | (html|safe).replace("x", "<") | html|safe is string | html|safe is escaped | html is escaped | (html|safe)|upper is escaped | (html|safe) == html | {"a": html|safe}|tojson | (html|safe).split("x") | (html|safe) * 2 | 1|safe | d|safe
strftime_now("%Y") is string | strftime_now("%d %b %Y")|length | cycler is callable | range is callable | s is callable | undefined_name is callable | raise_exception("boom") | raise_exception(5) | raise_exception()
1 is odd | 2 is even | 9 is divisibleby(3) | 9 is divisibleby 4 | s is defined | undefined_name is defined | undefined_name is undefined | d.zzz is defined | nil is none | zero is none | t is boolean | 1 is boolean | t is true | 1 is true | no is false | zero is false | n is integer | t is integer | f is integer | f is float | n is float | n is number | t is number | s is number | s is string | n is string | d is mapping | l is mapping | l is sequence | s is sequence | d is sequence | n is sequence | range(3) is sequence | l is iterable | n is iterable | nil is iterable | undefined_name is iterable | undefined_name is sequence | d.items() is sequence | d.items() is iterable | s is lower | "abc" is lower | "ABC" is upper | s is sameas s | nil is sameas nil | 1 is sameas true | "upper" is filter | "zzz" is filter | "odd" is test | 1 is in [1, 2] | 3 is not in l | 1 is eq 1 | 1 is == 1 | 1 is ne 2 | 1 is lt 2 | 2 is gt(1) | 1 is ge 1 | 1 is le 0 | 1 is greaterthan 0 | 1 is lessthan 0 | "a" is equalto "a" | s is not string | n is odd and t | 3 is odd | "a" is odd | nil is even | undefined_name is odd | not s is defined | not undefined_name is defined | s is defined and s is string
5 is nosuchtest | 1 is divisibleby | 1 is odd(2) | s|nosuchfilter
""".strip().replace("\n", " | ").split(" | ")
    yield "'a' 'b' \"c\""
    yield "[1, 2, 3,]"
    yield "{'a': 1,}"
    yield "'\\x41\\u00e9\\101\\q\\'\\\"'"
    yield "1 +"
    yield "(1"
    yield "[1"
    yield "{1}"
    yield "foo.1.2"
    yield "a b"
    yield "f(a=1, 2)"
    yield "d.get()"
    yield "'abc"
    yield "1 $ 2"
    yield "range(*[1, 4])|list"
    yield "dict(**{'a': 1})"
    yield "dict(*[{'a': 1}], b=2, **{'c': 3})"
    yield "1 if"
    yield "loop"
    yield "x is y is z"


def methods():
    for call in """
lower() upper() title() capitalize() swapcase() casefold() strip() lstrip() rstrip() split() rsplit() splitlines() isspace() isalpha()
isdigit() isalnum() isupper() islower() istitle() isnumeric() isdecimal() isascii() isidentifier() isprintable() split('o') split('l',1)
rsplit('l',1) split(maxsplit=1) rsplit(None,1) strip('Hd') lstrip('H') rstrip('!d') startswith('H') startswith(('x','H')) startswith('e',1)
endswith('d') endswith(('x','!')) find('o') rfind('o') find('zz') find('o',5) find('o',5,7) index('o') index('zz') rindex('o') count('l') count('') count('l',4)
replace('l','L') replace('l','L',1) replace('','-') replace('o','') center(21) center(20,'*') ljust(20,'.') rjust(20) zfill(20) partition('o') rpartition('o')
partition('zz') rpartition('zz') removeprefix('Hel') removesuffix('ld') join(['a','b','c']) join('xyz') expandtabs(4) splitlines(true)
strip(1) split(1) split('') join([1]) join(1) replace('a') startswith(1) find(1) center() nosuch() format(1) center(30,'ab') upper(1) split(sep='o',maxsplit=1) strip(none) split(none)
""".split():
        for variable in ("s", "uni", "multi", "csv"):
            yield f"{variable}.{call}"
    yield from ["'12'.isdigit()", "'½'.isnumeric()", "'²'.isdigit()", "'٣'.isdecimal()", "'ß'.upper()", "'ǆ'.title()", "'ΑΣ'.lower()", "'-5'.zfill(5)", "'Hello There'.istitle()", "'a\\tb\\tcd'.expandtabs()", "'they\\'re bill\\'s'.title()", "'it-is a_b'.title()", "'x'.join(d)", "', '.join(words)", "'abc'.isidentifier()", "'1a'.isidentifier()", "'A1'.isupper()", "l.index(1)", "l.index(9)", "l.count(2)", "l.copy()", "(1, 2, 2).count(2)", "(1, 2).index(2)", "d.get('a')", "d.get('q')", "d.get('q', 5)", "d.get(nil)", "d.get([1])", "d.keys()", "d.values()", "d.copy()", "d.items()|list", "d.keys()|list", "d.keys()[0]", "d.items(1)", "d.get(key='a')", "n.bit_length()", "(5).bit_length()", "users[0].items()|list|length", "'' if s.strip() else 1"]


def filters():
    arguments = {
        "abs": [""], "attr": ["('upper')", "('a')", "(1)"], "batch": ["(2)|list", "(2, 'x')|list"], "capitalize": [""], "center": ["", "(15)", "(width=5)"],
        "count": [""], "d": ["", "('x')", "('x', true)"], "default": ["", "('x')", "('x', boolean=true)", "(default_value=1)"],
        "dictsort": ["", "(true)", "(false, 'value')", "(reverse=true)", "(by='x')"], "e": [""], "filesizeformat": ["", "(true)"], "first": [""], "float": ["", "(1.5)", "(default='q')"],
        "forceescape": [""], "format": ["", "(1)", "(a=1)"], "groupby": ["('city')|list", "('name')", "('city', case_sensitive=true)", "('zip', default='-')"], "indent": ["", "(2)", "(2, true)", "(2, blank=true)", "('> ')", "(width=1, first=true, blank=true)"],
        "int": ["", "(5)", "(0, 16)", "(base=2)", "(default='q')"], "items": ["|list", ""], "join": ["", "(', ')", "('|', 'name')", "('|', attribute='age')", "(d='-')"], "last": [""], "length": [""], "list": [""],
        "lower": [""], "map": ["('upper')|list", "(attribute='name')|list", "(attribute='zip', default='-')|list", "|list", "('nosuch')|list", "('default', 'x')|list", "(attribute='name', x=1)|list", "('string')|join(',')"],
        "max": ["", "(attribute='age')", "(true)"], "min": ["", "(attribute='age')", "(case_sensitive=true)"], "reject": ["|list", "('odd')|list", "('string')|list"],
        "rejectattr": ["('admin')|list", "('age', 'gt', 30)|list", "|list"], "replace": ["('l', 'L')", "('l', 'L', 1)", "('', '-')", "('a')", "(1, 2)"], "reverse": ["|list", "|join('-')"],
        "round": ["", "(1)", "(2, 'ceil')", "(1, 'floor')", "(-1)", "(method='x')", "(0, 'ceil')"], "safe": [""], "select": ["|list", "('odd')|list", "('string')|list", "('in', [1, 'two'])|list", "('nosuch')|list", "('equalto', 3)|list"],
        "selectattr": ["('admin')|list", "('age', 'gt', 30)|list", "('role', 'equalto', 'user')|list", "('city', 'in', ['Rome'])|map(attribute='name')|list", "|list", "('admin', 'defined')|list"],
        "slice": ["(2)|list", "(3, 'x')|list", "(0)|list"], "sort": ["", "(true)", "(case_sensitive=true)", "(attribute='age')", "(attribute='age,name')", "(reverse=true, attribute='city')"], "string": ["", "|length"],
        "striptags": [""], "sum": ["", "(attribute='age')", "(start=10)"], "title": [""], "trim": ["", "('Hd ')", "(chars='!')"], "truncate": ["(8)", "(8, true)", "(8, true, '', 0)", "(2)", "(length=9, leeway=0, end='~')"],
        "unique": ["|list", "(true)|list", "(attribute='age')|map(attribute='name')|list"], "upper": [""], "urlencode": [""], "wordcount": [""], "xmlattr": ["", "(false)"],
        "tojson": ["", "(indent=2)", "(indent=0)", "(indent='\\t')", "(separators=(',', ':'))", "(sort_keys=true)", "(ensure_ascii=true)", "(true, 1)", "(indent=4, separators=[',', ': '])", "(x=1)"],
    }
    values = ["s", "uni", "html", "multi", "neg", "half", "t", "nil", "words", "nothing", "d", "users", "undefined_name"]
    for name, calls in arguments.items():
        for call in calls:
            for value in values:
                yield f"{value}|{name}{call}"
    yield from ["'0x1f'|int(0, 16)", "'1f'|int(0, 16)", "'  12 '|int", "'1.9'|int", "'1e3'|int", "'inf'|int", "'nan'|int(3)", "'1_000'|int", "'0b11'|int(0, 0)", "'12abc'|int(7)", "' 1.5e3 '|float", "'nan'|float", "'-inf'|float", "'1_0.5'|float", "'0x10'|float", "'1.5f'|float", "'.5'|float", "'5.'|float", "2.675|round(2)", "0.5|round", "1.5|round", "2.5|round", "-0.4|round", "1234|round(-2)", "1250|round(-2)", "5|round(2)", "1e300|round(2)", "2.1|round(0, 'ceil')", "1|filesizeformat", "999|filesizeformat", "1000|filesizeformat", "1048576|filesizeformat(true)", "1e30|filesizeformat", "'a b&c=d/é'|urlencode", "{'a b': 'c&d', 'e': 1}|urlencode", "[['k', 'v w']]|urlencode", "'<p>a &amp; b</p> <!-- c --> d'|striptags", "{'class': 'a \"b\"', 'id': nil, 'x': 1}|xmlattr", "{'a b': 1}|xmlattr", "[1, 1.0, true, 2, '2']|unique|list", "[[1], [1]]|unique|list", "[3, 'a']|sort", "['b', 1]|max", "[nil, 1]|min", "[1, [2]]|sum", "[[1], [2]]|sum(start=[])", "['a']|sum", "'abc'|first", "'abc'|last", "{}|first", "{}|last", "range(5)|last", "range(3)|reverse|list", "'abc'|reverse", "5|reverse", "'abc'|list", "d|list", "d|join(',')", "d|first", "d|length", "5|length", "nil|list", "5|list", "nil|join", "5|first", "(l|map('string'))|length", "l|select|tojson", "l|map('abs')|first", "{'a': {'b': {'c': 1}}}|tojson(indent=2)", "[]|tojson(indent=2)", "{'a': [], 'b': {}}|tojson(indent=2)", "[1.0, 1e100, 1e-7, true, nil, 'x\\u2028\\x7f\\x00/']|tojson", "{1: 1, nil: 2, true: 3, 1.5: 4}|tojson", "{(1, 2): 3}|tojson", "(1, 2)|tojson", "range(3)|tojson", "undefined_name|tojson", "[undefined_name]|tojson", "s.upper|tojson", "namespace()|tojson", "'é😀'|tojson(ensure_ascii=true)", "'nan'|float|tojson", "[1, 2]|tojson(separators=('; ',))", "{'b': 1, 'a': 2}|tojson(sort_keys=true, indent=1)", "s|upper|lower|title|replace('W', 'w')|length", "-5|abs", "(-5)|abs", "- 5.5|abs", "'a'|abs", "users|map(attribute='name')|map('lower')|sort|join(' ')", "users|groupby('age')|map('first')|list", "users|sum(attribute='age')", "users|map(attribute='city')|unique|list", "nested|attr('x')", "users|selectattr('name', 'upper')|list", "users|map('attr', 'name')|list", "words|map('length')|list", "words|map('replace', 'a', 'A')|list", "words|sort|first", "words|sort(case_sensitive=true)|join", "users|map(attribute='name.0')|list", "nested|map('upper')|join", "[{'a': {'b': 2}}, {'a': {'b': 1}}]|sort(attribute='a.b')", "nil|default('x')", "nil|default('x', true)", "d.zzz|default('x')", "d.zzz.y|default('x')", "s|truncate(11)", "'hello big wide world'|truncate(10)", "'hello big wide world'|truncate(10, leeway=0)", "(l, 1)|string", "s|wordcount", "users|items", "undefined_name|items|list", "d|dictsort(false, 'value')|list", "{'a': 1, 'B': 2}|dictsort", "{'a': 'x', 'b': 1}|dictsort(by='value')", "'%s-%s'|format('a', 'b')", "'%(x)s'|format(x=1)", "'%s'|format(1, x=1)"]


STATEMENTS = [
    # Whitespace: trim_blocks, lstrip_blocks and the signs.
    "a\n{% if t %}\nb\n{% endif %}\nc\n", "a\n  {% if t %}\n  b\n  {% endif %}\nc", "a {%- if t -%}  b  {%- endif -%} c", "a\n  {%+ if t %}\nb{% endif %}", "a  {{- s -}}  b", "{{ s }}\n{{ s }}\n", "a\n\n{{- s }}\n\nb",
    "{% if t +%}\nb{% endif %}", "x{# comment #}y", "x\n  {# comment #}\ny", "x {#- c -#} y", "a\n{# multi\nline #}\nb", "{% raw %}{{ s }} {% if %}{% endraw %}", "a {%- raw -%}  {{ x }}  {%- endraw -%} b", "  {% raw %}\n x\n  {% endraw %}\nend",
    "a\r\nb\rc\n", "\n\n{% if t %}x{% endif %}\n\n", "text only", "", "\n", "{{ '}}' }}", "{{ '%}' ~ \"{{\" }}", "{% set x = {'a': {'b': 1}} %}{{ x.a.b }}", "{{ {'a': {}} }}", "a{% if t %} {% endif %}b", "   {% if t %}   {% endif %}   {{ s }}", "\t{% set x = 1 %}\t{{ x }}", "a\n   {{ s }}\n   b", "{%- if t %}\n\n x{%- endif +%}\n y",
    # If.
    "{% if no %}a{% elif nil %}b{% elif n %}c{% else %}d{% endif %}", "{% if no %}a{% else %}b{% endif %}", "{% if undefined_name %}a{% endif %}b", "{% if l and d %}y{% endif %}", "{% if 'x' in d or 'a' in d %}y{% endif %}",
    # For.
    "{% for x in l %}{{ x }}{% endfor %}", "{% for x in l %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{% endfor %}", "{% for x in [] %}x{% else %}none{% endfor %}", "{% for x in l if x > 1 %}{{ loop.index0 }}:{{ x }} {% endfor %}", "{% for x in l if x > 9 %}{{ x }}{% else %}no{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for c in s %}{{ c }}.{% endfor %}", "{% for c in uni %}{{ c }}.{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{% for a, b in [[1]] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for x in nil %}{% endfor %}", "{% for x in n %}{% endfor %}", "{% for x in undefined_name %}a{% else %}b{% endfor %}",
    "{% for x in l %}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}", "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}", "{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem.foo is defined }}{% endfor %}", "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}", "{% for x in l %}{{ loop }}{{ loop.nosuch }}{% endfor %}", "{% for x in l|map('string') %}{{ loop.length }}{{ loop.last }}{% endfor %}", "{% for x in l|select %}{{ x }}{{ '-' if not loop.last }}{% endfor %}", "{% for x in l %}{% for y in l %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in l %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}", "{% for x in range(5) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in [1] %}{% break %}{% else %}E{% endfor %}", "{% for x in [1, 2] %}{% continue %}{% else %}E{% endfor %}", "{% for x in [1, 2] %}{% if x == 2 %}{% break %}{% endif %}{% else %}E{% endfor %}", "{% break %}", "{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% for x in l %}{% for y in l %}{% break %}{% endfor %}{{ x }}{% endfor %}",
    "{% for node in tree recursive %}[{{ node.n }}{{ loop.depth }}{% if node.kids %}{{ loop(node.kids) }}{% endif %}]{% endfor %}", "{% for node in tree recursive %}{{ node.n }}{{ loop(node.kids) }}{% else %}.{% endfor %}", "{% for x in l %}{{ loop(l) }}{% endfor %}", "{% for x in l %}{% set loop = 1 %}{% endfor %}", "{% for loop in l %}{{ loop }}{% endfor %}", "{% for x in l %}{% endfor %}{{ x }}", "{% set x = 'o' %}{% for x in l %}{{ x }}{% endfor %}{{ x }}", "{% for m in messages[1:] %}{{ m.role }}{% endfor %}", "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m['content'] }}{% endfor %}", "{% for m in messages|selectattr('role', 'equalto', 'user') %}{{ loop.first }}{{ m.content }}{% endfor %}", "{% for x in l if loop.index %}{{ x }}{% endfor %}", "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}", "{% for x in l recursive %}{{ x }}{% endfor %}", "{% for x in l if x != 1 recursive %}{{ x }}{{ loop.length }}{% endfor %}", "{% for i in range(3) %}{{ i }}{{ loop.length }}{% endfor %}",
    # Set and scopes.
    "{% set x = 1 %}{% if t %}{% set x = 2 %}{% endif %}{{ x }}", "{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}", "{% for i in l %}{% set y = i %}{% endfor %}{{ y }}", "{% if no %}{% set y = 1 %}{% endif %}{{ y }}", "{% if no %}{% set n = 1 %}{% endif %}{{ n }}", "{% if t %}{% set n = 1 %}{% else %}{% set n = 2 %}{% endif %}{{ n }}", "{{ n }}{% set n = 1 %}{{ n }}", "{% set n = n + 1 %}{{ n }}", "{% for i in l %}{{ n }}{% set n = i %}{{ n }} {% endfor %}{{ n }}", "{% for i in [1] %}{{ zz }}{% endfor %}{% set zz = 5 %}{{ zz }}", "{% for i in [1] %}{{ n }}{% endfor %}{% set n = 5 %}{{ n }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set a = b = 1 %}", "{% set 1 = 2 %}", "{% set a.b = 1 %}", "{% set s.b = 1 %}", "{% set ns = namespace(i=0) %}{% for x in l %}{% set ns.i = ns.i + x %}{% endfor %}{{ ns.i }}", "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}{{ ns }}", "{% set ns = namespace(a=1) %}{% set ns.a, y = 2, 3 %}{{ ns.a }}{{ y }}", "{% set x %}a{{ s }}b{% endset %}{{ x }}", "{% set x | upper %}a{{ s }}{% endset %}{{ x }}", "{% set x | upper | replace('A', '-') %}a{{ s }}{% endset %}{{ x }}", "{% set x %}{% set y = 1 %}{% endset %}{{ y }}{{ x }}", "{% for i in l %}{% set x %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endset %}{{ x }}{% endfor %}", "{% set ns = namespace(x='') %}{% set ns.x %}block{% endset %}{{ ns.x }}", "{% set x = [] %}{% set x = x + [1] %}{{ x }}", "{% set none = 1 %}", "{% set true = 1 %}", "{% set (a, b) = (1, 2) %}{{ a ~ b }}", "{% set x = 1, 2 %}{{ x }}", "{% set x = namespace %}{{ x(a=1).a }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}", "{% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% with a, b = (1, 2) %}{{ b }}{% endwith %}", "{% for x in l %}{% with y = x %}{% if y == 1 %}{% continue %}{% endif %}{{ y }}{% endwith %}{% endfor %}",
    # Macros and calls.
    "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs|length }}{% endmacro %}{{ m(1, 2, 3, q=4) }}", "{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}", "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m(a=b, b=1) %}{{ a }}{% endmacro %}{{ m() }}", "{% macro m(x) %}{{ x }}{% if x %}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(4) }}", "{% macro m() %}{{ n }}{% endmacro %}{{ m() }}{% set n = 1 %}{{ m() }}", "{% set v = 1 %}{% macro m() %}{{ v }}{% set v = 2 %}{{ v }}{% endmacro %}{{ m() }}{{ v }}", "{% macro m() %}{{ w }}{% endmacro %}{% set w = 7 %}{{ m() }}", "{% macro m() %}x{% endmacro %}{{ m }}{{ m.name }}{{ m.arguments }}", "{% macro m(a) %}{{ a.b.c }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ caller() }}{{ a }}{% endmacro %}{% call m(1) %}body{{ n }}{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}", "{% macro m(caller) %}{{ caller() }}{% endmacro %}", "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{% if t %}{% macro m() %}q{% endmacro %}{% endif %}{{ m() }}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% macro m(a, a) %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m() %}  {{ 1 }}\n{% endmacro %}[{{ m() }}]", "{% macro m() %}<{% endmacro %}{{ m() + '>' }}{{ m()|length }}", "{% call s %}{% endcall %}", "{% macro m(m) %}{{ m }}{% endmacro %}{{ m(1) }}", "{% macro outer() %}{% macro inner(x) %}{{ x }}{{ y }}{% endmacro %}{% set y = 2 %}{{ inner(1) }}{% endmacro %}{{ outer() }}", "{% set f = range %}{{ f(3)|list }}",
    # Other blocks.
    "{% filter upper %}a{{ s }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aa{% endfilter %}", "{% for x in l %}{% filter upper %}{% if x == 1 %}{% break %}{% endif %}x{% endfilter %}{% endfor %}", "{% generation %}a{{ s }}{% endgeneration %}b", "{% for m in messages %}{% generation %}{{ m.role }}{% set q = 1 %}{% endgeneration %}{{ q }}{% endfor %}", "{% print s, n %}", "{% print %}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "{% set j = joiner('; ') %}{{ j() }}a{{ j() }}b{{ j() }}", "{% set c = cycler() %}",
    # Errors when compiling.
    "{% if %}{% endif %}", "{% if t %}", "{% endif %}", "{% for %}{% endfor %}", "{% for x l %}{% endfor %}", "{% for x in l %}", "{% nosuch %}", "{% if t %}{% endfor %}", "{% for x in l %}{% if t %}{% endfor %}", "{{ s", "{{ }}", "{% set %}", "{{ s }", "{# open", "{% raw %}", "{{ 'a }}", "{{ a..b }}", "{{ a|}}", "{{ a is }}", "{% macro %}{% endmacro %}", "{{ (1, }}", "{{ ] }}", "{{ (1] }}", "{% 5 %}", "{{ s|nosuch }}", "{% if t %}{{ s|nosuch }}{% endif %}", "{% if no %}{{ s|nosuch }}{% endif %}ok", "{{ s|nosuch if no else 1 }}", "{% if no %}{{ s is nosuch }}{% endif %}ok", "{% for x in l %}{{ s|nosuch }}{% endfor %}", "{% if no %}{% for x in l %}{{ s|nosuch }}{% endfor %}{% endif %}", "{% set x %}", "{% call x() %}", "{% filter upper %}", "{% generation %}", "{{ 'x' if }}", "{{ a b }}", "{% set x = 1 2 %}", "{% else %}", "{% elif t %}",
    # Errors on later lines, and raising.
    "a\nb\n{{ nil.x.y }}", "{% if t %}\n\n{{ raise_exception('No: ' ~ s) }}{% endif %}", "{{ raise_exception('x' * 3) if no else 'fine' }}", "{%- for m in messages %}\n{%- if m.role == 'assistant' %}{{ raise_exception('bad role at ' ~ loop.index) }}{% endif %}{% endfor %}",
    # The idioms of real templates.
    "{%- if messages[0]['role'] == 'system' %}{% set system = messages[0]['content']|trim %}{% set loop_messages = messages[1:] %}{% else %}{% set system = '' %}{% set loop_messages = messages %}{% endif %}{{ system }}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}[{{ m['content'] }}]{% endfor %}",
    "{%- set ns = namespace(last=messages|length - 1, found=false) %}{% for m in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}{% if not ns.found and m.role == 'user' and m.content is string %}{% set ns.found = true %}{% set ns.last = index %}{% endif %}{% endfor %}{{ ns.last }}",
    "{% for t in [tool] %}{{ t|tojson(indent=4) }}{% if not loop.last %},{% endif %}{% endfor %}", "{{ '<think>a</think>b'.split('</think>')[-1].lstrip('\\n') }}", "{% if tools is defined and tools %}T{% else %}N{% endif %}", "{% for k, v in tool.parameters.properties|dictsort %}{{ k }}: {{ v.type|default('any') }}{% endfor %}", "{% for k, v in tool.parameters|items %}{{ k }}{% endfor %}", "{{ messages|map(attribute='role')|join(',') }}", "{{ (messages|last).content }}{{ messages[-1].content }}", "{% if messages is iterable and messages is not mapping and messages is not string %}y{% endif %}", "{{ 'a' if messages|length > 3 and messages[2].role == 'assistant' else 'b' }}", "{%- macro render(m) -%}{{ m.role }}:{{ m.content }}{%- endmacro -%}{%- for m in messages -%}{{ render(m) }}{{ '|' if not loop.last }}{%- endfor -%}",
]


def main():
    templates = ["{{ " + e + " }}" for source in (expressions(), methods(), filters()) for e in source] + STATEMENTS
    cases = []
    for template in dict.fromkeys(templates):
        try:
            compiled = reference._compile_jinja_template(template)
            output = compiled.render(**copy.deepcopy(VARIABLES))
            if " at 0x" not in output:  # an address is no result
                cases.append({"template": template, "output": output})
        except (SyntaxError, RuntimeError) as e:
            # Python's own compiler, or a mistake of the reference: what matters is that it fails.
            cases.append({"template": template, "error": None})
        except Exception as e:
            case = {"template": template, "error": type(e).__name__}
            # How Python words a wrong number of arguments is of no interest.
            if not re.search(r"argument(s)?( \(|:|, got|s? but)|multiple values", str(e)):
                case["message"] = str(e)
            cases.append(case)
    text = ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases)
    target = pathlib.Path(__file__).with_name("cases.json")
    target.write_text('{"variables": ' + json.dumps(VARIABLES, ensure_ascii=False) + ',\n"cases": [\n' + text + "\n]}\n", encoding="utf-8")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
