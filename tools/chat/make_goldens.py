"""Writes the goldens of tests/unit/test_chat_template.c with Python's jinja2 and transformers' settings.

    pip install jinja2==3.1.6
    python tools/chat/make_goldens.py ../shared/chat-templates tests/unit/data

chat_conversations.json: the variables of 20 conversations; chat_templates.jsonl: for each published
template and conversation the SHA-256 and length of the prompt (null: the template raises);
chat_features.jsonl: small templates of our own with variables and result.
"""
import datetime
import hashlib
import json
import os
import sys

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1753957800  # 2025-07-31 10:30:00 UTC


class Generation(Extension):
    """{% generation %}: as in transformers, where it also records the span."""

    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(lineno)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    now = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None)
    env.globals["strftime_now"] = now.strftime
    return env


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a \"place\" — today's.", "parameters": {
        "type": "object", "properties": {
            "place": {"type": "string", "description": "e.g. Zürich & <b>"},
            "days": {"type": "integer", "default": 3, "enum": [1, 3, 7]}},
        "required": ["place"]}, "return": {"type": "number"}}}
CALL = {"id": "abcdefghi", "type": "function", "function": {
    "name": "get_weather", "arguments": {"place": "Oslo", "days": 1, "x": 1.5, "y": None,
                                         "z": [True, False]}}}
DOCUMENTS = [{"doc_id": 1, "title": "A", "text": "One two."}, {"doc_id": 2, "text": "Drei\nvier."}]

CHATS = [
    [user("Hello")],
    [user("  Hello \n\n")],
    [system("You are terse."), user("Hi")],
    [system("  spaced  \n"), user("Hi"), assistant("Yes?"), user("Bye")],
    [user("a"), assistant("b"), user("c"), assistant("d"), user("e")],
    [user("1"), assistant("  two\n"), user("3"), assistant("\n\nfour")],
    [user("Grüße, 你好, مرحبا 👩‍👩‍👧 e\u0301 \u00a0\u2028 end")],
    [system("日本語で答えて。"), user("何？"), assistant("はい。"), user("'quotes' \"double\" \\ {{ x }} {% y %}")],
    [user("<|im_end|><s>[INST]</s>"), assistant("<think>x</think>y"), user("\t\ttabs\r\ncrlf")],
    [user("")],
    [system(""), user("empty system")],
    [system("/no_think please"), user("Q"), assistant("A"), user("Q2")],
    [user("x" * 500), assistant("y" * 300), user("z")],
    [user("Q"), assistant("A" * 3), user("Q2"), assistant("A2"), user("Q3"), assistant("A3"),
     user("Q4"), assistant("A4"), user("Q5")],
    [assistant("I begin"), user("no order")],
    [user("one"), user("two")],
    [user("weather?"), assistant("", tool_calls=[CALL]),
     {"role": "tool", "name": "get_weather", "tool_call_id": "abcdefghi", "content": "7 °C"},
     assistant("Seven degrees."), user("thanks")],
    [user("weather?")],
    [system("Use documents."), user("What is three?")],
    [system("s"), user("u"), assistant("a"), user("u2"), assistant("prefill")],
]


def conversations():
    out = []
    for i, chat in enumerate(CHATS):
        v = {"messages": chat, "add_generation_prompt": i % 2 == 0, "tools": None,
             "documents": None, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
             "pad_token": "<pad>"}
        if i in (16, 17):
            v["tools"] = [TOOL]
        if i == 18:
            v["documents"] = DOCUMENTS
        if i == 13:
            v["enable_thinking"] = False
        if i == 5:
            v["date_string"] = "01 Jan 2030"
        out.append(v)
    return out


def render(env, source, variables):
    try:
        return env.from_string(source).render(**variables)
    except Exception as e:
        return None if not os.environ.get("VERBOSE") else print(repr(e), source)


