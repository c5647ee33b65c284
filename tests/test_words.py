"""What scripts say to a reader is in text/words/en.js, all of it and no more."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import ROOT

SCRIPTS = ROOT / "static" / "js"
ENGLISH = SCRIPTS / "text" / "words" / "en.js"
# What has a blank in it and is for no reader's eyes or ears; `…` stands for a value.
SILENT = {
    *(
        ".loss svg",
        ".stage svg",
        "surface scale",
        "tbody td",
        "tbody th",
        "thead th:not(:first-child)",
        ".legend path",
    ),  # selectors
    *("bar gamma", "mark beta", "stops start", "title desc"),  # names of classes and elements
    *("run of ……", "runs of …", "training step"),  # keys
    *("(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(scripting: none)"),
    "not all",  # a media query
    *("bars fill-…", "d x y dx dy x1 y1 x2 y2 cx cy r rx ry width height points transform viewBox"),
    "preserveAspectRatio text-anchor clip-path",
    '<svg xmlns="http://www.w3.org/2000/svg" id="dark" viewBox="0 0 …"',
    "python -m app train … --seed … --set …=…",
    *(
        "… did not load",
        "no canvas context",
        "… is two colours on dark paper",
    ),  # errors that the page doesn't show
}
SLOT = "…"
COMMENT = re.compile(r"(?m)(?:^|(?<=\s))(?://.*$|/\*\*(?s:.*?)\*/)")
PATTERN = re.compile(r"(?:(?<=\()|(?<=[=,] ))/(?![/*])(?:\\.|\[[^\]\n]*\]|[^/\\\n])+/|'\"'")
TEMPLATE = re.compile(r"`(?:\\.|\$\{(?:[^`{}]|\{[^`{}]*\})*\}|[^`\\$]|\$(?!\{))*`")
VALUE = re.compile(r"\$\{(?:[^`{}]|\{[^`{}]*\})*\}")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
FONT = "sans-serif"
SENTENCE = re.compile(r"[^\W\d_]{2,}[,.:;]? [^\W\d_]{2,}")
# What a reader sees or hears, set to a text that stands right there.
SAID = re.compile(r'\b(?:textContent|aria[A-Z]\w+|title) = (?:[^;\n]*\? )?["`](?!python)\w{2,}')


def modules() -> Iterator[Path]:
    for path in sorted(SCRIPTS.rglob("*.js")):
        if path.parent != ENGLISH.parent:
            yield path


def literals(source: str) -> Iterator[str]:
    """The texts in a script, the inner templates before those around them."""
    code = PATTERN.sub("0", COMMENT.sub("", source))
    # One at a time: the first that closes before another opens is the innermost.
    while found := TEMPLATE.search(code):
        yield VALUE.sub(SLOT, found[0][1:-1])
        code = code[: found.start()] + "0" + code[found.end() :]
    yield from STRING.findall(code)


def keys() -> set[str]:
    """As live.waiting, of the English words."""
    found, module = set(), ""
    for line in ENGLISH.read_text().splitlines():
        if opened := re.fullmatch(r"  (\w+): \{", line):
            module = opened[1]
        elif key := re.match(r"    (\w+):", line):
            found.add(f"{module}.{key[1]}")
    return found


def test_a_script_s_texts_are_found() -> None:
    source = (
        'say("Two words"); // "no text"\nshow(`Step ${of({ a: `in ${b}` })} of`, /["]/, "x y");'
    )
    assert set(literals(source)) == {"Two words", "in …", "Step … of", "x y"}


def test_every_word_is_used_and_every_used_word_exists() -> None:
    scripts = "".join(path.read_text() for path in modules())
    used = {".".join(found) for found in re.findall(r"\bwords\.(\w+)\.(\w+)", scripts)}
    assert used == keys()
    assert len(used) > 100


def test_no_other_script_has_a_sentence() -> None:
    sentences = {
        f"{path.name}: {text}"
        for path in modules()
        for text in literals(path.read_text())
        if SENTENCE.search(text) and text not in SILENT and not text.endswith(FONT)
    }
    assert not sentences


def test_no_other_script_says_a_word() -> None:
    said = {
        f"{path.name}: {found}" for path in modules() for found in SAID.findall(path.read_text())
    }
    assert not said
