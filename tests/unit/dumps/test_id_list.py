"""Lists of identifiers, links and titles: which files they are, how lines read."""

from __future__ import annotations

import pytest

from digest.dumps import Dump
from digest.errors import DumpError
from digest.model import Record, Rejected
from tests.unit.dumps.conftest import MakeDump, entries, rejections


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("2401.01234", ("arxiv", "2401.01234")),
        ("2401.01234v2", ("arxiv", "2401.01234")),
        ("arXiv: 0704.0001", ("arxiv", "arXiv: 0704.0001")),
        ("math.CA/0611800v2", ("arxiv", "math.CA/0611800")),
        (
            "https://arxiv.org/abs/2401.01234v2#top",
            ("url", "https://arxiv.org/abs/2401.01234v2#top"),
        ),
        ("arxiv.org/abs/2401.01234", ("url", "arxiv.org/abs/2401.01234")),
        ("10.1000/xyz(1);2-3", ("doi", "10.1000/xyz(1);2-3")),
        ("doi: 10.1000/xyz", ("doi", "doi: 10.1000/xyz")),
        ("PMID 12345678", ("pmid", "PMID 12345678")),
        ("12345678", ("pmid", "12345678")),
        ("pmc123", ("pmcid", "pmc123")),
        ("* 2401.01234  # a remark", ("arxiv", "2401.01234")),
        ("12. 10.1000/xyz", ("doi", "10.1000/xyz")),
    ],
)
def test_a_line_names_a_paper_by_its_identifier(
    make_dump: MakeDump, line: str, name: tuple[str, str]
) -> None:
    record, *_ = make_dump(line + "\n2401.00001" * 4).records()
    assert isinstance(record, Record)
    assert (record.line, record.title, record.ids, record.fragment) == (1, "", (name,), True)


def test_a_line_without_identifier_is_a_title(make_dump: MakeDump) -> None:
    dump = make_dump("2401.00001\n" * 4 + "- A study of C# and 2401.01234\n")
    *_, last = dump.records()
    assert isinstance(last, Record)
    assert (last.line, last.title, last.ids, last.fragment) == (
        5,
        "A study of C# and 2401.01234",
        (),
        False,
    )


def test_blank_lines_and_comments_do_not_count(make_dump: MakeDump) -> None:
    dump = make_dump("\ufeff# 2401.00001\r\n\r\n  2401.00002\r\n   # more\r\n2401.00003")
    assert [entry.line for entry in dump.records()] == [3, 5]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"M\xfcller \xc3\xbc", "not UTF-8"),
        (b"????", "neither an identifier, nor a link, nor a title"),
        (b"words " * 400, "neither an identifier, nor a link, nor a title"),
    ],
)
def test_a_useless_line_is_rejected_with_a_reason(
    make_dump: MakeDump, line: bytes, reason: str
) -> None:
    dump = make_dump(b"2401.00001\n" * 9 + line + b"\n")
    assert [
        (entry.line, entry.reason) for entry in dump.records() if isinstance(entry, Rejected)
    ] == [(10, reason)]


@pytest.mark.parametrize(
    "text",
    [
        "A title\nAnother title\n2401.00001\n",
        "This is prose, which goes on\nfor 2401.00001 lines.\n",
        "1\n2\n3\n",
        "2401.00001, 2401.00002\n",
        "# only a comment\n",
    ],
)
def test_a_file_that_is_not_nearly_all_identifiers_is_no_list(
    make_dump: MakeDump, text: str
) -> None:
    with pytest.raises(DumpError):
        make_dump(text)


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("doi,title\n" + "10.1000/xyz,Word\n" * 50, "csv"),
        ("url\ttitle\n" + "https://example.org/a\tA\n" * 50, "csv"),
        ('{"title": "https://example.org"}\n' * 9, "jsonl"),
    ],
)
def test_tables_of_identifiers_stay_tables(make_dump: MakeDump, text: str, format: str) -> None:
    assert make_dump(text).format == format