V = {"n": 7, "neg": -7, "f": 2.5, "big": 1e16, "s": "Héllo wörld", "e": "", "t": True,
     "none": None, "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "d": {"b": 1, "a": {"x": [1, 2]}},
     "ms": [{"role": "user", "content": "u1", "n": 2}, {"role": "bot", "content": "b1", "n": 1},
            {"role": "user", "content": "u2"}], "html": "<a href='x'>\"&\"</a>", "nl": "a\nb\n\nc\n",
     "nested": [[1, 2], [3, 4]], "quote": "it's", "both": "it's \"x\"", "ctrl": "\t\x01\x7f\u00ad"}

FEATURES = r"""
{{ n }} {{ f }} {{ 1.0 }} {{ big }} {{ t }} {{ none }} {{ l }} {{ d }} {{ missing }}
{{ ls }} {{ quote }} {{ [quote, both, ctrl, s] }} {{ (1, 'a') }} {{ (1,) }} {{ {} }} {{ [] }}
{{ n + 1 }} {{ n - 9 }} {{ n * 3 }} {{ n / 2 }} {{ n // 2 }} {{ neg // 2 }} {{ neg % 3 }} {{ n ** 2 }} {{ 2 ** -1 }}
{{ -n }} {{ +n }} {{ - n ** 2 }} {{ -2 ** 2 }} {{ 7 // -2 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 'a' ~ 1 ~ none ~ 2.0 ~ missing }} {{ 'a' + 'b' 'c' }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ [0] * 3 }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ True == 1 }} {{ 'a' == 1 }} {{ [1, 2] < [1, 3] }}
{{ 1 in l }} {{ 9 not in l }} {{ 'll' in s }} {{ 'b' in d }} {{ 'x' in missing }} {{ not t }} {{ not not e }}
{{ t and e }} {{ e or 'x' }} {{ none or 0 or 'z' }} {{ 'y' if t else 'n' }} {{ 'y' if e }}|{{ 1 if 0 else 2 if 0 else 3 }}
{{ l[0] }} {{ l[-1] }} {{ l[9] }} {{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ s[1:4] }} {{ s[::-1] }} {{ s[-3:] }} {{ s[0] }}
{{ d.a.x[1] }} {{ d['b'] }} {{ d.missing }} {{ d['a']['x'] }} {{ ms[0].role }} {{ nested.0.1 }} {{ s.nothing }} {{ n.nothing }}
{% for x in l %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for x in [] %}x{% else %}none{% endfor %} {% for x in missing %}x{% else %}none{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %} {% for k in d %}{{ k }}{% endfor %} {% for c in s %}{{ c }}.{% endfor %}
{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}
{% for a, b in nested %}{{ a }}-{{ b }} {% endfor %} {% for i in range(3) %}{{ i }}{% endfor %} {{ range(5, 0, -2) | list }}
{% for x in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }} {% endfor %}
{% for x in l %}{% for y in l %}{{ loop.depth }}{{ x }}{{ y }}{% if y == 1 %}{% break %}{% endif %}{% endfor %};{% endfor %}
{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% set x = 1 %}{% for i in l %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(a=1, b='z') %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set a = [1, 2] %}{{ a }} {% set t2 = 1, %}{{ t2 }}
{% set x %}block {{ n }}{% endset %}[{{ x }}] {% set y | upper %}shout{% endset %}{{ y }}
{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if n > 9 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if n > 9 %}a{% elif n > 8 %}b{% else %}c{% endif %}
{% if t %}{% set q = 5 %}{% endif %}{{ q }}
{% macro m(a, b='d', c=none) %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(1, c=3) }}{{ m() }} {{ m('x') | upper }}
{% macro w(x) %}[{{ caller(x) }}]{% endmacro %}{% call(y) w(3) %}in {{ y }}{% endcall %}
{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(4) }}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }} {% filter upper %}abc {{ s }}{% endfilter %}
{% generation %}gen {{ n }}{% endgeneration %}
{{ s | upper }} {{ s | lower }} {{ s | title }} {{ s | capitalize }} {{ s | length }} {{ l | length }} {{ d | length }} {{ s | first }} {{ l | last }}
{{ l | join(', ') }} {{ ms | join('|', attribute='role') }} {{ l | sort }} {{ ls | sort }} {{ ls | sort(reverse=true) }} {{ ls | sort(case_sensitive=true) }}
{{ ms | map(attribute='role') | list }} {{ ls | map('upper') | join }} {{ ms | selectattr('role', 'equalto', 'user') | list | length }} {{ ms | rejectattr('n', 'defined') | map(attribute='content') | list }}
{{ l | select('odd') | list }} {{ l | reject('>', 1) | list }} {{ ms | selectattr('n') | map(attribute='n') | sum }} {{ l | sum }} {{ l | min }} {{ l | max }} {{ ls | unique | list }}
{{ e | default('x') }}|{{ e | default('x', true) }}|{{ missing | d('y') }}|{{ missing | default }}|
{{ '  a b ' | trim }}| {{ 'xxaxx' | trim('x') }} {{ 'a-b-c' | replace('-', '+') }} {{ 'aaa' | replace('a', 'b', 2) }} {{ html | e }} {{ html | safe }}
{{ nl | indent }}| {{ nl | indent(2, true) }}| {{ nl | indent(2, blank=true) }}|
{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ 3.9 | int }} {{ '2.5' | float }} {{ n | float }} {{ -3 | abs }} {{ 2.567 | round(1) }} {{ 2.5 | round }} {{ 2.1 | round(0, 'ceil') }}
{{ d | tojson }} {{ ms | tojson }} {{ [1, 2.0, none, true, "é\n\"\\/"] | tojson }} {{ 'x' | tojson }} {{ {} | tojson(indent=2) }}
{{ d | tojson(indent=2) }} {{ [] | tojson(indent=4) }} {{ d | tojson(sort_keys=true) }} {{ ctrl | tojson }} {{ 1e16 | tojson }}
{{ d | items | list }} {{ d | dictsort }} {{ d | list }} {{ 'abc' | list }} {{ 'abc' | reverse }} {{ l | reverse | list }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 0) | list }}
{{ 5 | string ~ 'x' }} {{ '%s-%d' | format('a', 3) }} {{ '%s' % 'q' }} {{ 'a b c' | wordcount }} {{ 'a b/c?ü' | urlencode }} {{ ms | map(attribute='n', default=0) | list }}
{{ s.upper() }} {{ s.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' x  y '.split(none, 1) }} {{ nl.splitlines() }} {{ ''.split() }} {{ ''.split(',') }}
{{ ' a '.strip() }}| {{ ' a '.lstrip() }}| {{ ' a '.rstrip() }}| {{ 'xyaxy'.strip('yx') }} {{ s.startswith('H') }} {{ s.endswith(('x', 'd')) }} {{ s.find('w') }} {{ s.rfind('l') }} {{ s.find('zz') }} {{ s.count('l') }}
{{ 'a-b'.replace('-', '') }} {{ 'aXbX'.replace('X', 'Y', 1) }} {{ ', '.join(ls) }} {{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }}
{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '{} {}'.format(1, 'b') }} {{ '{1}{0}{x}{{}}'.format('a', 'b', x=2) }}
{{ d.get('b') }} {{ d.get('zz') }} {{ d.get('zz', 9) }} {{ d.keys() | list }} {{ d.values() | list }} {{ l.index(2) }} {{ [1, 1, 2].count(1) }}
{{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ n is defined }} {{ missing is not defined }} {{ none is none }} {{ s is string }} {{ d is mapping }} {{ l is iterable }} {{ s is sequence }} {{ n is number }} {{ f is float }} {{ t is boolean }} {{ t is true }} {{ n is integer }} {{ t is integer }} {{ n is eq 7 }} {{ n is in [7] }} {{ n is gt 3 }} {{ s is upper }} {{ 'ab' is lower }} {{ range is callable }} {{ n is sameas 7 }}
{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %y %I %p %-d %-m %% %a') }}
{{ "esc \n \t \\ \" \x41 \u00e9 \q \101" }} {{ 'single \' q' }} {{ 0x10 if false else 1_000 }} {{ 1.5e3 }} {{ 1e-5 }}
{%- if true -%}   tight   {%- endif -%}   x {{- ' y ' -}}   z
a {#- comment -#} b {# plain #} c
{% raw %}{{ not }} {% this %}{% endraw %} {%- raw -%}  tight {{ x }}  {%- endraw -%}  after
{{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ {'a': 1, 'b': [1, {'c': none}]} }} {{ {1: 2, 'a': 'b',} }} {{ [1, 2,] }}
{{ 'a' in ['a'] and 'b' not in ['a'] }} {{ (1 if t else 2) + 3 }} {{ l[n - 7] }} {{ l[:n // 4] }} {{ (l | sort)[0] }} {{ ms[-1]['content'][0] }} {{ 'x' ~ (1 + 2) }}
{{ loop }}{{ caller }} {% for x in l %}{{ loop.changed(x > 1) }}{% endfor %} {{ none is not none }} {{ missing is none }}
{{ raise_exception('boom') }}
{{ l.append(4) }}
{{ missing.x }}
{{ missing + 1 }}
{{ 'a' + 1 }}
{{ 1 < 'a' }}
{{ none.x.y }}
{{ n() }}
{{ missing() }}
{{ 1 / 0 }}
{% for x in n %}{% endfor %}
{{ m2(1) }}{% macro m2(a) %}{% endmacro %}
{% macro m3(a) %}{% endmacro %}{{ m3(1, 2) }}
{{ [1, 2] | first }} {{ [] | first }} {{ '' | last }} {{ {'a': 1} | first }} {{ 'é' | upper }} {{ 'ÄÖ' | lower }} {{ 'straße' | upper }}
{{ d.items() | list }} {% for k, v in d | dictsort(reverse=true) %}{{ k }}{% endfor %} {{ l | length > 2 }} {{ l | length == 3 and t }} {{ not l | length == 2 }}
""".strip("\n").split("\n")

