"""Rows of tables that name a paper by its identifier alone."""

from __future__ import annotations

import pytest

from tests.unit.dumps.conftest import MakeDump, entries


def names(text: str, make_dump: MakeDump) -> list[list[str]]:
    return [
        [f"{identity.kind}:{identity.value}" for identity in entry.identities]
        for entry in entries(make_dump(text))
    ]


def test_a_row_with_an_identifier_and_no_title_is_an_identifier(make_dump: MakeDump) -> None:
    text = "doi,title\n10.1000/moss.1,Moss on walls\n,Moss alone\n10.1000/moss.3,\n"
    assert names(text, make_dump) == [["doi:10.1000/moss.1"], [], ["doi:10.1000/moss.3"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title;pmid\n;39990001\nLichen;\n", [["pmid:39990001"], []]),
        ("Title\tarXiv\n \t2401.01234\n", [["arxiv:2401.01234"]]),
        (
            '{"title": null, "doi": "10.1000/x"}\n{"title": "A", "id": "7"}\n',
            [["doi:10.1000/x"], []],
        ),
        ("DOI,Date\n10.1000/x,2024\n10.1000/y,2025\n", [["doi:10.1000/x"], ["doi:10.1000/y"]]),
        ("PMID,Journal\n39990001,Moss Letters\n", [["pmid:39990001"]]),
    ],
)
def test_other_identifiers_and_tables(
    text: str, expected: list[list[str]], make_dump: MakeDump
) -> None:
    assert names(text, make_dump) == expected


def test_a_row_number_is_no_identifier(make_dump: MakeDump) -> None:
    dump = make_dump("id,title,abstract\n1,Moss,Text\n2,,Text\n")
    assert len(entries(dump)) == 1
