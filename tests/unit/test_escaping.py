"""Text from outside: no forged lines, terminal commands or spreadsheet formulas."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.escaping import (
    escape_csv_cell,
    escape_json,
    escape_lines,
    escape_to_one_line,
    unescape_csv_cell,
)

ANYTHING = st.text(st.characters(codec=None), max_size=60)
HARM = "a\nb\r\x1b[31m\x9b2J\u202e\u2066\u2028\x85\x00\udc80\U000e0041\u200b"


def find_harmful(text: str) -> set[str]:
    """Find characters that a terminal, an editor or `splitlines` would act on."""
    joiners = "\u200c\u200d"
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return {
        char
        for char in text
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or (unicodedata.bidirectional(char) in bidi and char not in joiners)
    }


@given(ANYTHING)
@example(HARM)
def test_a_line_has_no_harmful_characters(text: str) -> None:
    shown = escape_to_one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not find_harmful(shown)
    assert find_harmful(escape_lines(text)) <= {"\n"}
    assert escape_to_one_line(shown) == shown


def test_harmful_characters_are_escaped_and_scripts_stay() -> None:
    assert escape_to_one_line("a\nb\x1b[31m\u202e") == r"a\nb\x1b[31m\u202e"
    for text in ("Kočí, Müller", "می‌خواهم", "हिन्दी", "👩‍🔬", "שלום", "日本語"):
        assert escape_to_one_line(text) == text


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
@example([HARM.replace("\udc80", "")])
def test_escaped_json_has_the_same_meaning(value: object) -> None:
    text = escape_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert find_harmful(text) <= {"\n"}


@given(st.text(st.sampled_from("'=+-@\t\r\n＝ab,\""), max_size=6) | st.text())
def test_a_cell_is_never_a_formula_and_can_be_unescaped(value: str) -> None:
    cell = escape_csv_cell(value)
    assert unescape_csv_cell(cell) == value
    assert not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))


@pytest.mark.parametrize("value", ["", "a@b.org", "it's", "'quoted'", "2026-06-09", "a=b"])
def test_a_harmless_cell_stays_as_it_is(value: str) -> None:
    assert escape_csv_cell(value) == value