BLOCKS = [
    "{% if true %}\n  a\n{% endif %}\nb\n",
    "  {% if true %}\n  a\n  {% endif %}\n  b\n\n",
    "x  {% if true %}y{% endif %}  \n  {# c #}\nz",
    "{% for x in l %}\n    {{ x }}\n{% endfor %}\n",
    "{% for x in l -%}\n    {{ x }}\n{%- endfor %}\n",
    "{%+ if true %}\n a {%- endif +%}\n b",
    "  {%+ if true +%}\n a\n  {%- endif %}\n b",
    "a\r\nb\rc\n{% if true %}\r\nd{% endif %}\r\n",
    "\n\n{{ n }}\n\n",
    "{{ n }}\n{{ n -}}\n{{- n }}",
    "{#- a -#}\n\n x\n {#- b #}\n y {# c -#}\n z",
    "{% macro m(a) -%}\n  {{ a }}\n{%- endmacro -%}\n{{ m(1) }}\n",
    "\t{% set x = 1 %}\t\n{{ x }}",
    "{% set x %}\n  a\n{% endset %}\n[{{ x }}]",
    "{{ '{{' }} {{ \"%}\" }} {{ {'a': {'b': 1}}.a.b }} {{ {'x': '}}'} }}",
    "{% raw %}\n {{ a }}\n{% endraw %}\n x",
    " {% raw -%}\n  a {{ b }}\n {%- endraw %} \n c",
    "{% if messages is defined %}a{% else %}b{% endif %}{# {{ x }} {% y %} #}c",
]


def main():
    templates, out = sys.argv[1:]
    env = environment()
    chats = conversations()
    with open(f"{out}/chat_conversations.json", "w") as f:
        json.dump(chats, f, separators=(",", ":"))
    with open(f"{out}/chat_templates.jsonl", "w") as f:
        for name in sorted(os.listdir(templates)):
            source = open(f"{templates}/{name}", encoding="utf-8").read()
            for i, v in enumerate(chats):
                text = render(env, source, v)
                row = {"template": name, "conversation": i, "sha256": None}
                if text is not None:
                    row["sha256"] = hashlib.sha256(text.encode()).hexdigest()
                    row["len"] = len(text.encode())
                f.write(json.dumps(row, separators=(",", ":")) + "\n")
    with open(f"{out}/chat_features.jsonl", "w") as f:
        f.write(json.dumps({"vars": V}) + "\n")
        for source in FEATURES + BLOCKS:
            f.write(json.dumps({"template": source, "want": render(env, source, V)}) + "\n")


main()
