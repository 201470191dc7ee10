"""Languages: each catalogue is whole, and nothing that readers see stays English by accident."""

from __future__ import annotations

import gettext
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import write_po
from hypothesis import given
from hypothesis import strategies as st

from digest import locales
from digest.locales import catalogues
from digest.mail.messages import extraction
from digest.model import Part, PartKind, QuietReason, Score
from digest.ranking.scores import write_reason
from tests import golden

LANGUAGES = [code for code in locales.languages() if code != locales.ENGLISH]
#: where each language's forms stand in its catalogue for 0, 1, 2, 5 and 21
FORMS = {"de": (1, 0, 1, 1, 1), "fr": (0, 0, 1, 1, 1)}
_VALUE = re.compile(r"%\((\w+)\)s|(%%)")
_TAG = re.compile(r"</?\w+[^>]*>")


def forms(entry: Entry) -> tuple[list[str], list[str]]:
    """The English forms of a message, and its translations."""
    ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
    translated = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
    return ids, translated


def names(text: str) -> set[str]:
    return {match[1] or match[2] for match in _VALUE.finditer(text)}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_has_every_message_and_no_other(code: str) -> None:
    wanted = {entry.id for entry in extraction.collect_messages() if entry.id}
    catalogue = extraction.read_catalogue(code)
    held = {entry.id for entry in catalogue if entry.id}
    advice = "run: python -m digest.mail.messages.extraction, and translate what is new"
    assert wanted - held == set(), advice
    assert held - wanted == set(), advice
    assert not catalogue.obsolete
    assert extraction.find_missing(catalogue) == [], advice
    assert [entry.id for entry in catalogue if entry.id and entry.fuzzy] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_refresh_changes_nothing(code: str) -> None:
    assert extraction.refresh(code) == (catalogues.FOLDER / f"{code}.po").read_text("utf-8")


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_keep_values_markup_and_edges(code: str) -> None:
    catalogue = extraction.read_catalogue(code)
    for entry in catalogue:
        if not entry.id:
            continue
        ids, translated = forms(entry)
        assert len(translated) == (1 if isinstance(entry.id, str) else catalogue.num_plurals)
        for text in translated:
            # "in a minute" does without its number; no form may have a value that is not given
            known = set().union(*map(names, ids))
            optional = {"num"} if len(ids) > 1 else set()
            assert (
                known - optional <= names(text) <= known | {"num"}
                if len(ids) > 1
                else (names(text) == known)
            ), text
            assert sorted(_TAG.findall(text)) == sorted(_TAG.findall(ids[0])), text
            assert text.replace("%%", "").count("%") == len(_VALUE.findall(text.replace("%%", "")))
            assert (text[:1].isspace(), text[-1:].isspace()) == (
                ids[0][:1].isspace(),
                ids[0][-1:].isspace(),
            ), text
            # a message stands beside values and in attributes, so it brings no markup of its own
            assert not set("<>&") & set(_TAG.sub("", text)), text


def plural_index(code: str, number: int) -> int:
    """The form that the catalogue chooses, as its reader does."""
    catalogue = catalogues.load_catalogue(code)
    assert isinstance(catalogue, gettext.GNUTranslations)
    return int(catalogue.plural(number))  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_right_form_goes_with_a_number(code: str) -> None:
    assert tuple(plural_index(code, number) for number in (0, 1, 2, 5, 21)) == FORMS[code]


@pytest.mark.parametrize("code", LANGUAGES)
def test_forms_agree_with_the_rules_of_unicode(code: str) -> None:
    rule = Locale.parse(code).plural_form
    by_category: dict[str, set[int]] = {}
    for number in range(1000):
        by_category.setdefault(rule(number), set()).add(plural_index(code, number))
    assert all(len(indices) == 1 for indices in by_category.values())


# ----------------------------------------------------------------------------------------------
# days, numbers, lists


def test_english_needs_no_data() -> None:
    day = date(2026, 6, 9)
    assert locales.format_date(day) == "9 June"
    assert locales.format_date(day, weekday=True, year=True) == "Tuesday, 9 June 2026"
    assert locales.format_number(1234567) == "1,234,567"
    assert [locales.join_names(["a", "b", "c"][:count]) for count in range(4)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("code", "first", "other", "number", "names_joined"),
    [
        ("de", "Montag, 1. Juni 2026", "Dienstag, 9. Juni", "1.200", "a, b und c"),
        ("fr", "lundi 1er juin 2026", "mardi 9 juin", "1\u202f200", "a, b et c"),
    ],
)
def test_days_numbers_and_lists(
    code: str, first: str, other: str, number: str, names_joined: str
) -> None:
    with locales.use_language(code):
        assert locales.format_date(date(2026, 6, 1), weekday=True, year=True) == first
        assert locales.format_date(date(2026, 6, 9), weekday=True) == other
        assert locales.format_number(1200) == number
        assert locales.join_names(["a", "b", "c"]) == names_joined


