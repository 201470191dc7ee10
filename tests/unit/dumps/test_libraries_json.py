"""Libraries as JSON, of Zotero and in CSL-JSON.

What is read from which field, and that neither is taken for another format.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from digest.dumps import FORMATS, open_dump
from digest.dumps.formats import Confidence, Head
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_day_or_month,
    strip_version,
)
from digest.errors import DumpError
from digest.model import Entry, Record, Rejected, Skipped
from digest.papers import clean
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump, only


def identities(record: Record) -> list[str]:
    return [
        f"{identity.kind}:{identity.value}"
        for identity in getattr(clean(record, "library"), "identities", ())
    ]


# ------------------------------------------------------------------------------------------------
# recognition


CSL = {
    "id": "doe2024",
    "type": "article-journal",
    "title": "A Title",
    "author": [{"family": "Doe", "given": "Jane"}],
}
CROSSREF = {
    "DOI": "10.1000/xyz",
    "type": "journal-article",
    "title": ["A Title"],
    "author": [{"family": "Doe", "given": "Jane"}],
}
ZOTERO = {"key": "K", "data": {"itemType": "journalArticle", "title": "A Title", "creators": []}}
SHAPES: list[tuple[str, object]] = [
    ("csl-json", [CSL]),
    ("csl-json", CSL),
    ("csl-json", {"items": [CSL]}),
    ("csl-json", json.dumps(CSL) + "\n" + json.dumps(CSL)),
    ("csl-json", json.dumps([CSL, CSL], indent=2)),
    ("csl-json", CSL | {"author": None, "issued": {"date-parts": [[2024]]}}),
    (
        "csl-json",
        {
            "type": "journal-article",
            "title": "From a Resolver",
            "DOI": "10.1000/xyz",
            "container-title": "A Journal",
            "ISSN": [],
        },
    ),
    ("crossref", [CROSSREF]),
    ("crossref", CROSSREF),
    ("crossref", {"items": [CROSSREF]}),
    ("crossref", {"status": "ok", "message": {"items": [CROSSREF]}}),
    ("zotero", [ZOTERO]),
    ("zotero", ZOTERO),
    ("zotero", ZOTERO["data"]),
    ("zotero", [ZOTERO["data"]]),
    ("zotero", {"items": [ZOTERO["data"]]}),
    (
        "zotero",
        json.dumps([{"key": "N", "data": {"itemType": "note", "note": "x"}}, ZOTERO], indent=4),
    ),
    (
        "jsonl",
        {"title": "A Title", "author": [{"family": "Doe", "given": "Jane"}], "date": "2024-01-01"},
    ),
    (
        "jsonl",
        {
            "title": "A Title",
            "type": "article",
            "abstract": "Text.",
            "doi": "10.1000/xyz",
            "url": "https://example.org/",
        },
    ),
    ("jsonl", [{"title": "A Title", "abstractNote": "Text.", "creators": ["Jane Doe"]}]),
]


@pytest.mark.parametrize(("format", "content"), SHAPES)
def test_the_formats_of_libraries_are_distinguished(
    format: str, content: object, make_dump: MakeDump
) -> None:
    assert make_dump(content).format == format
    head = Head((content if isinstance(content, str) else json.dumps(content)).encode())
    assert (
        len([name for name, format in FORMATS.items() if format.sniff(head) is Confidence.YES]) <= 1
    )


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"items": []}',
        '{"items": [1, "x"]}',
        '{"data": {"itemType": 5}}',
        '{"type": "x"}',
    ],
)
def test_files_without_papers_are_rejected(content: str, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="of no known format"):
        make_dump(content)


def test_a_list_cut_short_keeps_its_items_and_says_so(make_dump: MakeDump) -> None:
    for item in (CSL, ZOTERO):
        dump = make_dump(json.dumps([item, item])[:-20])
        assert [type(skipped_entries) for skipped_entries in dump.records()] == [Record, Rejected]
        assert dump.incomplete == "the file ends in the middle of record 2"


# ------------------------------------------------------------------------------------------------
# Zotero


def item(**data: object) -> list[dict[str, Any]]:
    return [{"key": "K", "data": {"itemType": "journalArticle", "title": "A Title"} | data}]


def test_attachments_notes_and_the_bin_are_skipped_with_their_reason() -> None:
    skipped_entries = [
        entry
        for entry in open_dump(FOLDER / "zotero.json", today=TODAY).records()
        if isinstance(entry, Skipped)
    ]
    assert [(entry.line, entry.reason) for entry in skipped_entries] == [
        (5, "attachment"),
        (6, "note"),
        (7, "annotation"),
        (8, "in the library's bin"),
    ]


def test_an_item_of_any_type_is_a_paper_and_one_not_in_the_bin_is_kept(make_dump: MakeDump) -> None:
    assert only(make_dump(item(itemType="patent", deleted=0))).title == "A Title"


def test_the_day_of_adding_is_kept_and_that_of_the_last_change_is_not(
    make_dump: MakeDump,
) -> None:
    dump = only(
        make_dump(item(dateAdded="2024-02-01T00:00:00Z", dateModified="2026-02-01T00:00:00Z"))
    )
    assert (dump.first_seen, dump.updated) == (date(2024, 2, 1), None)


def test_the_date_parsed_by_zotero_is_the_fallback(make_dump: MakeDump) -> None:
    content = item(date="Spring 2024")
    content[0]["meta"] = {"parsedDate": "2024-04-05"}
    assert only(make_dump(content)).submitted == date(2024, 4, 5)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://arxiv.org/abs/2401.01234v2"},
        {"archiveID": "arXiv:2401.01234"},
        {"reportNumber": "arXiv:2401.01234v2"},
        {"publicationTitle": "arXiv preprint arXiv:2401.01234"},
        {"extra": "Citation Key: doe\narXiv: 2401.01234v2 [cs]"},
        {"extra": "DOI: 10.48550/arXiv.2401.01234"},
        {"DOI": "https://doi.org/10.48550/ARXIV.2401.01234"},
    ],
)
def test_an_arxiv_number_is_found_in_any_field_and_its_version_dropped(
    fields: dict[str, object], make_dump: MakeDump
) -> None:
    dump = only(make_dump(item(**fields)))
    assert identities(dump) == ["arxiv:2401.01234"]
    assert getattr(clean(dump, "library"), "version", 0) is None


def test_a_paper_mentioned_in_a_comment_is_not_an_identity(make_dump: MakeDump) -> None:
    assert (
        identities(
            only(make_dump(item(extra="Comment: see also arXiv:2401.01234\nA PMID: 5 within")))
        )
        == []
    )


def test_an_impossible_number_is_dropped_and_the_item_kept(make_dump: MakeDump) -> None:
    dump = only(make_dump(item(archiveID="arXiv:2413.99999", extra="PMID: none\narXiv: nonsense")))
    assert not isinstance(clean(dump, "library"), Rejected)
    assert identities(dump) == []


def test_the_collections_of_an_export_are_not_items() -> None:
    assert [
        type(entry)
        for entry in open_dump(FOLDER / "zotero-better-bibtex.json", today=TODAY).records()
    ] == [Record]


# ------------------------------------------------------------------------------------------------
# CSL-JSON


@pytest.mark.parametrize(
    ("issued", "day"),
    [
        ({"date-parts": [[2024, 3, 5]]}, date(2024, 3, 5)),
        ({"date-parts": [["2024", "03", "05"]]}, date(2024, 3, 5)),
        ({"date-parts": [[2024, 3, 5], [2025, 1, 1]]}, date(2024, 3, 5)),
        ({"date-parts": [[2024, 3]]}, date(2024, 3, 1)),
        ({"date-parts": [[2024]]}, None),
        ({"date-parts": [[None]]}, None),
        ({"date-parts": [[]]}, None),
        ({"date-parts": []}, None),
        ({"date-parts": [2024, 3, 5]}, None),
        ({"date-parts": [[2024, 2, 30]]}, None),
        ({"date-parts": [[10**30, 1, 1]]}, None),
        ({"date-parts": [[2024, [], {}]]}, None),
        ({"raw": "2024-3-5"}, date(2024, 3, 5)),
        ({"literal": "5 March 2024"}, date(2024, 3, 5)),
        ({"raw": 5, "season": 1}, None),
        ("2024-03-05", date(2024, 3, 5)),
        (2024, None),
        (None, None),
    ],
)
def test_a_date_is_read_in_every_way_to_write_it(
    issued: object, day: date | None, make_dump: MakeDump
) -> None:
    assert only(make_dump([CSL | {"issued": issued}])).submitted == day


def test_names_are_joined_with_the_first_name_first(make_dump: MakeDump) -> None:
    people = [
        {"given": "Jane", "family": "Doe", "suffix": "Jr."},
        {"given": "Kim", "non-dropping-particle": "van der", "family": "Roe"},
        {"given": "Lee", "dropping-particle": "de", "family": "Poe"},
        {"literal": "The Group"},
        {"family": "Solo"},
        {},
        None,
        "A. Nother",
    ]
    names = ("Jane Doe Jr.", "Kim van der Roe", "Lee de Poe", "The Group", "Solo", "A. Nother")
    assert only(make_dump([CSL | {"author": people}])).authors == names


def test_five_hundred_authors_are_all_kept(make_dump: MakeDump) -> None:
    people = [{"given": "Jane", "family": f"Doe{number}"} for number in range(500)]
    assert len(only(make_dump([CSL | {"author": people}])).authors) == 500


def test_numbers_of_pubmed_are_read_as_text_or_number(make_dump: MakeDump) -> None:
    assert identities(only(make_dump([CSL | {"PMID": 17, "PMCID": "PMC8"}]))) == [
        "pmid:17",
        "pmcid:PMC8",
    ]


def test_markup_and_a_mark_of_retraction_are_read(make_dump: MakeDump) -> None:
    dump = only(
        make_dump(
            [CSL | {"title": "Retracted: <i>A</i> Title", "abstract": "<jats:p>Text.</jats:p>"}]
        )
    )
    entry = clean(dump, "csl-json")
    assert isinstance(entry, Entry)
    assert (entry.title, entry.abstract, entry.withdrawn) == ("Retracted: A Title", "Text.", True)


# ------------------------------------------------------------------------------------------------
# details


def test_identifiers_stand_on_lines_of_their_own() -> None:
    note = (
        "arXiv: math.CA/0611800v2\r\nPMID:17\n  PMCID: PMC8 \nDOI: 10.1000/xyz\nPMID\nSee DOI: "
        "10.1000/other"
    )
    assert list(find_noted_ids(note)) == [
        ("id", "arXiv:math.CA/0611800"),
        ("pmid", "17"),
        ("pmcid", "PMC8"),
        ("doi", "10.1000/xyz"),
    ]


def test_a_long_note_takes_little_time() -> None:
    for note in (
        " " * 10**6,
        "arxiv:" * 10**5,
        "\n" * 10**6,
        "arXiv" + " " * 10**6,
        "a-" * 10**5 + "arxiv/",
    ):
        assert len(list(find_noted_ids(note))) <= 1
        assert list(find_arxiv_ids(note)) == []


def test_a_version_is_removed_and_an_archive_with_a_v_stays() -> None:
    assert (
        strip_version("https://arxiv.org/pdf/2401.01234v12.pdf")
        == "https://arxiv.org/pdf/2401.01234.pdf"
    )
    assert strip_version("solv-int/9901001") == "solv-int/9901001"


@pytest.mark.parametrize(
    ("text", "day"),
    [("2024-3", date(2024, 3, 1)), ("2024-13", None), ("2024", None), (None, None), ("", None)],
)
def test_a_month_is_its_first_day_and_a_year_is_no_day(text: str | None, day: date | None) -> None:
    assert parse_day_or_month(text, TODAY) == day
