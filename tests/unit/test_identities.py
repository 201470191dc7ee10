"""Identifiers as people and sources write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Identity
from digest.papers import (
    parse_arxiv_id,
    parse_doi,
    parse_identity,
    parse_link,
    parse_name,
    parse_pmcid,
    parse_pmid,
)


def name_of(identity: Identity | None) -> str | None:
    return None if identity is None else f"{identity.kind}:{identity.value}"


@pytest.mark.parametrize(
    ("written", "canonical", "version"),
    [
        ("2101.11408v3", "2101.11408", 3),
        ("arXiv:2101.11408v3", "2101.11408", 3),
        ("0704.0001", "0704.0001", None),
        ("math.CA/0611800v2", "math/0611800", 2),
        ("solv-int/9901001", "solv-int/9901001", None),
        ("oai:arXiv.org:hep-th/9901001", "hep-th/9901001", None),
        ("http://arxiv.org/abs/hep-ex/0307015v1", "hep-ex/0307015", 1),
        ("https://arxiv.org/pdf/2101.11408v3.pdf", "2101.11408", 3),
        ("10.48550/ARXIV.2101.11408", "2101.11408", None),
        ("https://doi.org/10.48550/arXiv.2101.11408", "2101.11408", None),
        ("doi:10.48550/arxiv.math/0611800", "math/0611800", None),
        ("https://arxiv.org/html/2101.11408v10", "2101.11408", 10),
        ("https://www.arxiv.org/abs/2101.11408?context=cs.LG#top", "2101.11408", None),
        ("export.arxiv.org/abs/2101.11408/", "2101.11408", None),
        ("  arxiv: 2101.11408 ", "2101.11408", None),
        ("arXiv:2101.11408v3 [cs.LG] 27 Jan 2021", "2101.11408", 3),
        ("cond-mat.str-el/9901001", "cond-mat/9901001", None),
        ("hep-th/9108001", "hep-th/9108001", None),
        ("1412.9999", "1412.9999", None),
        ("1501.00001", "1501.00001", None),
        ("arXiv:hep-th/9711200v3 22 Jan 1998", "hep-th/9711200", 3),
        ("https://arxiv.org/abs/2101.11408).", "2101.11408", None),
        ("http://xxx.lanl.gov/abs/hep-th/9711200", "hep-th/9711200", None),
    ],
)
def test_an_arxiv_id_is_found_as_written(written: str, canonical: str, version: int | None) -> None:
    assert parse_arxiv_id(written) == (canonical, version)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "704.0001",
            "1412.12345",
            "1501.0001",
            "2113.00001",
            "2101.11408v0",
            "2100.00001",
            "0703.0001",
            "0704.0000",
            "1501.00000",
            "2101.11408v01",
        ),
        *(
            "2101.11408v",
            "2101.114080",
            "2101.11408x",
            "a 2101.11408",
            "2101.11408 and 2101.11409",
            "math/0704001",
            "math/9106001",
            "math/9913001",
        ),
        *(
            "math/9901000",
            "math/990100",
            "math/99010011",
            "/9901001",
            "solv-int-x/9901001",
            "https://example.org/abs/2101.11408",
            "10.1000/2101.11408",
        ),
        *("", " ", "hep-th", "٢١٠١.١١٤٠٨", "https://arxiv.org/list/cs.LG/recent", "9" * 5000),
    ],
)
def test_impossible_arxiv_ids_are_rejected(written: str) -> None:
    assert parse_arxiv_id(written) is None


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("10.1000/XYZ", "10.1000/xyz"),
        ("doi:10.1000/xyz", "10.1000/xyz"),
        ("DOI: 10.1000/xyz.", "10.1000/xyz"),
        ("https://doi.org/10.1000/xyz", "10.1000/xyz"),
        ("http://dx.doi.org/10.1000/a%2Fb?x=1", "10.1000/a/b"),
        ("10.1103/PhysRevD.76.013009 10.1103/PhysRevD.76.013010", "10.1103/physrevd.76.013009"),
        ("10.1002/(SICI)1097-0258(1998)17", "10.1002/(sici)1097-0258(1998)17"),
        ("10.1000/xyz)", "10.1000/xyz"),
        ("10.1000/0012", "10.1000/0012"),
        ("10.1000/a\0b", "10.1000/a"),
        ("10.1000/a{\\_}b", "10.1000/a_b"),
        ("10.1000/a\\_b\\_c", "10.1000/a_b_c"),
        ("doi:10.1000%2Fa%28b%29", "10.1000/a(b)"),
        ("<https://dx.doi.org/10.1000/xyz>", "10.1000/xyz"),
    ],
)
def test_a_doi_is_lower_case_and_bare(written: str, canonical: str) -> None:
    assert parse_doi(written) == canonical


@pytest.mark.parametrize(
    "written",
    [
        "",
        "10.1000/",
        "10.1/x",
        "11.1000/x",
        "see 10.1000/x",
        "10.48550/arXiv.2101.11408",
        "doi.org",
        "n/a",
    ],
)
def test_other_texts_are_not_dois(written: str) -> None:
    assert parse_doi(written) is None


def test_pubmed_numbers_lose_prefix_and_zeros() -> None:
    assert [
        parse_pmid(text)
        for text in ("123", "PMID: 0123", "pmid:7", "12a", "", "0", "-1", "1234567890")
    ] == [
        "123",
        "123",
        "7",
        None,
        None,
        None,
        None,
        None,
    ]
    assert [parse_pmcid(text) for text in ("PMC123", "pmc 0123.1", "PMCID: PMC7", "123", "")] == [
        "PMC123",
        "PMC123",
        "PMC7",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://arxiv.org/abs/2606.01234v2", "arxiv:2606.01234"),
        ("https://huggingface.co/papers/2606.01234", "arxiv:2606.01234"),
        ("https://www.alphaxiv.org/abs/2606.01234v1", "arxiv:2606.01234"),
        ("https://doi.org/10.48550/arXiv.2606.01234", "arxiv:2606.01234"),
        ("https://doi.org/10.1000/XYZ", "doi:10.1000/xyz"),
        ("https://dl.acm.org/doi/abs/10.1145/1234.5678?download=true", "doi:10.1145/1234.5678"),
        (
            "https://link.springer.com/article/10.1007/s00000-026-0001-x",
            "doi:10.1007/s00000-026-0001-x",
        ),
        (
            "https://www.biorxiv.org/content/10.1101/2026.04.01.000001v2.full.pdf",
            "preprint:10.1101/2026.04.01.000001",
        ),
        ("https://pubmed.ncbi.nlm.nih.gov/12345/", "pmid:12345"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC123/", "pmcid:PMC123"),
        ("https://europepmc.org/article/MED/12345", "pmid:12345"),
        ("https://openalex.org/W123", "openalex:W123"),
        ("https://doi-org.proxy.example.edu/10.1000/x", "doi:10.1000/x"),
        (
            "https://journals.example.org/article?id=10.1371/journal.x.1&a=b",
            "doi:10.1371/journal.x.1",
        ),
        ("https://example.org/doi/10.1000%2Fa{\\_}b", "doi:10.1000/a_b"),
        ("https://scirate.com/arxiv/2606.01234", "arxiv:2606.01234"),
        ("https://ar5iv.org/html/2606.01234", "arxiv:2606.01234"),
        ("https://evil-doi.org/10.1000/x", None),
        ("https://api.semanticscholar.org/CorpusID:99", "s2:99"),
        ("https://example.org/2606.01234", None),
        ("https://github.com/jane/doe", None),
        ("javascript:alert('10.1000/x')", None),
        ("ftp://doi.org/10.1000/x", None),
        ("https://[broken", None),
        ("", None),
    ],
)
def test_a_link_names_its_paper(url: str, name: str | None) -> None:
    assert [name_of(identity) for identity in parse_link(url)] == ([name] if name else [])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("arxiv:2606.01234", "arxiv:2606.01234"),
        ("2606.01234v2", "arxiv:2606.01234"),
        ("hep-th/9901001", "arxiv:hep-th/9901001"),
        ("doi:10.1000/xyz", "doi:10.1000/xyz"),
        ("10.1000/XYZ", "doi:10.1000/xyz"),
        ("doi:10.48550/arXiv.2606.01234", "arxiv:2606.01234"),
        ("https://arxiv.org/pdf/2606.01234", "arxiv:2606.01234"),
        ("PMID:12345", "pmid:12345"),
        ("pmid 12345", "pmid:12345"),
        ("PMC123", "pmcid:PMC123"),
        ("pmcid:PMC123", "pmcid:PMC123"),
        ("openalex:W12", "openalex:W12"),
        ("s2:12", "s2:12"),
        ("paper:17", None),
        ("17", None),
        ("arxiv:nonsense", None),
        ("A Title: With a Colon", None),
        ("A title and/or two", None),
        ("", None),
    ],
)
def test_typed_names_are_parsed(typed: str, name: str | None) -> None:
    assert name_of(parse_name(typed)) == name


def test_the_name_of_every_kind_can_be_parsed_again() -> None:
    for kind, value in (
        ("arxiv", "2606.00001"),
        ("doi", "10.1000/x"),
        ("pmid", "1"),
        ("pmcid", "PMC1"),
        ("openalex", "W1"),
        ("s2", "1"),
    ):
        assert name_of(parse_name(f"{kind}:{value}")) == f"{kind}:{value}"


@given(
    st.text(max_size=60) | st.from_regex(r"(arxiv:|https?://|doi:|10\.)[0-9a-z./:%()\[\]-]{0,40}")
)
def test_parsing_never_raises(text: str) -> None:
    parse_name(text)
    parse_link(text)
    for kind in ("arxiv", "doi", "pmid", "pmcid", "openalex", "s2", "id", "else"):
        parse_identity(kind, text)


@given(st.integers(7, 99), st.integers(1, 12), st.integers(1, 99999), st.integers(1, 99))
def test_a_canonical_id_stays_itself(year: int, month: int, number: int, version: int) -> None:
    stem = f"{year:02}{month:02}"
    text = f"{stem}.{number:05}" if stem > "1412" else f"{stem}.{number % 9999 + 1:04}"
    expected = None if stem < "0704" else (text, version)
    assert parse_arxiv_id(f"{text}v{version}") == expected
