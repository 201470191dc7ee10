"""Cleaning, cutting and wrapping foreign text; dates and links."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.messages import texts
from tests.examples import examples

anything = st.text(st.characters(), max_size=400)
quietly = settings(database=None, max_examples=examples(150))


def width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def test_a_title_with_a_line_break_is_one_line() -> None:
    assert (
        texts.one_line("A title\r\nBcc: x@example.org\u2028and\tmore ")
        == "A title Bcc: x@example.org and more"
    )


def test_direction_overrides_are_dropped_and_joiners_stay() -> None:
    assert texts.one_line("a\u202eb\u2066c\u2069 👩\u200d🔬") == "abc 👩\u200d🔬"


@quietly
@given(anything)
def test_one_line_is_always_one_clean_line_that_can_be_encoded(text: str) -> None:
    clean = texts.one_line(text)
    clean.encode("utf-8")
    assert len(clean.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in clean)
    assert clean == texts.one_line(clean)


def test_a_cut_falls_between_words_and_shows_itself() -> None:
    assert texts.cut("one two three four", 12) == "one two…"
    assert texts.cut("one two", 7) == "one two"


def test_a_cut_does_not_part_an_accent_from_its_letter() -> None:
    assert texts.cut("aaae\u0301bbbb", 5) == "aaa…"


@quietly
@given(anything, st.integers(5, 100))
def test_a_cut_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(texts.cut(text, limit)) <= limit


@quietly
@given(anything, st.integers(0, 8))
def test_wrapped_lines_fit_and_lose_no_word(text: str, indent: int) -> None:
    text = texts.one_line(text)
    wrapped = texts.wrap(text, indent)
    assert all(width(line) <= texts.WIDTH for line in wrapped.split("\n"))
    assert "".join(wrapped.split()) == "".join(text.split())


def test_a_date_and_a_count_stand_in_one_line_of_html_and_are_plain_text_in_the_text_part() -> None:
    assert (
        texts.tie_last_words("Friday, 12 June"),
        texts.tie_last_words("42 upvotes"),
        texts.tie_last_words("picked"),
    ) == (
        "Friday, 12\u00a0June",
        "42\u00a0upvotes",
        "picked",
    )
    assert (
        texts.wrap(texts.tie_last_words("8 papers for Friday, 12 June"))
        == "8 papers for Friday, 12 June"
    )


def test_words_before_and_after_are_wrapped_with_the_text() -> None:
    assert texts.wrap("one", 4, "Why: ", ".") == "    Why: one."
    wrapped = texts.wrap("word " * 30, 4, "Why: ")
    assert wrapped.startswith("    Why: word")
    assert wrapped.split("\n")[1].startswith("    word")


@quietly
@given(st.lists(st.text("abé·ü-", min_size=1, max_size=70), max_size=40), st.integers(0, 8))
def test_the_quick_way_of_wrapping_gives_what_the_careful_one_does(
    words: list[str], indent: int
) -> None:
    margin = " " * indent
    careful = "\n".join(margin + line for line in texts._wrap_words(words, texts.WIDTH - indent))
    assert texts.wrap(" ".join(words), indent) == careful


def test_days_are_english() -> None:
    assert texts.format_date(date(2026, 6, 12), weekday=True) == "Friday, 12 June"
    assert texts.format_date(date(2026, 6, 12), year=True) == "12 June 2026"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((1, 2, 3, 4, 5, 6, 7), "every day"),
        ((1, 2, 3, 4, 5), "from Monday to Friday"),
        ((4, 1), "on Monday and Thursday"),
        ((6,), "on Saturday"),
    ],
)
def test_weekdays_are_said_in_words(days: tuple[int, ...], words: str) -> None:
    assert texts.weekday_phrase(days) == words


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org/x",
        "ftp://example.org",
        "https://",
        "http://[::1",
        "",
        "no address",
        "https://a:b/",
    ],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert texts.clean_url(url) == ""


def test_an_address_is_fit_for_quotes_and_angle_brackets() -> None:
    assert texts.clean_url('https://example.org/a<b>"c d') == "https://example.org/a%3Cb%3E%22c%20d"
    assert (
        texts.clean_url("https://bücher.example/ü?q=1&r=%20#x")
        == "https://xn--bcher-kva.example/%C3%BC?q=1&r=%20#x"
    )


@quietly
@given(anything)
def test_an_address_never_breaks_out(text: str) -> None:
    url = texts.clean_url(f"https://example.org/{text}")
    assert url.isascii()
    assert not set(url) & set('<>" \r\n\t\x00')


_ADDRESSES = st.from_regex(texts._PLAIN_ADDRESS, fullmatch=True) | st.text(
    alphabet="htps:/.?#[]@ab1-%é ", max_size=30
).map("https://".__add__)


@quietly
@given(_ADDRESSES)
def test_the_fast_path_of_a_clean_address_equals_the_slow_one(url: str) -> None:
    assert texts.clean_url(url) == texts._clean_unusual_url(url)
