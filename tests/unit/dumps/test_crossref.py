"""Works of Crossref.

How they are recognised in every wrapping; types, dates, mark-up, notices and relations.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from digest.dumps import open_dump
from digest.dumps.notices import has_withdrawn_title
from digest.errors import DumpError
from digest.markup import strip_abstract_markup, strip_title_markup
from digest.model import Entry, Record, Removal, Skipped
from digest.papers import clean
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump, only


def work(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "DOI": f"10.1000/{number}",
        "title": [f"Title {number}"],
        "type": "journal-article",
    } | fields


def answer(*works: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "status": "ok",
        "message-type": "work-list",
        "message": {"total-results": len(works), "items": list(works), **more},
    }


@pytest.mark.parametrize(
    "content",
    [
        answer(work(1), work(2)),
        {"items": [work(1), work(2)]},
        [work(1), work(2)],
        [answer(work(1)), answer(work(2))],
        "\n".join((json.dumps(work(1)), json.dumps(work(2)))),
        "\n".join((json.dumps(answer(work(1))), json.dumps(answer(work(2))))),
        json.dumps(answer(work(1), work(2)), indent=2),
        "\n".join(
            json.dumps({"status": "ok", "message-type": "work", "message": work(number)})
            for number in (1, 2)
        ),
    ],
    ids=[
        "answer",
        "items",
        "list",
        "list of answers",
        "lines",
        "lines of answers",
        "pretty",
        "single works",
    ],
)
def test_every_wrapping_gives_the_same_works(content: object, make_dump: MakeDump) -> None:
    dump = make_dump(content)
    assert dump.format == "crossref"
    assert [
        (entry.line, entry.title, entry.ids)
        for entry in dump.records()
        if isinstance(entry, Record)
    ] == [
        (1, "Title 1", (("doi", "10.1000/1"),)),
        (2, "Title 2", (("doi", "10.1000/2"),)),
    ]
    assert dump.incomplete is None


def test_a_single_work_in_an_answer_is_read_also_when_it_is_long(make_dump: MakeDump) -> None:
    dump = make_dump(
        {
            "status": "ok",
            "message-type": "work",
            "message": work(reference=[{"unstructured": "x" * 300_000}]),
        }
    )
    assert only(dump).title == "Title 1"


def test_an_answer_whose_first_work_is_longer_than_the_head_is_recognised(
    make_dump: MakeDump,
) -> None:
    dump = make_dump(
        answer({"DOI": "10.1000/0", "title": ["Long"], "reference": ["x" * 400_000]}, work(2))
    )
    assert [entry.title for entry in dump.records() if isinstance(entry, Record)] == [
        "Long",
        "Title 2",
    ]


def test_an_empty_answer_is_no_error(make_dump: MakeDump) -> None:
    dump = make_dump(answer())
    assert (dump.format, list(dump.records()), dump.incomplete) == ("crossref", [], None)


def test_an_error_with_status_200_is_incomplete_and_says_why(make_dump: MakeDump) -> None:
    dump = make_dump(
        {
            "status": "failed",
            "message-type": "validation-failure",
            "message": [{"message": "Cursor is wrong", "value": "x"}],
        }
    )
    assert list(dump.records()) == []
    assert dump.incomplete is not None
    assert "Cursor is wrong" in dump.incomplete


def test_an_error_of_another_kind_is_rejected(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="Resource not found"):
        make_dump("Resource not found.")


def test_a_title_that_is_text_is_of_another_format(make_dump: MakeDump) -> None:
    assert (
        make_dump(
            [
                {
                    "DOI": "10.1000/1",
                    "title": "A Title",
                    "type": "article-journal",
                    "issued": {"date-parts": [[2026]]},
                }
            ]
        ).format
        != "crossref"
    )


@pytest.mark.parametrize(
    "kind",
    [
        "component",
        "peer-review",
        "journal",
        "journal-issue",
        "book-set",
        "grant",
        "dataset",
        "proceedings",
    ],
)
def test_types_that_are_not_papers_are_skipped(kind: str, make_dump: MakeDump) -> None:
    (entry,) = make_dump([work(type=kind)]).records()
    assert isinstance(entry, Skipped)
    assert entry.reason == kind


@pytest.mark.parametrize(
    "kind",
    [
        "journal-article",
        "posted-content",
        "proceedings-article",
        "book-chapter",
        "dissertation",
        "new-kind",
        None,
    ],
)
def test_every_other_type_is_a_paper(kind: str | None, make_dump: MakeDump) -> None:
    assert only(make_dump([work(type=kind)])).title == "Title 1"


@pytest.mark.parametrize("kind", ["retraction", "Withdrawal", "removal"])
def test_a_notice_retracts_every_paper_that_it_names(kind: str, make_dump: MakeDump) -> None:
    dump = list(
        make_dump(
            [
                work(
                    **{
                        "update-to": [
                            {"DOI": "10.1000/A", "type": kind},
                            {"DOI": "10.1000/b", "type": "retraction"},
                        ]
                    }
                )
            ]
        ).records()
    )
    assert all(isinstance(entry, Removal) for entry in dump)
    assert [(entry.line, getattr(entry, "ids", ())) for entry in dump] == [
        (1, (("doi", "10.1000/A"),)),
        (1, (("doi", "10.1000/b"),)),
    ]
    assert [getattr(entry, "reason", "") for entry in dump] == [kind.lower(), "retraction"]


def test_a_paper_that_retracts_itself_is_withdrawn(make_dump: MakeDump) -> None:
    assert only(
        make_dump([work(**{"update-to": [{"DOI": "10.1000/1", "type": "withdrawal"}]})])
    ).withdrawn
    assert only(
        make_dump([work(**{"updated-by": [{"DOI": "10.1000/n", "type": "retraction"}]})])
    ).withdrawn
    assert not only(
        make_dump([work(**{"updated-by": [{"DOI": "10.1000/n", "type": "correction"}]})])
    ).withdrawn


@pytest.mark.parametrize(
    "kind", ["correction", "erratum", "expression_of_concern", "partial_retraction"]
)
def test_other_notices_are_skipped(kind: str, make_dump: MakeDump) -> None:
    (entry,) = make_dump([work(**{"update-to": [{"DOI": "10.1000/a", "type": kind}]})]).records()
    assert isinstance(entry, Skipped)
    assert entry.reason == f"{kind.replace('_', ' ')} notice"


def test_a_new_version_is_a_paper(make_dump: MakeDump) -> None:
    assert not only(
        make_dump([work(**{"update-to": [{"DOI": "10.1000/a", "type": "new_version"}]})])
    ).withdrawn


@pytest.mark.parametrize(
    ("dates", "submitted"),
    [
        ({"issued": [[2026, 4, 3]]}, date(2026, 4, 3)),
        ({"issued": [[2026, 4]]}, date(2026, 4, 1)),
        ({"issued": [[2026]]}, None),
        ({"issued": [[2026]], "created": [[2026, 4, 2]]}, date(2026, 4, 2)),
        ({"issued": [[2020]], "created": [[2026, 4, 2]]}, None),
        ({"issued": [[None]]}, None),
        ({"issued": []}, None),
        ({"issued": [[]]}, None),
        ({"issued": [["2026", "04", "03"]]}, date(2026, 4, 3)),
        ({"issued": [[2026, 13, 1]]}, None),
        ({"issued": [[2026, 2, 30]], "published-print": [[2026, 3, 1]]}, date(2026, 3, 1)),
        (
            {
                "issued": [[2026, 4]],
                "published-online": [[2026, 4, 9]],
                "published-print": [[2026, 6]],
            },
            date(2026, 4, 9),
        ),
        ({"posted": [[2026, 3, 1]], "issued": [[2026, 3, 5]]}, date(2026, 3, 1)),
        ({"issued": [[99999, 1, 1]]}, None),
        ({"issued": [[True, 1, 1]]}, None),
        ({"issued": "2026"}, None),
    ],
)
def test_partial_dates_give_a_day_only_if_there_is_one(
    dates: dict[str, Any], submitted: date | None, make_dump: MakeDump
) -> None:
    fields = {
        name: {"date-parts": parts} if isinstance(parts, list) else parts
        for name, parts in dates.items()
    }
    assert only(make_dump([work(**fields)])).submitted == submitted


def test_further_identifiers_come_from_relations_to_the_same_paper(make_dump: MakeDump) -> None:
    relations = [
        {"id-type": "doi", "id": "10.1000/Journal"},
        {"id-type": "arxiv", "id": "2604.00001v2"},
        {"id-type": "uri", "id": "https://example.org"},
        {"id-type": "isbn", "id": "1"},
        {"id": 5, "id-type": "doi"},
        "odd",
    ]
    dump = only(
        make_dump(
            [
                work(
                    relation={
                        "is-preprint-of": relations,
                        "cites": [{"id-type": "doi", "id": "10.1000/cited"}],
                        "has-preprint": {},
                    }
                )
            ]
        )
    )
    assert dump.ids == (
        ("doi", "10.1000/1"),
        ("doi", "10.1000/Journal"),
        ("id", "2604.00001"),
        ("url", "https://example.org"),
    )
    assert dump.version is None


def test_an_unreadable_arxiv_relation_keeps_the_paper(make_dump: MakeDump) -> None:
    dump = only(
        make_dump([work(relation={"has-preprint": [{"id-type": "arxiv", "id": "unknown"}]})])
    )
    assert isinstance(clean(dump, "crossref"), Entry)


def test_a_subtitle_is_joined_unless_the_title_has_it(make_dump: MakeDump) -> None:
    assert only(make_dump([work(subtitle=["More of It"])])).title == "Title 1: More of It"
    assert (
        only(make_dump([work(title=["Title: More of It"], subtitle=["more of it"])])).title
        == "Title: More of It"
    )
    assert only(make_dump([work(title=["Really?"], subtitle=["Yes"])])).title == "Really? Yes"


def test_one_bad_work_in_the_middle_is_rejected(make_dump: MakeDump) -> None:
    dump = list(make_dump(answer(work(1), work(2, abstract=7), work(3))).records())
    assert [type(entry).__name__ for entry in dump] == ["Record", "Rejected", "Record"]
    assert getattr(dump[1], "reason", "") == "abstract: expected text or nothing, got a number"


def test_a_page_cut_in_the_middle_keeps_what_came_before(make_dump: MakeDump) -> None:
    dump = make_dump(json.dumps(answer(work(1), work(2)))[:-60])
    assert [entry.title for entry in dump.records() if isinstance(entry, Record)] == ["Title 1"]
    assert dump.incomplete == "the file ends in the middle of record 2"


def test_the_golden_page_tells_what_it_skips_and_removes() -> None:
    entries = list(open_dump(FOLDER / "crossref-page.json", today=TODAY).records())
    assert [(entry.line, entry.reason) for entry in entries if isinstance(entry, Skipped)] == [
        (7, "component"),
        (8, "peer-review"),
        (10, "correction notice"),
    ]
    assert [entry.ids for entry in entries if isinstance(entry, Removal)] == [
        (("doi", "10.1000/TAKEN.back"),),
        (("doi", "10.1000/also"),),
    ]


# ------------------------------------------------------------------------------------------------
# markup


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Plain text, a < b and c > d", "Plain text, a < b and c > d"),
        ("A List<T>", "A List<T>"),
        ("<jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One.\n\nTwo."),
        ("<jats:title>Abstract</jats:title><jats:p>Text.</jats:p>", "Text."),
        ("<title>ABSTRACT:</title><p>Text.</p>", "Text."),
        ("<jats:sec><jats:title>Aims</jats:title><jats:p>To.</jats:p></jats:sec>", "Aims: To."),
        ("<jats:sec><jats:title>Why?</jats:title><jats:p>So.</jats:p></jats:sec>", "Why? So."),
        (
            "<jats:p>x<jats:sub>1</jats:sub>y<jats:sup>th</jats:sup> "
            "2<jats:sup>n</jats:sup></jats:p>",
            "x₁yth 2^n",
        ),
        ("<p>A &amp; B &lt; C</p>", "A &amp; B &lt; C"),
        ("<p>p<0.05 and q>1</p>", "p<0.05 and q>1"),
        ("<mml:math><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac></mml:math>", "a/b"),
        ("<mml:math><mml:mi>a</mml:mi><mml:annotation>a again</mml:annotation></mml:math>", "a"),
        ("<p>open <i>and never <b>closed", "open and never closed"),
        ("</p></i>closed only", "closed only"),
        ("<!-- not shown --><p>shown</p>", "shown"),
        ("<p>wrapped\n      like XML</p>", "wrapped like XML"),
        ("<jats:list><jats:list-item><jats:p>a</jats:p></jats:list-item></jats:list>", "a"),
        ("&lt;jats:p&gt;escaped &lt;i&gt;twice&lt;/i&gt;&lt;/jats:p&gt;", "escaped twice"),
    ],
)
def test_markup_of_abstracts_becomes_text(written: str, plain: str) -> None:
    assert strip_abstract_markup(written) == plain


def test_markup_of_titles_stays_on_one_line() -> None:
    assert strip_title_markup("A <i>B</i>\n <title>C</title><p>D</p>") == "A B C D"
    assert strip_title_markup("Type <T> and <i and more>") == "Type <T> and <i and more>"


@pytest.mark.parametrize(
    "hostile",
    [
        "<p>" * 80_000,
        "<sub>1" * 40_000,
        "<p/>" * 30_000 + "<title>x</title>" * 9_000,
        "<i> </i>" * 30_000,
        "<!--" * 60_000,
    ],
)
def test_hostile_markup_takes_little_time(hostile: str) -> None:
    strip_abstract_markup(hostile)
    strip_abstract_markup(hostile + "</sub>" * 40_000)


@pytest.mark.parametrize(
    ("title", "withdrawn"),
    [
        ("RETRACTED: A Title", True),
        ("Retracted Article: A Title", True),
        ("[Retracted] A Title", True),
        ("WITHDRAWN – A Title", True),
        ("Removed: A Title", True),
        ("Retraction: A Title", False),
        ("Retraction notice to: A Title", False),
        ("Retracted papers and who cites them", False),
        ("A Title: withdrawn", False),
    ],
)
def test_a_title_may_mark_its_paper_as_withdrawn(title: str, withdrawn: bool) -> None:
    assert has_withdrawn_title(title) is withdrawn