def names(dump: Dump) -> list[str]:
    return [f"{entry.identities[0].kind}:{entry.identities[0].value}" for entry in entries(dump)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("arXiv:2401.01234v2 [cs.LG] 3 Jan 2024", ["arxiv:2401.01234"]),
        ("arXiv:hep-th/9901001v3  22 Jan 1999", ["arxiv:hep-th/9901001"]),
        ("- [Moss on walls](https://arxiv.org/abs/2401.01234v1) by Doe", ["arxiv:2401.01234"]),
        (
            "[a](https://doi.org/10.1000/x(1)2), [b](<http://arxiv.org/pdf/math/0309136>)",
            ["doi:10.1000/x(1)2", "arxiv:math/0309136"],
        ),
        (
            "https://arxiv.org/abs/2401.01234, https://arxiv.org/abs/2401.01235",
            ["arxiv:2401.01234", "arxiv:2401.01235"],
        ),
        (
            "https://arxiv.org/abs/2401.01234;https://doi.org/10.1000/b",
            ["arxiv:2401.01234", "doi:10.1000/b"],
        ),
        (
            "2401.01234 2401.01235 10.1000/c",
            ["arxiv:2401.01234", "arxiv:2401.01235", "doi:10.1000/c"],
        ),
        ("Doe J. Moss on walls (2024). https://doi.org/10.1000/moss.", ["doi:10.1000/moss"]),
        ("10.1000/a\\_b", ["doi:10.1000/a_b"]),
        ("10.1000/a{\\_}b,", ["doi:10.1000/a_b"]),
        ('"10.1000/quoted"', ["doi:10.1000/quoted"]),
        ("doi:10.1000%2Fencoded", ["doi:10.1000/encoded"]),
        ("https://dx.doi.org/10.1000%2Fencoded%28b%29", ["doi:10.1000/encoded(b)"]),
        ("2401.01234.", ["arxiv:2401.01234"]),
    ],
)
def test_what_people_paste_names_each_paper(
    line: str, expected: list[str], make_dump: MakeDump
) -> None:
    dump = make_dump("2401.00001\n" * 4 + line + "\n")
    assert names(dump)[4:] == expected
    assert rejections(dump) == []


def test_an_old_number_without_its_archive_is_refused(make_dump: MakeDump) -> None:
    dump = make_dump("hep-th/9901001\n9901001\n0112019\nPMID: 9901001\nPMID: 39990001\n")
    assert names(dump) == ["arxiv:hep-th/9901001", "pmid:9901001", "pmid:39990001"]
    assert [line for line, _ in rejections(dump)] == [2, 3]
    assert "may be a PMID or an old arXiv number" in rejections(dump)[0][1]


@pytest.mark.parametrize("text", ["39990001\n9901001\n12345678\n", "PMID\n9901001\n9901002\n"])
def test_in_a_list_of_pmids_every_number_is_one(text: str, make_dump: MakeDump) -> None:
    dump = make_dump(text)
    assert "pmid:9901001" in names(dump)
    assert rejections(dump) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DOI\n10.1000/a\n10.1000/b\n", ["doi:10.1000/a", "doi:10.1000/b"]),
        ('"doi"\r\n"10.1000/a"\r\n', ["doi:10.1000/a"]),
        ("PMCID\nPMC4001234\n", ["pmcid:PMC4001234"]),
        ("# mine\narXiv ID\n2401.01234\n", ["arxiv:2401.01234"]),
        ("Link;\nhttps://arxiv.org/abs/2401.01234;\n", ["arxiv:2401.01234"]),
    ],
)
def test_a_table_of_one_column_is_a_list(
    text: str, expected: list[str], make_dump: MakeDump
) -> None:
    dump = make_dump(text)
    assert (dump.format, names(dump), rejections(dump)) == ("id-list", expected, [])
