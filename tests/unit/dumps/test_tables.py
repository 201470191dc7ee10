"""Tables of services and programs: their names of columns, and what stands before the header."""

from __future__ import annotations

import json
from datetime import date

import pytest

from digest.dumps.tables.columns import match_columns
from digest.errors import DumpError
from tests.unit.dumps.conftest import (
    MakeDump,
    entries,
    only,
    papers,
    rejections,
    skipped_lines,
    titles,
)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        pytest.param(
            "Document Title,Authors,Publication Title,Publication Year,Abstract,DOI",
            "title authors journalref abstract doi",
            id="IEEE Xplore",
        ),
        pytest.param(
            "Rank,DOI,PMID,PMCID,Title,Abstract,Source title,PubYear,Authors,"
            "Authors (Raw Affiliation)",
            "doi pmid pmcid title abstract journalref authors",
            id="Dimensions",
        ),
        pytest.param(
            "PMID,Title,Authors,First Author,Journal/Book,Create Date,PMCID,DOI",
            "pmid title authors journalref announced pmcid doi",
            id="PubMed",
        ),
        pytest.param(
            "Authors,Author full names,Title,Year,Source title,DOI,Abstract,EID,Source",
            "authors title journalref doi abstract",
            id="Scopus",
        ),
        pytest.param(
            "Key,Item Type,Publication Year,Author,Title,Publication Title,DOI,Url,Abstract Note,"
            "Date,Date Added",
            "authors title journalref doi url abstract submitted firstseen",
            id="Zotero",
        ),
        pytest.param(
            "Lens ID,Title,Date Published,Source Title,Author/s,Abstract,External URL,PMID,DOI,"
            "PMCID",
            "title submitted journalref authors abstract url pmid doi pmcid",
            id="Lens",
        ),
        pytest.param(
            "Cites,Authors,Title,Year,Source,ArticleURL,DOI,Abstract",
            "authors title url doi abstract",
            id="Publish or Perish",
        ),
        pytest.param(
            "id,doi,display_name,publication_date,authorships.author.display_name,"
            "primary_location.source.display_name,primary_location.landing_page_url,ids.pmid",
            "id doi submitted authors journalref url pmid title",
            id="OpenAlex",
        ),
        pytest.param(
            "key,title,year,journal,authors,url,abstract,doi,pubmed_id,pmc_id",
            "title journalref authors url abstract doi pmid pmcid",
            id="Rayyan",
        ),
        pytest.param(
            "Item Title,Publication Title,Item DOI,Authors,Publication Year,URL",
            "title journalref doi authors url",
            id="SpringerLink",
        ),
        pytest.param("Titel,Autoren,Zusammenfassung,Datum,Zeitschrift", None, id="German"),
        pytest.param("Titre,Auteurs,Résumé,Date,Revue", None, id="French"),
    ],
)
def test_the_columns_of_services_are_known(header: str, columns: str | None) -> None:
    known = columns or "title authors abstract submitted journalref"
    assert list(match_columns(header.split(",")).values()) == known.split()


@pytest.mark.parametrize(
    "table",
    [
        "sep=;\nTitle;DOI\nA, B and C;10.1000/x\n",
        "SEP=;\r\nTitle;DOI\r\nA, B and C;10.1000/x\r\n",
        '\ufeffsep=,\nTitle,DOI\n"A, B and C",10.1000/x\n',
        "sep=\t\nTitle\tDOI\nA, B and C\t10.1000/x\n",
        "sep=|\nTitle|DOI\nA, B and C|10.1000/x\n",
    ],
)
def test_the_line_of_excel_names_the_separator(table: str, make_dump: MakeDump) -> None:
    dump = make_dump(table)
    assert dump.format == "csv"
    paper = only(dump)
    assert (paper.line, paper.title, paper.ids) == (3, "A, B and C", (("doi", "10.1000/x"),))


def test_remarks_before_the_header_are_skipped(make_dump: MakeDump) -> None:
    dump = make_dump("Our reading list\n\nas of June, 2026\nTitle;DOI\nA;10.1000/x\n")
    assert [paper.line for paper in papers(dump)] == [5]
    assert skipped_lines(dump) == [(1, "stands before the header"), (3, "stands before the header")]


def test_a_table_whose_header_comes_late_is_none(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError):
        make_dump("a line of prose\n" * 20 + "Title;DOI\nA;10.1000/x\n")


def test_blank_cells_are_nothing(make_dump: MakeDump) -> None:
    dump = make_dump("Title,DOI\nA,10.1000/x,,\n,,\n , \nB,10.1000/y\nC,10.1000/z,,D\n")
    assert [(paper.line, paper.title) for paper in papers(dump)] == [(2, "A"), (5, "B")]
    assert [line for line, _ in rejections(dump)] == [6]


def test_a_table_of_excel_in_german_is_read(make_dump: MakeDump) -> None:
    dump = make_dump("Titel;Autoren;Datum;Jahr;DOI\nÜber Löffel;Möller, Jürgen;3.6.2026;2026;\n")
    (entry,) = entries(dump)
    assert (entry.title, entry.authors) == ("Über Löffel", ("Jürgen Möller",))
    assert entry.submitted == date(2026, 6, 3)
    assert dump.ignored == {"Jahr": 1}


# ------------------------------------------------------------------------------------------------
# JSON by identifier

KEYED = {
    "2606.00001": {"title": "A", "abstract": "Text."},
    "10.1000/x": {"title": "B", "id": "2606.00002"},
    "doe2026": {"title": "C"},
    "2606.00004": {},
}


@pytest.mark.parametrize("indent", [None, 2])
def test_papers_by_their_identifiers_are_read(indent: int | None, make_dump: MakeDump) -> None:
    dump = make_dump(json.dumps(KEYED, indent=indent) + "\n")
    assert dump.format == "jsonl"
    assert [(paper.line, paper.title, paper.ids) for paper in papers(dump)] == [
        (1, "A", (("id", "2606.00001"),)),
        (2, "B", (("id", "2606.00002"),)),
        (3, "C", (("id", "doe2026"),)),
        (4, "", ()),
    ]
    assert dump.incomplete is None


def test_papers_by_identifier_that_are_cut_keep_what_came_before(make_dump: MakeDump) -> None:
    text = json.dumps(KEYED)
    ends = {"A": '"Text."}', "B": '"2606.00002"}', "C": '"C"}'}
    for end in range(text.index('"10.1000/x"'), len(text)):
        dump = make_dump(text[:end])
        whole = [title for title, last in ends.items() if last in text[:end]]
        assert list(filter(None, titles(dump))) == whole
        assert dump.incomplete is not None


def test_values_that_are_no_objects_are_rejected(make_dump: MakeDump) -> None:
    dump = make_dump(
        '{"2606.00001": {"title": "A"}, "2606.00002": {"title": "B"}, "count": 2, '
        '"2606.00003": {"title": "C"}}'
    )
    assert [paper.title for paper in papers(dump)] == ["A", "B", "C"]
    assert rejections(dump) == [(3, "expected an object, got a number")]


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"title": "Not found"}}',
        '{"2606.00001": {"name": "A"}, "2606.00002": {"name": "B"}}',
        '{"status": "ok", "message": {"title": "A"}}',
        '{"2606.00001": ["title"]}',
        "{}",
    ],
)
def test_other_objects_are_no_papers_by_identifier(text: str, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError):
        make_dump(text)


def test_an_object_with_a_title_is_one_paper(make_dump: MakeDump) -> None:
    dump = make_dump('{"title": "A", "x1": {"title": "B"}, "x2": {"title": "C"}}')
    assert titles(dump) == ["A"]