@given(st.dates())
def test_a_stored_day_is_translated_and_anything_else_left_alone(day: date) -> None:
    with locales.use_language("de"):
        stored = f"{day.day} {locales.MONTHS[day.month - 1]}"
        assert locales.translate_day(stored) == locales.format_date(day)
        assert locales.translate_day(f"{stored}!") == f"{stored}!"


# ----------------------------------------------------------------------------------------------
# the language of a context


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ""),
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("nl, fr;q=0.8, de;q=0.9", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("FR-ca", "fr"),
        ("*", ""),
        ("tlh", ""),
        ("de;q=2", ""),
        ("de_DE", ""),
    ],
)
def test_a_browser_gets_what_it_likes_best(header: str, expected: str) -> None:
    assert locales.choose_language(header, "") == expected


@given(st.text(max_size=300) | st.text("defrn-;,=q.01 *", max_size=300))
def test_any_header_gives_a_language(header: str) -> None:
    assert locales.choose_language(header) in locales.languages()


def test_a_language_is_that_of_its_thread() -> None:
    met = threading.Barrier(2, timeout=10)
    heard: dict[str, str] = {}

    def speak(code: str) -> None:
        with locales.use_language(code):
            met.wait()
            heard[code] = locales.gettext("Unsubscribe")
            met.wait()

    threads = [threading.Thread(target=speak, args=(code,)) for code in ("de", "fr")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"de": "Abmelden", "fr": "Se désabonner"}
    assert locales.current_language() == "en"


@pytest.mark.parametrize("code", ["", "xx", "../../etc/passwd", "de\0"])
def test_an_unknown_language_is_english(code: str) -> None:
    with locales.use_language(code):
        assert locales.gettext("Unsubscribe") == "Unsubscribe"


# ----------------------------------------------------------------------------------------------
# whole mails


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("case", [case for case in golden.cases() if "hostile" not in case])
def test_a_mail_fits_its_width_in_every_language(code: str, case: str) -> None:
    message = golden.write(case, code)
    parsed = message_from_bytes(message.data, policy=policy.default)
    assert parsed["Subject"] == message.subject
    assert f'<html lang="{code}" dir="ltr"' in message.html
    long = [line for line in message.text.splitlines() if len(line) > 72 and "<" not in line]
    assert long == []


def test_languages_do_not_mix_in_cached_cards() -> None:
    languages = ("en", "de", "fr", "en", "de", "fr")
    written = [golden.write("digest-plain", code).html for code in languages]
    assert written[:3] == written[3:]
    assert len(set(written)) == 3
    assert "Weniger davon" not in written[0] + written[2]


# ----------------------------------------------------------------------------------------------
# a language is one file


def shout(text: str) -> str:
    """A text in letters that no English word has, with its values and markup as they are."""
    kept = re.split(r"(%\(\w+\)s|%%|<[^>]*>)", text)
    return "".join(
        part if number % 2 else re.sub("[A-Za-z]", "ŵ", part) for number, part in enumerate(kept)
    )


@pytest.fixture(scope="module")
def pseudo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locales")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "FOLDER", folder)
        write_pseudo_catalogue(folder)
    return folder


def write_pseudo_catalogue(folder: Path) -> None:
    """Write a catalogue that translates every message into no language."""
    code = "ar"  # written from right to left, with six plural forms
    (folder / f"{code}.po").write_text(extraction.refresh(code), "utf-8")
    catalogues.forget_catalogues()
    catalogue = extraction.read_catalogue(code)
    for entry in catalogue:
        if isinstance(entry.id, str):
            entry.string = shout(entry.id) if entry.id else entry.string
        else:
            entry.string = (shout(entry.id[1]),) * catalogue.num_plurals
    with (folder / f"{code}.po").open("wb") as file:
        write_po(file, catalogue)


