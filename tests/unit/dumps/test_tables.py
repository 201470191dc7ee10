"""Tables of services and programs: their names of columns, and what stands before the header."""

from __future__ import annotations

from datetime import date

import pytest

from digest.dumps.tables.columns import match_columns
from digest.errors import DumpError
from tests.unit.dumps.conftest import MakeDump, entries, only, papers, rejections, skipped_lines


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
            "id doi title submitted authors journalref url pmid",
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
