"""Works of OpenAlex.

The abstract from its index, works that are no papers, which dates count, and the wrappings.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from digest.dumps import open_dump
from digest.dumps.stream import RAW_CAP
from digest.errors import DumpError
from digest.model import Record, Rejected
from digest.papers import clean
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump, only, skipped_lines


def work(number: int = 1, **fields: object) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{number}",
        "title": f"Title {number}",
        "abstract_inverted_index": None,
        "type": "article",
    } | fields


# ------------------------------------------------------------------------------------------------
# the abstract


def test_each_word_stands_at_its_positions(make_dump: MakeDump) -> None:
    assert (
        only(
            make_dump(work(abstract_inverted_index={"Words": [0, 3], "and": [1], "more": [2]}))
        ).abstract
        == "Words and more Words"
    )


def test_huge_positions_take_no_memory(make_dump: MakeDump) -> None:
    index = {"last.": [10**18], "First": [-(10**18)], "then": [7], "again": [7]}
    assert only(make_dump(work(abstract_inverted_index=index))).abstract == "First again then last."


def test_a_long_word_that_is_repeated_does_not_grow_into_gigabytes(make_dump: MakeDump) -> None:
    index = {"x" * 50_000: list(range(1, 100_000)), "Short": [0]}
    dump = only(make_dump(work(abstract_inverted_index=index)))
    assert dump.abstract.startswith("Short xxx")
    assert len(dump.abstract) <= RAW_CAP


def test_the_index_of_a_whole_book_is_left_out_and_counted(make_dump: MakeDump) -> None:
    dump = make_dump(work(abstract_inverted_index={"word": list(range(100_001))}))
    assert only(dump).abstract == ""
    assert dump.ignored == {"abstract_inverted_index": 1}


def test_an_invalid_index_rejects_the_work_and_is_named(make_dump: MakeDump) -> None:
    damaged: list[object] = ["text", ["a"], {"a": 1}, {"a": [[]]}, {"a": [0.5]}]
    for index in damaged:
        (entry,) = make_dump(work(abstract_inverted_index=index)).records()
        assert isinstance(entry, Rejected)
        assert entry.reason.startswith("abstract_inverted_index")


# ------------------------------------------------------------------------------------------------
# what is a paper


def test_paratext_and_types_that_are_not_papers_are_skipped_with_a_reason() -> None:
    assert skipped_lines(open_dump(FOLDER / "openalex.jsonl", today=TODAY)) == [
        (5, "paratext"),
        (6, "erratum"),
    ]
    assert skipped_lines(open_dump(FOLDER / "openalex-page.json", today=TODAY)) == [
        (2, "peer review")
    ]


@pytest.mark.parametrize(
    "type",
    [
        "article",
        "preprint",
        "review",
        "letter",
        "book-chapter",
        "dissertation",
        "report",
        "brand-new",
        None,
    ],
)
def test_any_other_type_is_a_paper(type: str | None, make_dump: MakeDump) -> None:
    assert only(make_dump(work(type=type)))


@pytest.mark.parametrize("fields", [{"is_retracted": True}, {"title": "RETRACTED: A Title"}])
def test_a_retracted_work_is_withdrawn(fields: dict[str, Any], make_dump: MakeDump) -> None:
    assert only(make_dump(work(**fields))).withdrawn


# ------------------------------------------------------------------------------------------------
# dates and identifiers


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-04-01", date(2026, 4, 1)),
        ("2026-01-01", None),
        ("2026-11-20", None),
        ("2026-11-19", TODAY),
        ("2026-02-30", None),
        (None, None),
    ],
)
def test_a_publication_date_counts_if_it_is_a_day_in_the_past(
    written: str | None, day: date | None, make_dump: MakeDump
) -> None:
    dump = only(
        make_dump(
            work(
                publication_date=written,
                created_date="2026-04-02",
                updated_date="2026-05-03T00:00:00",
            )
        )
    )
    assert (dump.submitted, dump.announced, dump.updated) == (
        day,
        date(2026, 4, 2),
        date(2026, 5, 3),
    )


@pytest.mark.parametrize(
    "pmcid",
    [
        "https://www.ncbi.nlm.nih.gov/pmc/articles/7",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7/",
        "pmc7",
        7,
    ],
)
def test_a_pmcid_is_read_with_and_without_its_letters(
    pmcid: str | int, make_dump: MakeDump
) -> None:
    entry = clean(only(make_dump(work(ids={"pmcid": pmcid}))), "openalex")
    assert "pmcid:PMC7" in [
        f"{identity.kind}:{identity.value}" for identity in getattr(entry, "identities", ())
    ]


def test_the_version_of_a_link_is_not_that_of_the_record(make_dump: MakeDump) -> None:
    entry = clean(
        only(make_dump(work(locations=[{"pdf_url": "https://arxiv.org/pdf/2604.00001v3.pdf"}]))),
        "openalex",
    )
    assert getattr(entry, "version", 0) is None
    assert [
        f"{identity.kind}:{identity.value}" for identity in getattr(entry, "identities", ())
    ] == [
        "arxiv:2604.00001",
        "openalex:W1",
    ]


def test_a_link_that_leads_to_no_paper_of_arxiv_is_ignored(make_dump: MakeDump) -> None:
    assert not isinstance(
        clean(
            only(
                make_dump(
                    work(locations=[{"landing_page_url": "https://arxiv.org/list/cs.LG/new"}])
                )
            ),
            "openalex",
        ),
        Rejected,
    )


# ------------------------------------------------------------------------------------------------
# shapes


def test_every_shape_gives_the_same_papers(make_dump: MakeDump) -> None:
    works = [work(number) for number in (1, 2, 3)]
    page = {"meta": {"count": 3}, "results": works}
    lines = "\n".join(map(json.dumps, works))
    shapes = (
        works,
        page,
        [page],
        lines,
        json.dumps(page, indent=2),
        json.dumps(page) + "\n" + json.dumps({"meta": {}, "results": []}),
    )
    for shape in shapes:
        dump = make_dump(shape)
        assert dump.format == "openalex"
        assert [(entry.line, getattr(entry, "title", "")) for entry in dump.records()] == [
            (1, "Title 1"),
            (2, "Title 2"),
            (3, "Title 3"),
        ]


def test_a_page_longer_than_the_head_is_recognised(make_dump: MakeDump) -> None:
    works = [work(number, abstract_inverted_index={"word" * 100_000: [0]}) for number in (1, 2)]
    for shape in ({"meta": {"count": 2}, "results": works}, works[0]):
        dump = make_dump(shape)
        assert dump.format == "openalex"
        assert all(isinstance(entry, Record) for entry in dump.records())


def test_a_page_cut_short_keeps_its_works_and_says_so(make_dump: MakeDump) -> None:
    dump = make_dump(json.dumps({"meta": {}, "results": [work(1), work(2)]})[:-30])
    assert [type(entry) for entry in dump.records()] == [Record, Rejected]
    assert dump.incomplete == "the file ends in the middle of record 2"


def test_an_answer_without_works_is_complete_and_empty(make_dump: MakeDump) -> None:
    dump = make_dump(
        {
            "meta": {"count": 0, "db_response_time_ms": 12, "page": 1, "per_page": 25},
            "results": [],
            "group_by": [],
        }
    )
    assert dump.format == "openalex"
    assert not list(dump.records())


@pytest.mark.parametrize(
    "other",
    [
        {"error": "Invalid query parameters error.", "message": "page parameter is not valid"},
        {"id": "https://openalex.org/A1", "display_name": "Jane Doe", "works_count": 1, "ids": {}},
        {
            "meta": {"count": 1},
            "results": [{"id": "https://openalex.org/A1", "display_name": "Jane Doe"}],
        },
    ],
)
def test_errors_and_other_things_of_openalex_are_rejected(
    other: object, make_dump: MakeDump
) -> None:
    with pytest.raises(DumpError, match="of no known format"):
        make_dump(other)


def test_plain_records_with_an_openalex_id_stay_plain(make_dump: MakeDump) -> None:
    dump = make_dump({"id": "https://openalex.org/W1", "title": "By Hand", "abstract": "Text."})
    assert dump.format == "jsonl"
    assert only(dump).abstract == "Text."