@pytest.fixture
def pseudo(pseudo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language that somebody has just added: one more file."""
    for file in catalogues.FOLDER.glob("*.po"):
        shutil.copy(file, pseudo_folder)
    monkeypatch.setattr(catalogues, "FOLDER", pseudo_folder)
    catalogues.forget_catalogues()
    yield "ar"
    monkeypatch.undo()
    catalogues.forget_catalogues()


def test_one_file_adds_a_language(pseudo: str) -> None:
    assert pseudo in locales.languages()
    assert locales.language_names()[pseudo] == "العربية"
    assert locales.choose_language("ar-EG, de;q=0.5") == pseudo
    with locales.use_language(pseudo):
        assert locales.gettext("Unsubscribe") == "ŵ" * len("Unsubscribe")
        assert locales.text_direction(locales.current_language()) == "rtl"


def test_a_message_without_translation_stays_english(pseudo: str) -> None:
    with locales.use_language(pseudo):
        assert locales.gettext("Nobody has translated this.") == "Nobody has translated this."
        one = "%(num)s horse"
        assert locales.ngettext(one, "%(num)s horses", 2) in ("2 horses", "٢ horses")


#: what a mail may say in Latin letters whatever its language: names, addresses, formats
_NAMES = re.compile(
    r"<[^>]*>|https?://\S+|mailto:\S+|[\w.+…-]+@[\w.-]+|[a-z-]+\.[A-Z]{2}|arXiv:\S+"
    "|Daily Papers|UTC|PDF|HTML"
)
#: fields of the input that hold words for people
_WORDS = (
    *("title", "abstract", "authors", "reason", "label", "name", "interest", "text", "keywords"),
    *("venue", "comment", "dumps", "postal_address", "asked", "features", "words", "calibration"),
)


def words_left(text: str) -> set[str]:
    """Latin words of a text that `_NAMES` does not explain."""
    return set(re.findall("[A-Za-z]{2,}", _NAMES.sub(" ", text)))


def visible_text(html: str) -> str:
    """What a page or mail shows or has read out."""
    html = re.sub(r"(?s)<!--.*?-->|<style>.*?</style>|<title>.*?</title>", " ", html)
    labels = " ".join(re.findall(r'(?:aria-label|alt|placeholder)="([^"]*)"', html))
    return re.sub(r"<[^>]*>|&#?\w+;", " ", f"{html} {labels}")


@pytest.mark.parametrize(
    "case", [case for case in golden.cases() if not case.startswith(("alert", "digest-hostile"))]
)
def test_a_mail_holds_no_english_of_ours(pseudo: str, case: str) -> None:
    def hide(field: str, text: str) -> str:
        is_hidden = field in _WORDS and text not in list(QuietReason)
        return re.sub("[A-Za-z]", "ж", text) if is_hidden else text

    message = golden.write_changed(case, hide, pseudo)
    for text in (message.subject, message.text, visible_text(message.html)):
        # a model is a name: the recipe that ranked
        assert words_left(text) - {"thumbs", "trending", "keywords", "Europe", "Berlin"} == set()
    assert f'<html lang="{pseudo}" dir="rtl"' in message.html
    assert "ŵ" in message.text


PARTS: list[tuple[PartKind, str]] = [
    ("author", "1"),
    ("keyword", "1"),
    ("category", "1"),
    ("word", "1"),
    ("word", "1 2"),
    ("topic", "1"),
    ("pick", "29 August, no. 3"),
    ("pick", "29 August"),
    ("readers", "1"),
    ("upvotes", "1"),
    ("upvotes", "7"),
    ("recency", "29 August"),
    ("near", "1"),
]


def make_score(*parts: tuple[PartKind, str], value: float = 1.0, **fields: Any) -> Score:
    made = tuple(Part(kind=kind, name=name, value=value) for kind, name in parts)
    return Score(paper_id=1, value=value, parts=made, **fields)


@given(st.lists(st.sampled_from(PARTS), max_size=4), st.booleans(), st.booleans())
def test_no_reason_is_left_in_english(
    parts: list[tuple[PartKind, str]], is_example: bool, is_against: bool
) -> None:
    score = make_score(
        *parts,
        value=-1.0 if is_against else 1.0,
        nearest=("1", 0.5),
        nearest_is_example=is_example,
    )
    english = write_reason(score)
    for code in LANGUAGES:
        with locales.use_language(code):
            reason = write_reason(score)
        assert reason[:1] == reason[:1].upper()
        assert reason.endswith(".")
        assert reason != english
        assert not re.search(r"\b(you|which|like|new|the|speaks|August,)\b", reason)
