"""RIS as databases and programs write it.

Tags, continued lines, and records that lack their beginning or end.
"""

from __future__ import annotations

from datetime import date

import pytest

from digest.dumps import stream, tagged_text
from digest.model import Entry, Record
from digest.papers import clean
from tests.unit.dumps.conftest import MakeDump, rejections, titles


def record(*tags: str) -> str:
    return "\n".join(("TY  - JOUR", *tags, "ER  - ", ""))


@pytest.mark.parametrize(
    ("tags", "identities"),
    [
        (["DO  - doi:10.1000/XYZ"], ["doi:10.1000/xyz"]),
        (["M3  - 10.1000/XYZ", "M3  - a remark"], ["doi:10.1000/xyz"]),
        (["UR  - https://arxiv.org/abs/2401.01234v2"], ["arxiv:2401.01234"]),
        (
            ["UR  - https://example.org/", "L1  - https://arxiv.org/pdf/2401.01234v2"],
            ["arxiv:2401.01234"],
        ),
        (["JO  - arXiv preprint arXiv:2401.01234"], ["arxiv:2401.01234"]),
        (["M1  - arXiv:2401.01234"], ["arxiv:2401.01234"]),
        (["DB  - PubMed", "AN  - 12345678"], ["pmid:12345678"]),
        (["DB  - Another", "AN  - 12345678"], []),
        (["C2  - PMC123"], ["pmcid:PMC123"]),
        (["N1  - Extends arXiv:2401.01234"], []),
    ],
)
def test_identifiers_are_found_in_the_tags_that_programs_use(
    make_dump: MakeDump, tags: list[str], identities: list[str]
) -> None:
    (ris_record,) = make_dump(record("TI  - A Title", *tags)).records()
    assert isinstance(ris_record, Record)
    entry = clean(ris_record, "ris")
    assert isinstance(entry, Entry)
    assert [f"{identity.kind}:{identity.value}" for identity in entry.identities] == identities


@pytest.mark.parametrize(
    ("tag", "day"),
    [
        ("PY  - 2024/01/15/", date(2024, 1, 15)),
        ("DA  - 2024-01-15", date(2024, 1, 15)),
        ("Y1  - 2024/01//", None),
        ("PY  - 2024", None),
        ("PY  - 2024///spring", None),
        ("DA  - 9999/01/01", None),
    ],
)
def test_a_day_counts_only_if_it_is_complete(
    make_dump: MakeDump, tag: str, day: date | None
) -> None:
    (ris_record,) = make_dump(record("TI  - A Title", tag)).records()
    assert isinstance(ris_record, Record)
    assert ris_record.submitted == day


def test_lines_without_a_tag_belong_to_the_one_before(make_dump: MakeDump) -> None:
    (ris_record,) = make_dump(
        record(
            "T1  - A title that",
            "goes on",
            "N2  - One.",
            "",
            "Two - with a dash.",
            "A1  - Doe, Jane",
        )
    ).records()
    assert isinstance(ris_record, Record)
    assert (ris_record.title, ris_record.abstract, ris_record.authors) == (
        "A title that\ngoes on",
        "One.\n\nTwo - with a dash.",
        ("Doe, Jane",),
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(make_dump: MakeDump) -> None:
    plain = record("TI  - A", "AB  - One.", "Two.") + record("TI  - B")
    dump = make_dump(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode())
    assert dump.format == "ris"
    assert [(entry.line, entry.raw) for entry in dump.records()] == [
        (entry.line, entry.raw) for entry in make_dump(plain).records()
    ]


@pytest.mark.parametrize("end", ["ER  - \n", "ER  -\n", "ER  -", "ER  - x\n", "ER -\n"])
def test_the_end_of_a_record_is_known_with_and_without_its_space(
    make_dump: MakeDump, end: str
) -> None:
    dump = make_dump(f"TY  - JOUR\nTI  - A\n{end}")
    assert titles(dump) == ["A"]
    assert dump.incomplete is None


def test_a_record_without_its_end_ends_where_the_next_begins(make_dump: MakeDump) -> None:
    dump = make_dump("TY  - JOUR\nTI  - A\n\nTY  - JOUR\nTI  - B\nER  - \n")
    assert titles(dump) == ["A", "B"]
    assert dump.incomplete is None


def test_a_last_record_without_its_end_makes_the_file_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump("TY  - JOUR\nTI  - A\nER  - \nTY  - JOUR\nTI  - B\n")
    assert titles(dump) == ["A", "B"]
    assert dump.incomplete == "the file ends before the ER of the record on line 4"


def test_a_record_that_is_cut_within_a_line_is_rejected(make_dump: MakeDump) -> None:
    dump = make_dump("TY  - JOUR\nTI  - A\nER  - \nTY  - JOUR\nTI  - A long tit")
    assert titles(dump) == ["A"]
    assert rejections(dump) == [(4, "cut off in the middle of the record")]
    assert dump.incomplete is not None


def test_text_between_records_is_ignored_and_tags_there_are_rejected(make_dump: MakeDump) -> None:
    dump = make_dump(
        "Provider: an invented one\n\n"
        + record("TI  - A")
        + "some text\nTI  - B\nER  - \n"
        + record("TI  - C")
    )
    assert titles(dump) == ["A", "C"]
    assert rejections(dump) == [(7, "does not begin with TY")]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (b"AU  - Doe, Jane", "no title"),
        (b"TI  - ", "no title"),
        (b"TI  - M\xfcller \xc3\xbc", "not UTF-8"),
    ],
)
def test_an_unusable_record_says_why(make_dump: MakeDump, tags: bytes, reason: str) -> None:
    assert rejections(make_dump(b"TY  - JOUR\n" + tags + b"\nER  - \n")) == [(1, reason)]


def test_a_record_beyond_the_cap_is_rejected_unread(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagged_text, "ITEM_CAP", 200)
    dump = make_dump(record("TI  - A", *["AB  - words"] * 30) + record("TI  - B"))
    assert titles(dump) == ["B"]
    assert next(line for line, _ in rejections(dump)) == 1


def test_a_line_beyond_the_cap_is_rejected_unread(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ITEM_CAP", 200)
    monkeypatch.setattr(stream, "CHUNK", 64)
    dump = make_dump(record("TI  - A", "AB  - " + "words " * 100) + record("TI  - B"))
    assert titles(dump) == ["B"]
    assert (1, "a line of it is too long to be held") in rejections(dump)
