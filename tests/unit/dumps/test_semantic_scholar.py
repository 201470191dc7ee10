"""Semantic Scholar: bulk files of papers and abstracts, and the Graph API.

Also the list of deletions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from digest.dumps import Dump, open_dump
from digest.errors import DumpError
from digest.model import Record, Rejected, Removal, Skipped
from digest.papers import clean
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def make_dump(make_dump: MakeDump) -> MakeDump:
    """Return a function that makes a dump of lines: texts as given, others as JSON."""
    return lambda *rows: make_dump(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    )


def entries(dump: Dump) -> list[Any]:
    return list(dump.records())


def identities(record: Record) -> list[str]:
    return [
        f"{identity.kind}:{identity.value}"
        for identity in getattr(clean(record, "semantic-scholar"), "identities", ())
    ]


# ------------------------------------------------------------------------------------------------
# bulk files


def test_an_abstract_is_a_fragment_of_the_paper_with_its_number() -> None:
    first, second, *_ = entries(open_dump(FOLDER / "s2ag-abstracts.jsonl", today=TODAY))
    assert (second.fragment, second.title, second.abstract, second.ids) == (
        True,
        "",
        "Text of the second.",
        (("s2", "2"),),
    )
    assert first.ids == (("s2", "1"), ("arxiv", "2604.00001"))


def test_a_withheld_abstract_is_skipped_and_one_of_no_paper_rejected() -> None:
    _, _, third, fourth, _ = entries(open_dump(FOLDER / "s2ag-abstracts.jsonl", today=TODAY))
    assert (type(third), third.line, third.reason) == (Skipped, 3, "abstract withheld")
    assert (type(fourth), fourth.line, fourth.reason) == (
        Rejected,
        4,
        "an abstract without corpusid",
    )


def test_a_row_with_title_and_abstract_is_a_whole_paper(make_dump: MakeDump) -> None:
    (entry,) = entries(make_dump({"corpusid": 1, "title": "A Title", "abstract": "Text."}))
    assert (entry.fragment, entry.title, entry.abstract) == (False, "A Title", "Text.")


def test_rows_of_nothing_but_a_number_are_deletions() -> None:
    first, second, third = entries(open_dump(FOLDER / "s2ag-deleted.jsonl", today=TODAY))
    assert first == Removal(
        line=1, raw='{"corpusid": 1}', ids=(("s2", "1"),), reason="deleted by Semantic Scholar"
    )
    assert second.ids == (("s2", "2"),)
    assert isinstance(third, Rejected)


def test_a_paper_among_deletions_is_not_deleted(make_dump: MakeDump) -> None:
    *deleted, last = entries(
        make_dump(*[{"corpusid": n} for n in range(1, 31)], {"corpusid": 31, "title": "A Title"})
    )
    assert all(isinstance(entry, Removal) for entry in deleted)
    assert (type(last), last.line) == (Rejected, 31)


def test_a_bare_number_among_papers_deletes_nothing(make_dump: MakeDump) -> None:
    _, second = entries(make_dump({"corpusid": 1, "title": "A Title"}, {"corpusid": 2}))
    assert (type(second), second.reason) == (Rejected, "neither title nor abstract")


def test_news_are_skipped() -> None:
    skipped_entries = [
        entry
        for entry in entries(open_dump(FOLDER / "s2ag-papers.jsonl", today=TODAY))
        if isinstance(entry, Skipped)
    ]
    assert [(entry.line, entry.reason) for entry in skipped_entries] == [(4, "news")]


@pytest.mark.parametrize(
    "externals",
    [{"ArXiv": "2604.00001", "PubMedCentral": 7}, {"arxiv": "2604.00001", "pubmedcentral": "PMC7"}],
)
def test_identifiers_are_known_in_any_case(
    externals: dict[str, object], make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump({"corpusid": 1, "title": "A Title", "externalids": externals}))
    assert identities(entry) == ["arxiv:2604.00001", "pmcid:PMC7", "s2:1"]


def test_identifiers_of_unexpected_types_are_left_out(make_dump: MakeDump) -> None:
    strange = {
        "ArXiv": ["2604.00001"],
        "DOI": {},
        "PubMed": True,
        "MAG": None,
        "PubMedCentral": 1.5,
    }
    (entry,) = entries(make_dump({"corpusid": 1, "title": "A Title", "externalids": strange}))
    assert entry.ids == (("s2", "1"),)


@pytest.mark.parametrize(
    "row",
    [
        {"corpusid": 1, "model": "tldr@v2", "text": "Short."},
        {"corpusid": 1, "model": "x", "vector": "[0.1]"},
        {"corpusid": 1, "sha": SHA, "primary": True},
        {"citingcorpusid": 1, "citedcorpusid": 2, "isinfluential": False},
    ],
)
def test_the_other_data_sets_are_rejected(row: object, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="of no known format"):
        make_dump(row)


# ------------------------------------------------------------------------------------------------
# the API


def paper(**fields: object) -> dict[str, Any]:
    return {
        "paperId": SHA,
        "externalIds": {"ArXiv": "2604.00001"},
        "title": "A Title",
        "abstract": "Text.",
    } | fields


def test_every_shape_gives_the_same_papers(make_dump: MakeDump) -> None:
    papers = [paper(title=f"Title {number}") for number in (1, 2)]
    page = {"total": 2, "offset": 0, "data": papers}
    for rows in (
        [papers],
        [page],
        papers,
        [json.dumps(page, indent=1)],
        [page | {"data": papers[:1]}, page | {"data": papers[1:]}],
    ):
        dump = make_dump(*rows)
        assert dump.format == "semantic-scholar-api"
        assert [
            (entry.line, entry.title) for entry in dump.records() if isinstance(entry, Record)
        ] == [
            (1, "Title 1"),
            (2, "Title 2"),
        ]


def test_an_unknown_identifier_in_a_batch_is_skipped() -> None:
    first, second, third = entries(open_dump(FOLDER / "semantic-scholar-batch.json", today=TODAY))
    assert (type(first), first.line, first.reason) == (Skipped, 1, "not known to Semantic Scholar")
    assert (type(second), second.reason) == (Skipped, "editorial")
    assert isinstance(third, Record)


@pytest.mark.parametrize(
    "page", [{"total": 0, "offset": 0, "data": []}, {"total": 0, "token": None, "data": []}]
)
def test_an_answer_without_papers_is_complete_and_empty(page: object, make_dump: MakeDump) -> None:
    dump = make_dump(page)
    assert dump.format == "semantic-scholar-api"
    assert not entries(dump)


def test_a_page_longer_than_the_head_is_recognised(make_dump: MakeDump) -> None:
    dump = make_dump({"total": 1, "offset": 0, "data": [paper(abstract="word " * 100_000)]})
    assert dump.format == "semantic-scholar-api"
    assert [type(entry) for entry in dump.records()] == [Record]


@pytest.mark.parametrize(
    "other",
    [
        {"error": "Paper not found"},
        {"message": "Too Many Requests", "code": "429"},
        {"data": []},
        {"data": [1]},
    ],
)
def test_errors_are_rejected(other: object, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="of no known format"):
        make_dump(other)


def test_the_page_about_a_paper_is_its_link_only_as_a_fallback(
    make_dump: MakeDump,
) -> None:
    about = f"https://www.semanticscholar.org/paper/{SHA}"
    with_doi, without_doi = (
        entries(make_dump(paper(url=about, externalIds=ids)))[0]
        for ids in ({"DOI": "10.1000/xyz"}, {"CorpusId": 1})
    )
    assert (with_doi.url, without_doi.url) == ("", about)


def test_plain_records_with_a_paper_id_of_arxiv_stay_plain(make_dump: MakeDump) -> None:
    assert (
        make_dump({"paperId": "2604.00001", "title": "By Hand", "abstract": "Text."}).format
        == "jsonl"
    )
