"""PubMed XML.

Text through mark-up, labelled abstracts, partial dates, names, identifiers, retractions and
deletions.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from digest.dumps import open_dump
from digest.model import Record, Rejected, Removal, Skipped
from tests.unit.dumps.conftest import TODAY, MakeDump, only


@pytest.fixture
def make_dump(make_dump: MakeDump) -> MakeDump:
    """Return a function that makes a dump of articles."""
    return lambda *content: make_dump(
        f'<?xml version="1.0"?>\n<PubmedArticleSet>\n{"".join(content)}\n</PubmedArticleSet>'
    )


def article(
    title: str = "A title.",
    inside: str = "",
    *,
    citation: str = "",
    data: str = "",
    pmid: str = "<PMID>1</PMID>",
) -> str:
    return (
        f"<PubmedArticle>\n<MedlineCitation>{pmid}<Article><ArticleTitle>{title}<"
        f"/ArticleTitle>{inside}</Article>{citation}</MedlineCitation>"
        f"<PubmedData>{data}</PubmedData></PubmedArticle>\n"
    )


def types(*names: str) -> str:
    inner = "".join(f"<PublicationType>{name}</PublicationType>" for name in names)
    return f"<PublicationTypeList>{inner}</PublicationTypeList>"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("On <i>E. <b>coli</b></i> &amp; more.", "On E. coli & more"),
        ("CO<sub>2</sub> at 10<sup>-3</sup> and 5<sup>th</sup>", "CO₂ at 10⁻³ and 5th"),
        ("[A translation].", "A translation"),
        ("[A translation]", "A translation"),
        ("[A [nested] translation].", "A [nested] translation"),
        ("[18F]FDG and [11C]PIB.", "[18F]FDG and [11C]PIB"),
        ("[18F]FDG or [11C].", "[18F]FDG or [11C]"),
        ("What next...", "What next..."),
        ("Vitamin D.", "Vitamin D."),
        ("Wrapped\n      like XML?", "Wrapped like XML?"),
    ],
)
def test_a_title_is_all_of_its_text(written: str, title: str, make_dump: MakeDump) -> None:
    assert only(make_dump(article(written))).title == title


@pytest.mark.parametrize("title", ["[Not Available].", "", "[In Process Citation]"])
def test_a_title_that_is_missing_is_the_one_in_its_own_language(
    title: str, make_dump: MakeDump
) -> None:
    assert (
        only(make_dump(article(title, "<VernacularTitle>Ein Titel.</VernacularTitle>"))).title
        == "Ein Titel"
    )


def test_labelled_parts_of_an_abstract_are_paragraphs(make_dump: MakeDump) -> None:
    parts = (
        '<AbstractText Label="AIM">A <i>b</i>.</AbstractText><AbstractText '
        'Label="UNLABELLED">C.</AbstractText><AbstractText Label="EMPTY"/>'
    )
    inside = f"<Abstract>{parts}<CopyrightInformation>(c)</CopyrightInformation></Abstract>"
    assert only(make_dump(article(inside=inside))).abstract == "AIM: A b.\n\nC."


def test_another_abstract_is_read_only_if_there_is_no_first_one(make_dump: MakeDump) -> None:
    other = (
        '<OtherAbstract Language="ger"><AbstractText>Auf Deutsch.</AbstractText></OtherAbstract>'
    )
    assert only(make_dump(article(citation=other))).abstract == "Auf Deutsch."
    first = "<Abstract><AbstractText>In English.</AbstractText></Abstract>"
    assert only(make_dump(article(inside=first, citation=other))).abstract == "In English."


def test_names_of_persons_and_groups(make_dump: MakeDump) -> None:
    authors = (
        "<Author><LastName>Doe</LastName><ForeName>Jane "
        "A</ForeName><Suffix>3rd</Suffix></Author><Author><CollectiveName>The\n Group"
        "</CollectiveName></Author><Author><LastName>Roe</LastName><Initials>K</Initials></Author>"
        "<Author ValidYN='N'><LastName>Deo</LastName>"
        "</Author><Author/>"
    )
    editors = "<AuthorList Type='editors'><Author><LastName>Poe</LastName></Author></AuthorList>"
    assert only(
        make_dump(article(inside=f"{editors}<AuthorList>{authors}</AuthorList>"))
    ).authors == (
        "Jane A Doe 3rd",
        "The Group",
        "K Roe",
    )


@pytest.mark.parametrize(
    ("written", "submitted"),
    [
        ("<Year>2026</Year><Month>Apr</Month><Day>3</Day>", date(2026, 4, 3)),
        ("<Year>2026</Year><Month>04</Month><Day>03</Day>", date(2026, 4, 3)),
        ("<Year>2026</Year><Month>April</Month>", date(2026, 4, 1)),
        ("<Year>2026</Year>", None),
        ("<Year>2026</Year><Season>Spring</Season>", None),
        ("<MedlineDate>2026 Mar-Apr</MedlineDate>", date(2026, 3, 1)),
        ("<MedlineDate>2025 Dec-2026 Jan</MedlineDate>", date(2025, 12, 1)),
        ("<MedlineDate>2026 Jan 5-12</MedlineDate>", date(2026, 1, 5)),
        ("<MedlineDate>2025-2026</MedlineDate>", None),
        ("<MedlineDate>2026 Spring</MedlineDate>", None),
        ("<MedlineDate>Winter 2026</MedlineDate>", None),
        ("<Year>2026</Year><Month>Feb</Month><Day>30</Day>", None),
        ("<Year>9999</Year><Month>Jan</Month><Day>1</Day>", None),
        ("", None),
    ],
)
def test_partial_dates_give_a_day_only_if_there_is_one(
    written: str, submitted: date | None, make_dump: MakeDump
) -> None:
    inside = f"<Journal><JournalIssue><PubDate>{written}</PubDate></JournalIssue></Journal>"
    assert only(make_dump(article(inside=inside))).submitted == submitted


def test_a_complete_day_beats_a_month_and_a_year_takes_the_day_in_pubmed(
    make_dump: MakeDump,
) -> None:
    month = (
        "<Journal><JournalIssue><PubDate><Year>2026</Year><Month>May</Month></PubDate>"
        "</JournalIssue></Journal>"
    )
    online = "<ArticleDate><Year>2026</Year><Month>06</Month><Day>02</Day></ArticleDate>"
    assert only(make_dump(article(inside=month + online))).submitted == date(2026, 6, 2)
    year = "<Journal><JournalIssue><PubDate><Year>2026</Year></PubDate></JournalIssue></Journal>"
    shown = (
        "<History><PubMedPubDate "
        "PubStatus='pubmed'><Year>2026</Year><Month>7</Month><Day>1</Day></PubMedPubDate></History>"
    )
    dump = only(make_dump(article(inside=year, data=shown)))
    assert (dump.submitted, dump.announced) == (date(2026, 7, 1), date(2026, 7, 1))


def test_identifiers_are_those_of_the_article_and_not_of_its_references(
    make_dump: MakeDump,
) -> None:
    data = (
        "<ArticleIdList><ArticleId IdType='pubmed'>1</ArticleId><ArticleId "
        "IdType='doi'>10.1000/A</ArticleId><ArticleId IdType='pmc'>PMC5</ArticleId>"
        "<ArticleId "
        "IdType='pii'>S0</ArticleId></ArticleIdList><ReferenceList><Reference>"
        "<ArticleIdList><ArticleId IdType='doi'>10.1000/cited"
        "</ArticleId></ArticleIdList></Reference></ReferenceList>"
    )
    dump = only(make_dump(article(data=data, pmid="<PMID Version='1'>01</PMID>")))
    assert dump.ids == (("pmid", "01"), ("pmid", "1"), ("doi", "10.1000/A"), ("pmcid", "PMC5"))
    assert dump.version is None


def test_a_doi_among_the_locations_counts_unless_it_is_not_valid(make_dump: MakeDump) -> None:
    valid, wrong = (
        "<ELocationID EIdType='doi'>10.1000/a</ELocationID>",
        "<ELocationID EIdType='doi' ValidYN='N'>10.1000/b</ELocationID>",
    )
    assert only(make_dump(article(inside=wrong + valid))).ids == (
        ("pmid", "1"),
        ("doi", "10.1000/a"),
    )


def test_only_a_second_version_of_a_record_counts(make_dump: MakeDump) -> None:
    assert only(make_dump(article(pmid="<PMID Version='2'>1</PMID>"))).version == 2
    assert only(make_dump(article(pmid="<PMID Version='x'>1</PMID>"))).version is None


def test_a_retracted_paper_is_withdrawn(make_dump: MakeDump) -> None:
    assert only(
        make_dump(article(inside=types("Journal Article", "Retracted Publication")))
    ).withdrawn
    remark = (
        "<CommentsCorrectionsList><CommentsCorrections "
        "RefType='RetractionIn'><PMID>9</PMID></CommentsCorrections></CommentsCorrectionsList>"
    )
    assert only(make_dump(article(citation=remark))).withdrawn
    assert only(make_dump(article("RETRACTED: A title."))).withdrawn
    assert not only(make_dump(article(inside=types("Journal Article")))).withdrawn


@pytest.mark.parametrize("kind", ["Retraction of Publication", "Retraction Notice"])
def test_a_retraction_notice_retracts_what_it_names(kind: str, make_dump: MakeDump) -> None:
    targets = "".join(
        f"<CommentsCorrections RefType='RetractionOf'><PMID>{pmid}</PMID></CommentsCorrections>"
        for pmid in (7, 8)
    )
    cited = "<CommentsCorrections RefType='Cites'><PMID>6</PMID></CommentsCorrections>"
    dump = list(
        make_dump(
            article(
                inside=types(kind),
                citation=f"<CommentsCorrectionsList>{cited}{targets}</CommentsCorrectionsList>",
            )
        ).records()
    )
    assert [entry.ids for entry in dump if isinstance(entry, Removal)] == [
        (("pmid", "7"),),
        (("pmid", "8"),),
    ]
    (bare,) = make_dump(article(inside=types(kind))).records()
    assert isinstance(bare, Skipped)
    assert bare.reason == "retraction notice"


def test_errata_and_concerns_are_skipped(make_dump: MakeDump) -> None:
    dump = list(
        make_dump(
            article(inside=types("Published Erratum")),
            article(inside=types("Expression of Concern")),
        ).records()
    )
    assert [(entry.line, entry.reason) for entry in dump if isinstance(entry, Skipped)] == [
        (3, "erratum notice"),
        (5, "concern notice"),
    ]


def test_every_deletion_has_its_line(make_dump: MakeDump) -> None:
    dump = list(
        make_dump(
            article(),
            "<DeleteCitation>\n<PMID Version='1'>2</PMID>\n<PMID>3</PMID>\n</DeleteCitation>",
        ).records()
    )
    assert [(entry.line, entry.ids, entry.raw) for entry in dump if isinstance(entry, Removal)] == [
        (6, (("pmid", "2"),), "<PMID>2</PMID>"),
        (7, (("pmid", "3"),), "<PMID>3</PMID>"),
    ]


def test_citations_without_their_pubmed_wrapping_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.xml"
    path.write_text(
        "<MedlineCitationSet><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>Old<"
        "/ArticleTitle></Article></MedlineCitation></MedlineCitationSet>"
    )
    assert only(open_dump(path, today=TODAY)).title == "Old"


def test_a_book_without_chapter_title_has_its_own(make_dump: MakeDump) -> None:
    dump = only(
        make_dump(
            "<PubmedBookArticle><BookDocument><PMID>5</PMID><Book><BookTitle>A "
            "Book</BookTitle></Book></BookDocument></PubmedBookArticle>"
        )
    )
    assert (dump.title, dump.ids) == ("A Book", (("pmid", "5"),))


def test_an_article_without_anything_in_it_is_a_record_without_title(make_dump: MakeDump) -> None:
    assert only(make_dump("<PubmedArticle></PubmedArticle>")).title == ""


def test_an_error_of_the_interface_is_incomplete_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "efetch.xml"
    path.write_text("<eFetchResult><ERROR>ID list is\n empty</ERROR></eFetchResult>")
    answer = open_dump(path, today=TODAY)
    assert (answer.format, list(answer.records())) == ("pubmed", [])
    assert answer.incomplete == "the answer is an error: ID list is empty"


def test_a_damaged_article_loses_no_other(make_dump: MakeDump) -> None:
    dump = list(make_dump(article("One"), article("Two <i>open"), article("Three")).records())
    assert [type(entry) for entry in dump] == [Record, Rejected, Record]


def test_entities_of_a_declaration_are_never_expanded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(
        '<!DOCTYPE PubmedArticleSet [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM '
        '"file:///etc/hostname">]>'
        f"<PubmedArticleSet>{article('&b; &f;')}{article('Fine')}</PubmedArticleSet>"
    )
    entries = list(open_dump(path, today=TODAY).records())
    assert [type(entry) for entry in entries] == [Rejected, Record]
