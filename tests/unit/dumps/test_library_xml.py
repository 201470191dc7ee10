"""EndNote XML, Zotero RDF and DBLP: where each field may stand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.dumps.conftest import (
    MakeDump,
    entries,
    only,
    papers,
    rejections,
    skipped_lines,
    titles,
)


def endnote(inner: str) -> str:
    return f"<xml><records><record>{inner}</record></records></xml>"


def rdf(*nodes: str) -> str:
    spaces = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "z": "http://www.zotero.org/namespaces/export#",
        "dcterms": "http://purl.org/dc/terms/",
        "bib": "http://purl.org/net/biblio#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "prism": "http://prismstandard.org/namespaces/1.2/basic/",
    }
    declared = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in spaces.items())
    return f"<rdf:RDF {declared}>{''.join(nodes)}</rdf:RDF>"


def article(inner: str, title: str = "A Title") -> str:
    return (
        f"<bib:Article><z:itemType>journalArticle</z:itemType><dc:title>{title}</dc:title>"
        f"{inner}</bib:Article>"
    )


def journal(address: str, doi: str) -> str:
    return (
        f'<bib:Journal rdf:about="{address}"><dc:title>Sand</dc:title>'
        f"<dc:identifier>DOI {doi}</dc:identifier></bib:Journal>"
    )


def identities(text: str, make_dump: MakeDump) -> list[list[str]]:
    return [
        [f"{one.kind}:{one.value}" for one in entry.identities]
        for entry in entries(make_dump(text))
    ]


# ----------------------------------------------------------------------------------------------
# EndNote XML


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        ("<electronic-resource-num>doi:10.1000/X</electronic-resource-num>", ["doi:10.1000/x"]),
        (
            "<urls><web-urls><url>https://arxiv.org/abs/2401.01234v2</url></web-urls></urls>",
            ["arxiv:2401.01234"],
        ),
        (
            "<urls><related-urls><url>https://example.org/ https://doi.org/10.1000/x</url>"
            "</related-urls></urls>",
            ["doi:10.1000/x"],
        ),
        (
            "<accession-num>17</accession-num><remote-database-provider>NLM"
            "</remote-database-provider>",
            ["pmid:17"],
        ),
        ("<accession-num>17</accession-num>", []),
        ("<accession-num>arXiv:2401.01234</accession-num>", ["arxiv:2401.01234"]),
        ("<custom2>PMC7</custom2>", ["pmcid:PMC7"]),
        ("<custom2>two copies</custom2>", []),
        ("<notes>Read it&#xD;PMID: 17</notes>", ["pmid:17"]),
        ("<notes>Extends arXiv:2401.01234</notes>", []),
    ],
)
def test_identifiers_of_endnote(inner: str, names: list[str], make_dump: MakeDump) -> None:
    text = endnote(f"<titles><title>A Title</title></titles>{inner}")
    assert identities(text, make_dump) == [names]


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ("<year>2024</year><pub-dates><date>Mar 4</date></pub-dates>", date(2024, 3, 4)),
        ("<year>2024</year><pub-dates><date>2024-03-04</date></pub-dates>", date(2024, 3, 4)),
        ("<year>2024</year><pub-dates><date>4th March</date></pub-dates>", date(2024, 3, 4)),
        ("<year>2024</year><pub-dates><date>March</date></pub-dates>", date(2024, 3, 1)),
        ("<year>2024</year>", None),
        ("<pub-dates><date>Mar 4</date></pub-dates>", None),
    ],
)
def test_days_of_endnote(dates: str, day: date | None, make_dump: MakeDump) -> None:
    text = endnote(f"<titles><title>A Title</title></titles><dates>{dates}</dates>")
    assert only(make_dump(text)).submitted == day


# ----------------------------------------------------------------------------------------------
# Zotero RDF


def test_the_doi_of_a_journal_is_that_of_its_only_article(make_dump: MakeDump) -> None:
    part = '<dcterms:isPartOf rdf:resource="{}"/>'
    text = rdf(
        journal("urn:issn:1", "10.1000/before"),
        article(part.format("urn:issn:1")),
        article(part.format("urn:issn:2")),
        journal("urn:issn:2", "10.1000/behind"),
        article(part.format("urn:issn:3")),
        article(part.format("urn:issn:3")),
        journal("urn:issn:3", "10.1000/shared"),
        article(part.format("urn:issn:4")),
    )
    names = identities(text, make_dump)
    assert names == [["doi:10.1000/before"], ["doi:10.1000/behind"], [], [], []]
    assert len(papers(make_dump(text))) == 5


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        ("<dc:identifier>DOI 10.1000/X</dc:identifier>", ["doi:10.1000/x"]),
        ("<dc:identifier>ISSN 1234-5678</dc:identifier>", []),
        (
            "<dc:identifier><dcterms:URI><rdf:value>https://arxiv.org/abs/2401.01234v3"
            "</rdf:value></dcterms:URI></dc:identifier>",
            ["arxiv:2401.01234"],
        ),
        ("<prism:number>arXiv:2401.01234</prism:number>", ["arxiv:2401.01234"]),
        ("<z:archiveID>arXiv:2401.01234</z:archiveID>", ["arxiv:2401.01234"]),
        ("<dc:description>PMID: 17\nPMCID: PMC7</dc:description>", ["pmid:17", "pmcid:PMC7"]),
        (
            "<dcterms:isPartOf><bib:Part><dc:title>Letters</dc:title><dcterms:isPartOf>"
            "<bib:Journal><dc:identifier>DOI 10.1000/x</dc:identifier></bib:Journal>"
            "</dcterms:isPartOf></bib:Part></dcterms:isPartOf>",
            ["doi:10.1000/x"],
        ),
    ],
)
def test_identifiers_of_zotero(inner: str, names: list[str], make_dump: MakeDump) -> None:
    assert identities(rdf(article(inner)), make_dump) == [names]


def test_what_is_no_paper_in_zotero_is_told(make_dump: MakeDump) -> None:
    dump = make_dump(
        rdf(
            article(""),
            '<z:Attachment rdf:about="#1"><z:itemType>attachment</z:itemType></z:Attachment>',
            "<bib:Memo><rdf:value>Mine</rdf:value></bib:Memo>",
            "<bib:Book><dc:title>No type</dc:title></bib:Book>",
            "<bib:Journal><dc:title>Damaged</dc:titel></bib:Journal>",
        )
    )
    assert titles(dump) == ["A Title"]
    assert [reason for _, reason in skipped_lines(dump)] == ["attachment", "note"]
    assert [reason[:14] for _, reason in rejections(dump)] == [
        "no z:itemType",
        "no valid XML: ",
    ]


def test_other_rdf_is_no_library(make_dump: MakeDump) -> None:
    feed = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel/>'
        "<item><title>A Title</title></item></rdf:RDF>"
    )
    assert make_dump(feed).format == "feed"


# ----------------------------------------------------------------------------------------------
# DBLP


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Jane Doe 0001", "Jane Doe"),
        ("J&uuml;rgen M&uuml;ller", "Jürgen Müller"),
        ("Ren&eacute;e &Oslash;stby 0012", "Renée Østby"),
        ("&#321;ukasz &#379;ak", "Łukasz Żak"),
        ("Jane Doe 12", "Jane Doe 12"),
    ],
)
def test_names_of_dblp(written: str, read: str, make_dump: MakeDump) -> None:
    record = (
        f'<article mdate="2026-01-02" key="x"><author>{written}</author>'
        f"<title>&Uuml;ber Sand.</title></article>"
    )
    for text in (f"<dblp>{record}</dblp>", record, f"<dblpperson><r>{record}</r></dblpperson>"):
        paper = only(make_dump(text))
        assert (paper.title, paper.authors) == ("Über Sand", (read,))


def test_an_error_of_the_search_of_dblp_makes_the_file_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump('<result><status code="500">Too busy</status><hits total="0"/></result>')
    assert list(dump.records()) == []
    assert dump.incomplete == "the server answered with an error: 500 Too busy"


def test_an_empty_answer_of_dblp_is_whole(make_dump: MakeDump) -> None:
    dump = make_dump('<result><status code="200">OK</status><hits total="0"/></result>')
    assert (list(dump.records()), dump.incomplete) == ([], None)
