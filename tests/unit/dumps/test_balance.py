"""Every entry of a file is reported: parsers agree with an independent count.

By rule no entries: BibTeX's @comment, @string and @preamble, lines that begin with %, comments and
blank lines of an id-list, the header and blank lines of a CSV. A notice counts once for each paper
that it takes back.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from digest.dumps import FORMATS, open_dump
from digest.dumps.stream import Source
from digest.model import Record, Rejected, Removal, Skipped
from tests.examples import examples
from tests.unit.dumps.conftest import GOLDEN, TODAY, MakeDump, rejections, titles
from tests.unit.dumps.crude_counts import COUNTED
from tests.unit.dumps.every_format import PARTS, format_text

Outcome = Record | Removal | Skipped | Rejected


def test_every_format_is_counted() -> None:
    assert COUNTED.keys() == FORMATS.keys()


def read_text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode(
        "utf-8-sig", "replace"
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_sample_gives_as_many_outcomes_as_it_has_entries(path: Path) -> None:
    dump = open_dump(path, today=TODAY)
    assert len(list(dump.records())) == COUNTED[dump.format](read_text(path))


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["huggingface", "arxiv"])
def test_a_real_dump_gives_as_many_outcomes_as_it_has_entries(folder: str, shared: Path) -> None:
    for path in sorted((shared / "dumps" / folder).iterdir())[:5]:
        dump = open_dump(path, today=TODAY)
        assert len(list(dump.records())) == COUNTED[dump.format](read_text(path)) > 0


# ---------------------------------------------------------------------- odd and damaged entries


WORDS = st.sampled_from(
    [
        "Graphs",
        "café",
        "{Braces}",
        "a & b",
        "x < y",
        "50 %",
        "R&D",
        "“quoted”",
        "",
        " ",
        "=",
        "naïve # 2",
        "@home",
    ]
)
#: JSON values in the place of a record; in a Zotero library, numbers are not items
NO_RECORDS = ["{}", '{"title": 5}', "null", "17", '"text"', '{"title": null}']


def kind_of(format: str) -> str:
    _, record, *_ = PARTS[format]
    return "json" if record.startswith("{") else "xml" if record.startswith("<") else format


@settings(max_examples=examples(40))
@given(
    titles=st.lists(st.lists(WORDS, max_size=3).map(" ".join), min_size=1, max_size=6),
    data=st.data(),
)
@pytest.mark.parametrize("format", sorted(PARTS.keys() - {"huggingface-page"}))
def test_entries_of_odd_titles_and_of_none_at_all_are_all_reported(
    format: str, titles: list[str], data: st.DataObject
) -> None:
    kind = kind_of(format)
    marks = [
        title if kind in ("json", "bibtex", "ris") else re.sub(r"[<&#%;,]", "-", title)
        for title in titles
    ]
    marks = [json.dumps(mark)[1:-1] if kind == "json" else mark for mark in marks]
    marks = [re.sub(r"[{}]", "", mark) if kind == "bibtex" else mark for mark in marks]
    text = format_text(format, *marks)
    if kind == "json":
        before, _, between, after = PARTS[format]
        entries = [
            format_text(format, mark).removeprefix(before).removesuffix(after) for mark in marks
        ]
        odd = data.draw(
            st.lists(
                st.sampled_from(
                    [value for value in NO_RECORDS if format != "zotero" or value != "17"]
                ),
                max_size=3,
            )
        )
        entries[1:1] = odd
        text = before + between.join(entries) + after
        expected = len(titles) + len(odd)
    else:
        expected = len(titles)
    assert len(read_text_as(format, text)[1]) == expected, text


SIGNS = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    ",",
    "\n",
    "<",
    ">",
    "/",
    "@",
    "%",
    "(",
    ")",
    "=",
    "TY  - ",
    "ER  - ",
    "<item",
    "]]>",
    "@x_y{",
    ";",
]


@settings(max_examples=examples(150))
@given(
    number=st.integers(1, 5),
    place=st.floats(0, 1),
    sign=st.sampled_from(SIGNS),
    length=st.integers(0, 12),
)
@pytest.mark.parametrize("format", sorted(PARTS.keys() - {"huggingface-page", "id-list"}))
def test_no_entry_of_a_damaged_file_vanishes(
    format: str, number: int, place: float, sign: str, length: int
) -> None:
    before, _, _, after = PARTS[format]
    text = (
        format_text(format, *(f"Mark{place}mark" for place in range(number)))
        .removeprefix(before)
        .removesuffix(after)
    )
    position = int(place * len(text))
    if format == "bibtex":  # without its @, and behind a %, it is a comment by rule
        assume("@" not in text[position : position + length] and sign != "%")
    text = text[:position] + sign + text[position + length :]
    source, outcomes = read_text_as(format, before + text + after)
    raw = "\n".join(outcome.raw for outcome in outcomes)
    lost = [mark for mark in re.findall(r"Mark\dmark", text) if mark not in raw]
    rejected = [
        outcome
        for outcome in outcomes
        if isinstance(outcome, Rejected) and "mark" not in outcome.raw
    ]
    assert len(lost) <= len(rejected) or source.incomplete, text


def read_text_as(format: str, text: str) -> tuple[Source, list[Outcome]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump"
        path.write_bytes(text.encode())
        source = Source(path, name="2026-06-09", today=TODAY)
        return source, list(FORMATS[format].read(source))


# ---------------------------------------------------------------------- what was lost before


@pytest.mark.parametrize(
    "head",
    [
        "@web_page{key,",
        "@book_section{key,",
        "@inproceedings-short{key,",
        "@online.video{key,",
        "@a:b+c*d!1{key,",
        "@art\u00edculo{key,",
        "@123{key,",
        "@ article{key,",
        "@Article {key,",
        "@ARTICLE\t{ key ,",
        "@article\n{key,",
        "@article\n\n  {\n key,",
        "@article{a key of words,",
        "@article{",
        "x@article{key,",
        "Remark: @article{key,",
        ", @article{key,",
    ],
)
def test_an_entry_of_any_type_is_read(head: str, make_dump: MakeDump) -> None:
    text = (
        f"@misc{{first, title = {{First}}}}\n{head} title = {{Found}}}}\n@misc{{last, title = "
        f"{{Last}}}}\n"
    )
    assert titles(make_dump(text)) == ["First", "Found", "Last"]
    if head[0] == "@":
        assert titles(make_dump(text.replace("@misc{first, title = {First}}\n", ""), "a.bib")) == [
            "Found",
            "Last",
        ]
    unclosed = text.replace("{First}}", "{First}")
    assert titles(make_dump(unclosed)) == (
        ["Found", "Last"] if head[0] == "@" and "\n" not in head else ["Last"]
    )


@pytest.mark.parametrize(
    "head", ["@web_page(key,", "@Article (key,", "@ article(\nkey,", "@article\n(key,"]
)
def test_an_entry_in_parentheses_of_any_type_is_read(head: str, make_dump: MakeDump) -> None:
    assert titles(make_dump(f'{head} title = "Found")\n@misc{{last, title = {{Last}}}}\n')) == [
        "Found",
        "Last",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("@article key, title = {A}", "no { or ( follows its type"),
        ("@article", "no { or ( follows its type"),
        ("@{key, title = {A}}", "no type such as article"),
        ("@", "no { or ( follows its type"),
        ('@"article"{key, title = {A}}', "no { or ( follows its type"),
    ],
)
def test_a_line_that_only_begins_like_an_entry_is_rejected(
    line: str, reason: str, make_dump: MakeDump
) -> None:
    dump = make_dump(f"@misc{{a, title={{A}}}}\n{line}\n@misc{{b, title={{B}}}}\n")
    assert titles(dump) == ["A", "B"]
    assert [(number, why.partition(":")[0]) for number, why in rejections(dump)] == [(2, reason)]


@pytest.mark.parametrize(
    "line",
    [
        "@comment nothing",
        "@string nothing",
        "@preamble",
        "% @article",
        "jane@example.org {or so}",
        "a remark",
    ],
)
def test_lines_that_are_not_entries_by_rule_are_not_counted(line: str, make_dump: MakeDump) -> None:
    assert (
        len(
            list(make_dump(f"@misc{{a, title={{A}}}}\n{line}\n@misc{{b, title={{B}}}}\n").records())
        )
        == 2
    )


@pytest.mark.parametrize(
    "format", ["openalex", "semantic-scholar-api", "crossref", "zotero", "csl-json"]
)
def test_bare_records_between_pages_of_them_are_read(format: str, make_dump: MakeDump) -> None:
    key = {"openalex": "results", "semantic-scholar-api": "data"}.get(format, "items")
    records = [
        format_text(format, title)
        .strip()
        .removeprefix(PARTS[format][0])
        .removesuffix(PARTS[format][3])
        for title in "ABCD"
    ]
    page = '{"next":{"x":[1]},"%s":[%s]}'
    text = "\n".join(
        (
            page % (key, records[0]),
            records[1],
            page % (key, records[2]),
            '{"error":"too many requests"}',
            records[3],
        )
    )
    source, outcomes = read_text_as(format, text)
    assert [
        outcome.title for outcome in outcomes if isinstance(outcome, Record) and outcome.title
    ] == [
        "A",
        "B",
        "C",
        "D",
    ]
    assert len(outcomes) == 5 or source.incomplete
    assert source.incomplete is None or format == "crossref"


def test_a_list_that_is_closed_too_early_makes_the_file_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump(
        format_text("openalex", "A", "B")
        .replace('"DAY"', '""')
        .replace("}\n", "]}\n")
        .replace("},\n", "}],\n")
    )
    outcomes = list(dump.records())
    assert [outcome.title for outcome in outcomes if isinstance(outcome, Record)] == ["A"]
    assert dump.incomplete == "the brackets do not match before record 2: records may be missing"


def test_a_surplus_bracket_loses_no_record(make_dump: MakeDump) -> None:
    dump = make_dump(format_text("openalex", "A", "B", "C").replace("},\n", "}},\n", 1))
    assert titles(dump) == ["A", "B", "C"]
    assert rejections(dump) == [(2, "a bracket that closes nothing")]
    assert dump.incomplete is None


@pytest.mark.parametrize("format", ["oai-pmh", "feed", "arxiv-api", "pubmed"])
def test_an_entry_whose_beginning_is_damaged_is_reported(format: str, make_dump: MakeDump) -> None:
    name = PARTS[format][1][1:].partition(">")[0]
    dump = make_dump(
        format_text(format, "A", "B", "C").replace(f"\n<{name}>", f'\n<{name} a="<">', 1)
    )
    assert [
        entry.title for entry in dump.records() if isinstance(entry, Record) and entry.title != "B"
    ] == ["A", "C"]
    assert (2, f"damaged: no <{name}> stands before this </{name}>") in rejections(dump)
