"""JSON answers of services: what is peculiar to each, and what all have in common."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from digest.dumps import open_dump
from digest.errors import DumpError
from digest.model import Record, Rejected, Skipped
from tests.unit.dumps.conftest import (
    FOLDER,
    TODAY,
    MakeDump,
    entries,
    only,
    papers,
    rejections,
    skipped_lines,
    titles,
)

#: format -> path of its golden dump's list
PATHS = {
    "ads": ("response", "docs"),
    "core": ("results",),
    "datacite": ("data",),
    "dblp": ("result", "hits", "hit"),
    "doaj": ("results",),
    "europe-pmc": ("resultList", "result"),
    "inspire": ("hits", "hits"),
    "openreview": ("notes",),
}


def golden_page(format: str) -> Any:
    return json.loads((FOLDER / f"{format}.json").read_text(encoding="utf-8"))


def golden_items(format: str) -> list[Any]:
    items = golden_page(format)
    for key in PATHS[format]:
        items = items[key]
    return list(items)


def kinds(outcomes: Any) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


@pytest.mark.parametrize("format", PATHS)
def test_bare_records_and_many_pages_are_read_like_one_page(
    format: str, make_dump: MakeDump
) -> None:
    page, items = golden_page(format), golden_items(format)
    expected = kinds(open_dump(FOLDER / f"{format}.json", today=TODAY).records())
    lines = "".join(f"{json.dumps(item)}\n" for item in items)
    pages = f"{json.dumps(page)}\n{json.dumps(page)}\n"
    printed = f"{json.dumps(page, indent=1)}\n{json.dumps(page, indent=1)}"
    for content, times in ((lines, 1), (items, 1), (pages, 2), (printed, 2), ([page, page], 2)):
        dump = make_dump(content)
        assert dump.format == format
        assert kinds(dump.records()) == expected * times


@pytest.mark.parametrize("format", PATHS)
def test_a_page_without_records_is_known_and_empty(format: str, make_dump: MakeDump) -> None:
    page = golden_page(format)
    items: Any = page
    for key in PATHS[format][:-1]:
        items = items[key]
    items[PATHS[format][-1]] = []
    dump = make_dump(page)
    assert (dump.format, list(dump.records())) == (format, [])


@pytest.mark.parametrize("format", PATHS)
def test_a_first_record_that_is_longer_than_the_head_is_known(
    format: str, make_dump: MakeDump
) -> None:
    page = json.dumps(golden_page(format))
    position = page.rindex("]")
    long = json.dumps(golden_items(format)[0])[:-1] + f', "zzz": "{"x " * 300_000}"}}'
    start = page.index(json.dumps(golden_items(format)[0]))
    dump = make_dump(page[:start] + long + ", " + page[start : position + 1] + page[position + 1 :])
    assert dump.format == format
    assert len(list(dump.records())) == len(golden_items(format)) + 1


@pytest.mark.parametrize(
    "answer",
    [
        {"hits": {"hits": [{"id": 1, "metadata": {"title": "Of Zenodo"}, "links": {}}]}},
        {"results": [{"id": 1, "title": "Of nobody", "yearPublished": 2026}]},
        {"data": [{"id": "1", "type": "posts", "attributes": {"title": "A post"}}]},
        {"notes": [{"id": "1", "content": "A note of a notebook"}]},
        {"response": {"docs": [{"id": "1", "title": ["Of another Solr"]}]}},
        {"result": {"hits": {"hit": [{"name": "x"}]}}},
        {"version": "https://example.org/version/1.1", "items": [{"id": "1"}]},
    ],
)
def test_an_answer_of_another_service_is_not_taken(answer: object, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError):
        make_dump(answer)


# ------------------------------------------------------------------------------------------ DBLP


def dblp(**info: object) -> dict[str, Any]:
    return {"@id": "1", "info": {"title": "A Title.", **info}}


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ({"@pid": "1", "text": "Jane Doe 0001"}, ("Jane Doe 0001",)),
        ([{"text": "Jane Doe"}, {"text": "Kim Roe"}], ("Jane Doe", "Kim Roe")),
        (["Jane Doe", "Kim Roe"], ("Jane Doe", "Kim Roe")),
        ("Jane Doe", ("Jane Doe",)),
        ([{"text": None}, 5], ()),
        (None, ()),
    ],
)
def test_dblp_has_one_author_or_many(
    author: object, names: tuple[str, ...], make_dump: MakeDump
) -> None:
    page = {"result": {"hits": {"@total": "1", "hit": [dblp(authors={"author": author})]}}}
    assert only(make_dump(page)).authors == names


def test_dblp_has_one_hit_or_none(make_dump: MakeDump) -> None:
    one = {"result": {"status": {}, "hits": {"@total": "1", "hit": dblp(year="2026")}}}
    assert only(make_dump(one)).title == "A Title"
    none = {"result": {"status": {}, "hits": {"@total": "0"}}}
    assert skipped_lines(make_dump(none)) == [(1, "an answer without hits")]
    lines = "".join(f"{json.dumps(answer)}\n" for answer in (one, none, one))
    assert kinds(make_dump(lines).records()) == ["Record", "Skipped", "Record"]


@pytest.mark.parametrize(
    ("volume", "arxiv"),
    [
        ("abs/2604.00021", "2604.00021"),
        ("cs.LG/0101001", "cs/0101001"),
        ("abs/0704.0001", "0704.0001"),
    ],
)
def test_dblp_names_the_arxiv_number_of_corr(volume: str, arxiv: str, make_dump: MakeDump) -> None:
    (entry,) = entries(make_dump([dblp(venue="CoRR", volume=volume)]))
    assert [identity.value for identity in entry.identities] == [arxiv]
    assert entry.journal_ref == ""


def test_dblp_marks_a_withdrawn_publication(make_dump: MakeDump) -> None:
    assert only(make_dump([dblp(type="Withdrawn Items")])).withdrawn


# ------------------------------------------------------------------------------------ Europe PMC


def europe_pmc(**fields: object) -> dict[str, Any]:
    result = {"id": "1", "source": "MED", "title": "A title", "pubYear": "2026", **fields}
    return {"hitCount": 1, "resultList": {"result": [result]}}


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("Doe J, Roe K.", ("Doe, J", "Roe, K")),
        (
            "van der Berg J, O'Neil-Poe AB, Lark Group.",
            ("van der Berg, J", "O'Neil-Poe, AB", "Lark Group"),
        ),
        ("Plato.", ("Plato",)),
        ("", ()),
    ],
)
def test_europe_pmc_has_a_string_of_names_in_lite_results(
    authors: str, names: tuple[str, ...], make_dump: MakeDump
) -> None:
    assert only(make_dump(europe_pmc(authorString=authors))).authors == names


@pytest.mark.parametrize(
    ("day", "submitted"),
    [
        ("2026-06-01", date(2026, 6, 1)),
        ("2026-01-01", None),
        ("2027-03-01", None),
        ("2026", None),
    ],
)
def test_europe_pmc_writes_a_year_as_its_first_day(
    day: str, submitted: date | None, make_dump: MakeDump
) -> None:
    assert only(make_dump(europe_pmc(firstPublicationDate=day))).submitted == submitted


@pytest.mark.parametrize(
    "fields",
    [
        {"pubTypeList": {"pubType": ["Retracted Publication"]}},
        {"pubType": "journal article; retracted publication; "},
        {"pubTypeList": {"pubType": ["Preprint", "Preprint-withdrawal"]}},
        {"pubTypeList": {"pubType": ["preprint", "preprint-removal"]}},
        {"commentCorrectionList": {"commentCorrection": [{"type": "Retraction in", "id": "2"}]}},
        {"title": "WITHDRAWN: A title"},
    ],
)
def test_europe_pmc_marks_a_retracted_paper(fields: dict[str, object], make_dump: MakeDump) -> None:
    assert only(make_dump(europe_pmc(**fields))).withdrawn


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ("retraction of publication", "retraction notice"),
        ("retraction", "retraction notice"),
        ("correction; journal article", "erratum notice"),
        ("expression of concern", "concern notice"),
    ],
)
def test_europe_pmc_has_notices_without_their_paper(
    types: str, reason: str, make_dump: MakeDump
) -> None:
    assert skipped_lines(make_dump(europe_pmc(pubType=types))) == [(1, reason)]


# --------------------------------------------------------------------------------------- INSPIRE


def inspire(**metadata: object) -> list[dict[str, Any]]:
    return [{"id": "1", "links": {}, "metadata": {"titles": [{"title": "A title"}], **metadata}}]


@pytest.mark.parametrize(
    ("title_list", "title"),
    [
        ([{"title": "Of a journal"}, {"title": "Of $x$", "source": "arXiv"}], "Of $x$"),
        ([{"title": "First", "source": "a"}, {"title": "Second", "source": "b"}], "First"),
        ([{"title": None, "source": "arXiv"}, {"title": "Second"}], "Second"),
        ([], ""),
    ],
)
def test_inspire_takes_the_title_of_arxiv(
    title_list: list[object], title: str, make_dump: MakeDump
) -> None:
    assert only(make_dump(inspire(titles=title_list))).title == title


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"collaborations": [{"value": "NIMBUS"}]}, ("NIMBUS Collaboration",)),
        (
            {"collaborations": [{"value": "The Nimbus Collaboration"}]},
            ("The Nimbus Collaboration",),
        ),
        ({"corporate_author": ["Invented Laboratory"]}, ("Invented Laboratory",)),
        (
            {
                "authors": [
                    {"full_name": "Doe, Jane"},
                    {"full_name": "Roe, Kim", "inspire_roles": ["editor"]},
                ]
            },
            ("Doe, Jane",),
        ),
    ],
)
def test_inspire_has_people_collaborations_and_laboratories(
    metadata: dict[str, object], names: tuple[str, ...], make_dump: MakeDump
) -> None:
    assert only(make_dump(inspire(**metadata))).authors == names


# ------------------------------------------------------------------------------------------- ADS


@pytest.mark.parametrize(
    ("pubdate", "entered", "submitted"),
    [
        ("2026-04-00", None, date(2026, 4, 1)),
        ("2026-04-17", None, date(2026, 4, 17)),
        ("2026-06-00", "2026-04-03T00:00:00Z", date(2026, 4, 3)),
        ("2026-04-00", "2026-06-03T00:00:00Z", date(2026, 4, 1)),
        ("2026-00-00", "2026-06-03T00:00:00Z", None),
        (None, None, None),
    ],
)
def test_ads_knows_the_month_of_an_issue(
    pubdate: str | None, entered: str | None, submitted: date | None, make_dump: MakeDump
) -> None:
    doc = {"bibcode": "2026X", "title": ["A title"], "pubdate": pubdate, "entry_date": entered}
    assert only(make_dump([doc])).submitted == submitted


# ------------------------------------------------------------------------------------ OpenReview


def note(**content: object) -> list[dict[str, Any]]:
    named = {"title": "A title", **content}
    return [{"id": "aB1", "forum": "aB1", "cdate": 1780000000000, "content": named}]


@pytest.mark.parametrize(
    ("venue", "venueid", "expected"),
    [
        ("ICIG 2026 poster", "ICIG.cc/2026/Conference", "ICIG 2026 poster"),
        ("TIML", "TIML", "TIML"),
        ("Submitted to ICIG 2026", "ICIG.cc/2026/Conference", ""),
        ("Under review for TIML", "TIML/Under_Review", ""),
        ("ICIG 2026 Conference Submission", "ICIG.cc/2026/Conference/Submission", ""),
        ("ICIG 2026", "ICIG.cc/2026/Conference/Rejected_Submission", ""),
        ("CoRR 2026", "dblp.org/journals/CORR/2026", ""),
        ("", "", ""),
    ],
)
def test_openreview_names_a_venue_once_it_accepted(
    venue: str, venueid: str, expected: str, make_dump: MakeDump
) -> None:
    plain = only(make_dump(note(venue=venue, venueid=venueid)))
    wrapped = only(make_dump(note(venue={"value": venue}, venueid={"value": venueid})))
    assert (plain.journal_ref, wrapped.journal_ref) == (expected, expected)


@pytest.mark.parametrize("time", [1e30, -1e30, 0, 10**18, None])
def test_openreview_may_have_impossible_times(time: object, make_dump: MakeDump) -> None:
    (paper,) = note()
    assert only(make_dump([{**paper, "cdate": time, "signatures": []}])).submitted is None


def test_openreview_may_delete_a_note(make_dump: MakeDump) -> None:
    (paper,) = note()
    assert skipped_lines(make_dump([{**paper, "ddate": 1780000000000}])) == [(1, "deleted")]


# --------------------------------------------------------------------------- DataCite, DOAJ, CORE


def test_datacite_answers_about_a_single_doi(make_dump: MakeDump) -> None:
    page = golden_page("datacite")
    assert only(make_dump({"data": page["data"][0]})).title == "On Citing $x$"


@pytest.mark.parametrize(
    ("general", "is_paper"),
    [
        ("Preprint", True),
        ("JournalArticle", True),
        ("Text", True),
        ("Dissertation", True),
        ("Software", False),
        ("PeerReview", False),
        ("ConferenceProceeding", False),
        (None, False),
    ],
)
def test_datacite_has_types_of_papers(
    general: str | None, is_paper: bool, make_dump: MakeDump
) -> None:
    attributes = {
        "doi": "10.1000/x",
        "titles": [{"title": "A title"}],
        "types": {"resourceTypeGeneral": general},
    }
    (outcome,) = make_dump([{"id": "1", "type": "dois", "attributes": attributes}]).records()
    assert isinstance(outcome, Record if is_paper else Skipped)


@pytest.mark.parametrize("month", ["4", 4, "04", "April", "Apr"])
def test_doaj_writes_months_as_it_likes(month: object, make_dump: MakeDump) -> None:
    dump = make_dump([{"bibjson": {"title": "A title", "year": "2026", "month": month}}])
    assert only(dump).submitted == date(2026, 4, 1)


@pytest.mark.parametrize("month", ["13", "Spring", "", None, "0"])
def test_doaj_may_not_know_the_month(month: object, make_dump: MakeDump) -> None:
    dump = make_dump([{"bibjson": {"title": "A title", "year": "2026", "month": month}}])
    assert only(dump).submitted is None


def test_core_may_hold_the_copy_of_arxiv(make_dump: MakeDump) -> None:
    copy = "https://arxiv.org/pdf/2604.00043v2"
    work = {"title": "A title", "yearPublished": 2026, "downloadUrl": copy}
    (entry,) = entries(make_dump([work]))
    assert [identity.value for identity in entry.identities] == ["2604.00043"]


# ------------------------------------------------------------------------------------- JSON Feed


def json_feed(*items: object, version: str = "https://jsonfeed.org/version/1.1") -> dict[str, Any]:
    return {"version": version, "title": "News", "items": list(items)}


@pytest.mark.parametrize("address", ["https://jsonfeed.org/version/1", "http://www.jsonfeed.org/x"])
def test_a_json_feed_is_known_by_its_version(address: str, make_dump: MakeDump) -> None:
    feed = json_feed({"id": "1", "title": "A title"}, version=address)
    escaped = json.dumps(feed).replace("/", "\\/")
    for content in (feed, escaped, json_feed(version=address)):
        assert make_dump(content).format == "json-feed"
    assert titles(make_dump(escaped)) == ["A title"]


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ({"authors": [{"name": "Jane Doe"}, {"name": "Kim Roe"}]}, ("Jane Doe", "Kim Roe")),
        ({"author": {"name": "Jane Doe"}}, ("Jane Doe",)),
        ({"authors": [{"name": "Jane Doe"}], "author": {"name": "Jane Doe"}}, ("Jane Doe",)),
        ({"authors": [{"name": "Jane Doe and Kim Roe"}]}, ("Jane Doe", "Kim Roe")),
        ({"authors": [None, {"url": "https://example.org"}]}, ()),
    ],
)
def test_a_json_feed_names_its_authors(
    item: dict[str, object], names: tuple[str, ...], make_dump: MakeDump
) -> None:
    assert only(make_dump(json_feed({"id": "1", "title": "A title", **item}))).authors == names


def test_the_longest_text_of_a_json_feed_is_the_abstract(make_dump: MakeDump) -> None:
    item = {
        "id": "1",
        "title": "A title",
        "content_html": "<p>Short.</p>",
        "summary": "It is long.",
    }
    assert only(make_dump(json_feed(item))).abstract == "It is long."


# ------------------------------------------------------------------------------ Semantic Scholar


def test_recommendations_are_read_and_may_be_none(make_dump: MakeDump) -> None:
    dump = make_dump({"recommendedPapers": []})
    assert (dump.format, papers(dump), rejections(dump)) == ("semantic-scholar-api", [], [])
    odd = make_dump({"recommendedPapers": [{"paperId": "0" * 40, "title": "A title"}, 5]})
    assert titles(odd) == ["A title"]
    assert [type(outcome) for outcome in odd.records()] == [Record, Rejected]
