"""Answers of the API of bioRxiv and medRxiv.

Both shapes, their errors, and the typesetter's tokens in abstracts.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from digest.model import Entry, Rejected
from digest.papers import clean
from tests.unit.dumps.conftest import MakeDump, papers


def row(number: int = 1, **fields: Any) -> dict[str, Any]:
    own = {
        "doi": f"10.1101/2026.04.01.{number:06}",
        "title": f"Title {number}",
        "authors": "Doe, J.; Roe, R.",
        "date": "2026-04-03",
    }
    return (
        own
        | {
            "version": "1",
            "type": "new results",
            "category": "biophysics",
            "abstract": "Text.",
            "server": "bioRxiv",
        }
        | fields
    )


def answer(*rows: dict[str, Any], status: str = "ok", **more: Any) -> dict[str, Any]:
    return {
        "messages": [{"status": status, "count": len(rows), "total": str(len(rows)), **more}],
        "collection": list(rows),
    }


def abstract_of(text: str, make_dump: MakeDump) -> str:
    entry = clean(papers(make_dump(answer(row(abstract=text))))[0], "biorxiv")
    assert isinstance(entry, Entry)
    return entry.abstract


@pytest.mark.parametrize(
    "content",
    [
        answer(row(1), row(2)),
        json.dumps(answer(row(1), row(2)), indent=1),
        "\n".join((json.dumps(answer(row(1))), json.dumps(answer(row(2))))),
        [answer(row(1)), answer(row(2))],
        {"collection": [row(1), row(2)], "messages": [{"status": "ok"}]},
        [row(1), row(2)],
        "\n".join((json.dumps(row(1)), json.dumps(row(2)))),
    ],
    ids=[
        "answer",
        "pretty",
        "answers on lines",
        "list of answers",
        "message last",
        "bare list",
        "bare lines",
    ],
)
def test_every_wrapping_gives_the_same_rows(content: object, make_dump: MakeDump) -> None:
    dump = make_dump(content)
    assert dump.format == "biorxiv"
    assert [(record.line, record.title) for record in papers(dump)] == [
        (1, "Title 1"),
        (2, "Title 2"),
    ]
    assert dump.incomplete is None


def test_an_answer_longer_than_the_head_is_recognised(make_dump: MakeDump) -> None:
    assert len(papers(make_dump(answer(row(1, abstract="x" * 400_000), row(2))))) == 2


def test_counts_that_contradict_the_rows_do_not_matter(make_dump: MakeDump) -> None:
    dump = make_dump(answer(row(1), count="77", total=12))
    assert len(papers(dump)) == 1
    assert dump.incomplete is None


@pytest.mark.parametrize("status", ["no posts found", "No articles found", "ok"])
def test_a_day_without_preprints_is_no_error(status: str, make_dump: MakeDump) -> None:
    dump = make_dump(answer(status=status))
    assert (dump.format, papers(dump), dump.incomplete) == ("biorxiv", [], None)


def test_an_error_with_status_200_is_incomplete_and_says_why(make_dump: MakeDump) -> None:
    for content in (
        answer(status="Error: interval\nnot understood"),
        {"messages": [{"status": "Error: interval not understood"}]},
    ):
        dump = make_dump(content)
        assert (dump.format, papers(dump)) == ("biorxiv", [])
        assert dump.incomplete == "the answer is an error: Error: interval not understood"


def test_the_first_version_was_submitted_on_its_date_and_later_ones_only_modified(
    make_dump: MakeDump,
) -> None:
    first, second = papers(make_dump(answer(row(), row(version="2", date="2026-6-3"))))
    assert (first.version, first.submitted, first.announced, first.updated) == (
        1,
        *(date(2026, 4, 3),) * 3,
    )
    assert (second.version, second.submitted, second.announced, second.updated) == (
        2,
        None,
        None,
        date(2026, 6, 3),
    )


@pytest.mark.parametrize(
    ("written", "version"),
    [("1", 1), (2, 2), ("v3", 3), ("NA", None), (None, None), ("0", None), ("99999", None)],
)
def test_a_version_is_text_or_a_number(
    written: object, version: int | None, make_dump: MakeDump
) -> None:
    assert papers(make_dump(answer(row(version=written))))[0].version == version


def test_the_text_na_is_a_missing_value(make_dump: MakeDump) -> None:
    (record,) = papers(
        make_dump(
            answer(
                row(
                    abstract="NA",
                    authors="NA",
                    category="NA",
                    published="NA",
                    date="NA",
                    funder="NA",
                )
            )
        )
    )
    assert (
        record.abstract,
        record.authors,
        record.categories,
        record.submitted,
        record.updated,
    ) == (
        "",
        (),
        (),
        None,
        None,
    )
    assert record.ids == (("doi", "10.1101/2026.04.01.000001"),)


def test_the_journals_doi_is_a_further_identifier(make_dump: MakeDump) -> None:
    (record,) = papers(
        make_dump(answer(row(published="10.1000/journal", doi="10.64898/2026.04.01.000001")))
    )
    assert record.ids == (("doi", "10.64898/2026.04.01.000001"), ("doi", "10.1000/journal"))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "withdrawn"},
        {"type": "WITHDRAWN"},
        {"title": "WITHDRAWN: A Title"},
        {"abstract": "This manuscript has been withdrawn by us."},
    ],
)
def test_a_withdrawn_preprint_is_marked(fields: dict[str, str], make_dump: MakeDump) -> None:
    assert papers(make_dump(answer(row(**fields))))[0].withdrawn


def test_the_variant_with_rel_names_is_read(make_dump: MakeDump) -> None:
    names = [
        {"author_name": "Jane Doe", "author_inst": "Univ X"},
        {"author_name": None},
        "K. Roe",
        5,
    ]
    (record,) = papers(
        make_dump(
            answer(
                {
                    "rel_title": "T",
                    "rel_doi": "10.1101/1",
                    "rel_abs": "A",
                    "rel_authors": names,
                    "rel_date": "2026-2-3",
                    "rel_link": "https://e.org",
                }
            )
        )
    )
    assert (record.title, record.abstract, record.authors, record.submitted) == (
        "T",
        "A",
        ("Jane Doe", "K. Roe"),
        date(2026, 2, 3),
    )
    assert (record.ids, record.url) == ((("doi", "10.1101/1"),), "https://e.org")


def test_the_list_of_published_preprints_is_read(make_dump: MakeDump) -> None:
    published = {
        "biorxiv_doi": "10.1101/1",
        "published_doi": "10.1000/j",
        "preprint_title": "T",
        "preprint_authors": "Doe, J.",
        "preprint_abstract": "A",
    }
    (record,) = papers(make_dump(answer(published)))
    assert (record.title, record.authors, record.ids) == (
        "T",
        ("Doe, J.",),
        (("doi", "10.1101/1"), ("doi", "10.1000/j")),
    )


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("O_ST_ABSAbstractC_ST_ABSText.", "Text."),
        ("O_ST_ABSMethodsC_ST_ABSWe did.", "Methods: We did."),
        ("The O_SCPLOWD-C_SCPLOWisomer O_SCPCAPNMRC_SCPCAP.", "The D-isomer NMR."),
        ("Points: O_LIone C_LIO_LITwo C_LI", "Points:\n\none\n\nTwo"),
        (
            'Text. O_FIG O_LINKSMALLFIG SRC="x.gif"> View C_FIG O_TBL View this table: C_TBLMore.',
            "Text. More.",
        ),
        ("Text. O_FIG never closed", "Text. never closed"),
        ("AbstractThe text.", "The text."),
        ("BackgroundDNA is. MethodsWe did.", "Background: DNA is.\n\nMethods: We did."),
        ("SUMMARYThe text. RESULTSMany.", "The text.\n\nRESULTS: Many."),
        ("Materials and MethodsWe did.", "Materials and Methods: We did."),
        (
            "Methods are text. Results too. METHODOLOGY",
            "Methods are text. Results too. METHODOLOGY",
        ),
        ("A <i>B</i> &lt; C", "A B < C"),
    ],
)
def test_layout_tokens_and_glued_headings_are_resolved(
    written: str, clean: str, make_dump: MakeDump
) -> None:
    assert abstract_of(written, make_dump) == clean


@pytest.mark.parametrize(
    "hostile",
    [
        "O_FIG" * 50_000,
        "O_ST_ABS" * 30_000,
        " " * 250_000 + "x",
        "." + " " * 250_000,
        "O_LI" * 60_000,
    ],
)
def test_hostile_tokens_take_little_time(hostile: str, make_dump: MakeDump) -> None:
    assert len(papers(make_dump(answer(row(abstract=hostile))))) == 1


def test_one_bad_row_is_rejected_with_its_place(make_dump: MakeDump) -> None:
    dump = list(make_dump(answer(row(1), row(2, title=["no text"]), row(3))).records())
    assert [type(entry).__name__ for entry in dump] == ["Record", "Rejected", "Record"]
    assert [(entry.line, entry.reason) for entry in dump if isinstance(entry, Rejected)] == [
        (2, "title: expected text or nothing, got a list")
    ]


def test_an_answer_cut_in_the_middle_keeps_what_came_before(make_dump: MakeDump) -> None:
    dump = make_dump(json.dumps(answer(row(1), row(2)))[:-40])
    assert [record.title for record in papers(dump)] == ["Title 1"]
    assert dump.incomplete == "the file ends in the middle of record 2"
