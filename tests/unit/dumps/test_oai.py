"""OAI-PMH: its three kinds of metadata, and what a server sends instead."""

from __future__ import annotations

from datetime import date

import pytest

from digest.dumps import open_dump
from digest.dumps.names import split_names
from digest.dumps.services.arxiv_text import parse_set_categories, select_arxiv_categories
from digest.model import Removal, Skipped
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump, papers

NS = 'xmlns="http://www.openarchives.org/OAI/2.0/"'


def record(number: int, *, stamp: str = "2026-04-02", inner: str = "", kind: str = "arXiv") -> str:
    metadata = inner or f"<id>2604.{number:05}</id><title>Title {number}</title>"
    head = (
        f"<header><identifier>oai:arXiv.org:2604.{number:05}</identifier>"
        f"<datestamp>{stamp}</datestamp></header>"
    )
    return (
        f"<record>{head}<metadata><{kind} "
        f'xmlns="http://arxiv.org/OAI/{kind}/">{metadata}</{kind}></metadata></record>'
    )


def page(*inner: str) -> str:
    return (
        f'<?xml version="1.0"?>\n<OAI-PMH '
        f"{NS}><ListRecords>{''.join(inner)}</ListRecords></OAI-PMH>\n"
    )


def test_deleted_headers_are_removals_with_the_identifier() -> None:
    entries = [
        entry
        for entry in open_dump(FOLDER / "oai-arxiv.xml", today=TODAY).records()
        if isinstance(entry, Removal)
    ]
    assert [(entry.line, entry.ids, entry.reason) for entry in entries] == [
        (17, (("id", "oai:arXiv.org:2604.00002"),), "deleted by the source"),
        (39, (("id", "oai:arXiv.org:2604.00008"),), "deleted by the source"),
    ]


def test_a_header_alone_is_skipped() -> None:
    entries = [
        entry
        for entry in open_dump(FOLDER / "oai-arxiv.xml", today=TODAY).records()
        if isinstance(entry, Skipped)
    ]
    assert [(entry.line, entry.reason) for entry in entries] == [
        (38, "a header without its record")
    ]


def test_a_page_without_matches_is_whole_and_empty(make_dump: MakeDump) -> None:
    dump = make_dump(f'<OAI-PMH {NS}><error code="noRecordsMatch">None.</error></OAI-PMH>')
    assert (dump.format, list(dump.records()), dump.incomplete) == ("oai-pmh", [], None)


def test_any_other_error_leaves_the_file_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump(
        page(record(1))
        + (
            f'<OAI-PMH {NS}><error code="badResumptionToken">The token\n has '
            f"expired</error></OAI-PMH>"
        )
    )
    assert [record.title for record in papers(dump)] == ["Title 1"]
    assert (
        dump.incomplete
        == "the server answered with an error: badResumptionToken: The token has expired"
    )


def test_a_bare_record_and_bare_records_are_recognised(make_dump: MakeDump) -> None:
    for content in (
        record(1),
        f"<ListRecords>{record(1)}</ListRecords>",
        f"<GetRecord>{record(1)}</GetRecord>",
    ):
        dump = make_dump(content)
        assert dump.format == "oai-pmh"
        assert [record.ids for record in papers(dump)] == [(("arxiv", "2604.00001"),)]


def test_pages_cut_off_and_fetched_again_lose_nothing(make_dump: MakeDump) -> None:
    whole = page(record(1), record(2))
    dump = make_dump(whole[:-90] + "\n" + whole)
    assert [record.title for record in papers(dump)][-2:] == ["Title 1", "Title 2"]
    assert dump.incomplete == "a document within the file ends before its </OAI-PMH>"


def test_the_later_of_the_two_dates_stands_in_for_a_missing_datestamp(make_dump: MakeDump) -> None:
    inner = (
        "<id>2604.00001</id><title>T</title>"
        "<created>2026-05-01</created><updated>2026-04-01</updated>"
    )
    (entry,) = papers(make_dump(page(record(1, stamp="", inner=inner))))
    assert (entry.submitted, entry.updated) == (None, date(2026, 5, 1))


def test_the_identifier_of_the_header_stands_in_for_a_missing_id(make_dump: MakeDump) -> None:
    (entry,) = papers(make_dump(page(record(1, inner="<title>T</title>"))))
    assert entry.ids == (("arxiv", "oai:arXiv.org:2604.00001"),)


def test_versions_in_any_order_and_without_numbers_are_read(make_dump: MakeDump) -> None:
    inner = (
        "<id>2604.00001</id><title>T</title><version><date>Wed, 1 Apr 2026 10:00:00 "
        "GMT</date></version><version version='vX'/>"
    )
    (entry,) = papers(make_dump(page(record(1, stamp="x", inner=inner, kind="arXivRaw"))))
    assert (entry.version, entry.submitted, entry.updated) == (
        2,
        date(2026, 4, 1),
        date(2026, 4, 1),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "Jane Doe (Univ. X, Dept. Y), Kim Roe Jr. and Lee Poe",
            ("Jane Doe", "Kim Roe Jr.", "Lee Poe"),
        ),
        ("Jane Doe (X (and Y)), K. Roe, III", ("Jane Doe", "K. Roe III")),
        (
            "The Invented Collaboration: J. Doe, K. Roe et al.",
            ("The Invented Collaboration", "J. Doe", "K. Roe"),
        ),
        ("J. Doe, and K. Roe & L. Poe; M. Moe", ("J. Doe", "K. Roe", "L. Poe", "M. Moe")),
        ("Anders Andersen (unclosed, K. Roe", ("Anders Andersen (unclosed", "K. Roe")),
        ("", ()),
    ],
)
def test_names_are_split_outside_brackets(text: str, names: tuple[str, ...]) -> None:
    assert split_names(text, given_name_first=True) == names


def test_only_categories_of_arxiv_are_kept() -> None:
    terms = [
        "cs.LG",
        "hep-th",
        "cond-mat.mes-hall",
        "physics.acc-ph",
        "q-bio.NC",
        "68T07",
        "I.2.6",
        "F.2.2; I.2.7",
        "cs.LG",
        "Primary 1",
    ]
    assert select_arxiv_categories(terms) == (
        "cs.LG",
        "hep-th",
        "cond-mat.mes-hall",
        "physics.acc-ph",
        "q-bio.NC",
    )
    assert parse_set_categories(
        ["cs", "cs:cs:LG", "physics:hep-th", "physics:astro-ph:GA", "com_1_2"]
    ) == ("cs.LG", "hep-th", "astro-ph.GA")
