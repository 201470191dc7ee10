"""Impossible dates and odd identifiers in every format.

Each is read or dropped, and at most one record is lost.
"""

from __future__ import annotations

import pytest

from tests.unit.dumps.conftest import MakeDump, entries
from tests.unit.dumps.every_format import TITLED, format_text

ABSURD = [
    "99999-99-99",
    "0000-00-00",
    "2026-02-30",
    "-2026-04-01",
    "1",
    "9999-12-31",
    "0001-01-01",
    "yesterday",
    "2026-04-01" * 50,
]


@pytest.mark.parametrize("format", TITLED)
@pytest.mark.parametrize("day", ABSURD)
def test_an_absurd_day_is_dropped_and_the_record_kept(
    format: str, day: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(format_text(format, "A Title", day=day)))
    for day_read in (entry.submitted, entry.announced, entry.updated):
        assert day_read is None or (1900 <= day_read.year <= 2028)


WITH_ARXIV = [
    "oai-pmh",
    "feed",
    "arxiv-api",
    "arxiv-daily",
    "arxiv-snapshot",
    "huggingface-json",
    "jsonl",
    "json-feed",
    "csv",
    "bibtex",
    "ris",
    "id-list",
    "markdown",
    "arxiv-mail",
    "arxiv-page",
    "mail",
]
WITH_DOI = [
    "ads",
    "core",
    "datacite",
    "dblp",
    "doaj",
    "europe-pmc",
    "inspire",
    "openreview",
    "pubmed",
    "crossref",
    "csl-json",
    "csl-yaml",
    "openalex",
    "semantic-scholar",
    "semantic-scholar-api",
    "zotero",
]


@pytest.mark.parametrize("format", WITH_ARXIV)
@pytest.mark.parametrize(
    ("id", "value"),
    [
        ("math/0611800v2", "math/0611800"),
        ("solv-int/9901001", "solv-int/9901001"),
        ("solv-int/9901001v12", "solv-int/9901001"),
        ("cond-mat.mes-hall/9901001v1", "cond-mat/9901001"),
        ("2604.00001v10", "2604.00001"),
    ],
)
def test_arxiv_ids_with_a_slash_or_a_v_in_them_are_read(
    format: str, id: str, value: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(format_text(format, "A Title", id=id)))
    assert f"arxiv:{value}" in [
        f"{identity.kind}:{identity.value}" for identity in entry.identities
    ]


@pytest.mark.parametrize("format", WITH_DOI)
@pytest.mark.parametrize(
    "id", ["v2/a/v3", "s0/(sici)1-2(2026)3:4.co;2-v", "j.v.2026.04v1", "abs/v1", "1/2/3"]
)
def test_dois_with_a_slash_or_a_v_in_them_are_read(
    format: str, id: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(format_text(format, "A Title", id=id)))
    assert f"10.1000/{id}" in [identity.value for identity in entry.identities]


@pytest.mark.parametrize("format", TITLED)
def test_an_invalid_id_rejects_at_most_its_record(format: str, make_dump: MakeDump) -> None:
    for id in ("../../etc/passwd", "v", "/", "//v1", "%00", "2604.00001v" + "9" * 500, "x" * 5000):
        dump = make_dump(format_text(format, "A Title", id=id))
        assert len(list(dump.records())) == 1
        for entry in entries(dump):
            assert all(len(identity.value) < 6000 for identity in entry.identities)
