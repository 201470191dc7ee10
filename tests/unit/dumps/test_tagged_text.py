"""MEDLINE, Refer and Web of Science as databases and programs write them."""

from __future__ import annotations

from datetime import date

import pytest

from digest.dumps import FORMATS
from digest.dumps.formats import Confidence, Head
from digest.dumps.tagged_text import join_lines
from digest.model import Removal
from tests.unit.dumps.conftest import (
    MakeDump,
    entries,
    only,
    papers,
    rejections,
    skipped_lines,
    titles,
)


def medline(*lines: str) -> str:
    return "\n".join(("PMID- 17", *lines, "", ""))


def refer(*lines: str) -> str:
    return "\n".join(("%0 Journal Article", *lines, "", ""))


def wos(*lines: str) -> str:
    return "\n".join(("FN Clarivate Analytics Web of Science", "PT J", *lines, "ER", "", "EF", ""))


def wos_table(*pairs: tuple[str, str]) -> str:
    columns = {"PT": "J", "AU": "", "TI": "A Title", "SO": ""} | dict(pairs)
    return "\t".join(columns) + "\n" + "\t".join(columns.values()) + "\n"


@pytest.mark.parametrize(
    ("written", "joined"),
    [
        ("one\ntwo", "one two"),
        ("a long-\nlived moth", "a long-lived moth"),
        ("a long- \nlived moth", "a long- lived moth"),
        ("short-\nand long-lived", "short- and long-lived"),
        ("before - \nafter", "before - after"),
        ("a -\nb", "a - b"),
        ("", ""),
    ],
)
def test_wrapped_lines_are_joined(written: str, joined: str) -> None:
    assert join_lines(written) == joined


# ----------------------------------------------------------------------------------------------
# MEDLINE


@pytest.mark.parametrize(
    ("lines", "identities"),
    [
        (["LID - 10.1000/x [doi]"], ["doi:10.1000/x", "pmid:17"]),
        (["AID - S00 [pii]", "AID - 10.1000/x [doi]"], ["doi:10.1000/x", "pmid:17"]),
        (["LID - 10.1000/a-long-", "      doi [doi]"], ["doi:10.1000/a-long-doi", "pmid:17"]),
        (["PMC - PMC7"], ["pmid:17", "pmcid:PMC7"]),
        (["SO  - J. 2020. doi: 10.1000/other."], ["pmid:17"]),
        (["LID - e123 [pii]"], ["pmid:17"]),
    ],
)
def test_identifiers_of_medline(
    lines: list[str], identities: list[str], make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(medline("TI  - A Title.", *lines)))
    assert [f"{one.kind}:{one.value}" for one in entry.identities] == identities


@pytest.mark.parametrize(
    ("lines", "submitted", "announced"),
    [
        (["DP  - 2024 Sep 12"], date(2024, 9, 12), None),
        (["DP  - 2024 Sep", "DEP - 20240903"], date(2024, 9, 3), None),
        (["DP  - 2024 Mar-Apr"], date(2024, 3, 1), None),
        (["DP  - 2024 Winter", "EDAT- 2024/02/03 06:00"], date(2024, 2, 3), date(2024, 2, 3)),
        (["DP  - 2023", "EDAT- 2024/02/03 06:00"], None, date(2024, 2, 3)),
        (
            ["PHST- 2024/01/01 00:00 [received]", "PHST- 2024/02/05 06:00 [pubmed]"],
            None,
            date(2024, 2, 5),
        ),
        (["PHST- 2024/02/05 06:00 [entrez]", "EDAT- 2024/02/07 06:00"], None, date(2024, 2, 5)),
    ],
)
def test_days_of_medline(
    lines: list[str], submitted: date | None, announced: date | None, make_dump: MakeDump
) -> None:
    record = only(make_dump(medline("TI  - A Title.", *lines)))
    assert (record.submitted, record.announced) == (submitted, announced)


@pytest.mark.parametrize(
    ("lines", "authors"),
    [
        (["FAU - Doe, Jane A", "AU  - Doe JA", "CN  - A Group"], ["Jane A Doe", "A Group"]),
        (["AU  - van der Doe JA"], ["JA van der Doe"]),
        (["AU  - Doe J Jr", "AU  - Doe J Sr"], ["J Doe Jr", "J Doe Sr"]),
        (["AU  - Doe"], ["Doe"]),
        (["CN  - A Group of", "      Another"], ["A Group of Another"]),
        (["FIR - Roe, Kim", "IR  - Roe K"], []),
    ],
)
def test_names_of_medline(lines: list[str], authors: list[str], make_dump: MakeDump) -> None:
    (entry,) = entries(make_dump(medline("TI  - A Title.", *lines)))
    assert list(entry.authors) == authors


def test_a_blank_at_the_end_of_a_line_stays(make_dump: MakeDump) -> None:
    text = medline("TI  - From pre- \n      war moths to post-\n      war moths \n      today.")
    assert only(make_dump(text)).title == "From pre- war moths to post-war moths today"


def test_notices_of_medline_name_the_papers_that_they_take_back(make_dump: MakeDump) -> None:
    dump = make_dump(
        medline("TI  - Retraction.", "PT  - Retraction of Publication", "ROF - J. 2020. PMID: 21")
        + medline("TI  - Retraction.", "PT  - Retraction Notice", "ROF - J. 2020.")
        + medline("TI  - Concern.", "PT  - Expression of Concern")
        + medline("TI  - Kept.", "PT  - Comment")
    )
    removals = [entry for entry in dump.records() if isinstance(entry, Removal)]
    assert [removal.ids for removal in removals] == [(("pmid", "21"),)]
    assert [reason for _, reason in skipped_lines(dump)] == ["retraction notice", "concern notice"]
    assert titles(dump) == ["Kept"]


def test_a_medline_record_without_its_first_line_is_reported(make_dump: MakeDump) -> None:
    damaged = (
        medline("OWN - NLM", "TI  - A", "PL  - Spain")
        + "PM\nOWN - NLM\nTI  - B\n\n"
        + medline("TI  - C")
    )
    dump = make_dump(damaged)
    assert titles(dump) == ["A", "C"]
    assert rejections(dump) == [(7, "does not begin with PMID")]


def test_medline_may_follow_a_letter(make_dump: MakeDump) -> None:
    dump = make_dump("See these papers:\n\n" + medline("TI  - A") + medline("TI  - B"))
    assert (dump.format, titles(dump)) == ("medline", ["A", "B"])


# ----------------------------------------------------------------------------------------------
# Refer


@pytest.mark.parametrize(
    "text",
    [
        "%0 Journal Article\n%T A\n%A Doe\n\n%0 Book\n%T B\n",
        "%0 Journal Article\n%T A\n%0 Book\n%T B",
        "%A Doe, J.\n%T A\n%D 2020\n\n%A Roe, K.\n%T B\n",
        "%T A\n%A Doe, J.\n%D 2020\n\n\n%A Roe, K.\n%T B\n",
        "\r\n%0 Journal Article\r\n%T A\r\n\r\n%0 Book\r\n%T B\r\n",
    ],
)
def test_records_of_refer_are_parted(text: str, make_dump: MakeDump) -> None:
    dump = make_dump(text)
    assert (dump.format, titles(dump), rejections(dump)) == ("refer", ["A", "B"], [])


def test_an_abstract_with_empty_lines_stays_with_its_record(make_dump: MakeDump) -> None:
    record = only(make_dump(refer("%T A", "%X One.", "", "Two %", "", "%U https://example.org/a")))
    assert record.abstract == "One.\n\nTwo %"
    assert record.url == "https://example.org/a"


def test_a_refer_record_that_lost_its_type_is_reported(make_dump: MakeDump) -> None:
    dump = make_dump("%0 Book\n%T A\n%A Doe\n%A Roe\n%T B\n\n%0 Book\n%T C\n")
    assert titles(dump) == ["C"]
    assert rejections(dump) == [(1, "two titles: the first line of a record may be damaged")]


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (["%D 2022", "%8 Mar 4"], date(2022, 3, 4)),
        (["%D 2022", "%8 4 March"], date(2022, 3, 4)),
        (["%D 2022", "%8 March 4, 2021"], date(2021, 3, 4)),
        (["%D 2022", "%8 2022/03/04"], date(2022, 3, 4)),
        (["%D 2022-03-04"], date(2022, 3, 4)),
        (["%D 2022", "%8 Mar-Apr"], date(2022, 3, 1)),
        (["%D 2022", "%8 Spring"], None),
        (["%D 2022"], None),
        (["%8 March 32"], None),
        (["%D 9999", "%8 Mar 4"], None),
    ],
)
def test_days_of_refer(lines: list[str], day: date | None, make_dump: MakeDump) -> None:
    assert only(make_dump(refer("%T A", *lines))).submitted == day


@pytest.mark.parametrize(
    "text",
    [
        "% a remark\n@article{a, title={A}}\n",
        "%T his is a remark\n%A nother one\n%D one\n@article{a, title={A}}\n",
        "title,authors\n%0 of all,Doe\n",
        "%PDF-1.4\n",
    ],
)
def test_other_files_with_per_cent_signs_are_not_refer(text: str) -> None:
    assert FORMATS["refer"].sniff(Head(text.encode())) == Confidence.NO


# ----------------------------------------------------------------------------------------------
# Web of Science


@pytest.mark.parametrize(
    ("tags", "day"),
    [
        ({"PD": "MAR 4", "PY": "2021"}, date(2021, 3, 4)),
        ({"PD": "MAR", "PY": "2021"}, date(2021, 3, 1)),
        ({"PD": "MAR-APR", "PY": "2021"}, date(2021, 3, 1)),
        ({"PD": "SPR", "PY": "2021"}, None),
        ({"PD": "MAR 4", "PY": "2021", "EA": "DEC 2020"}, date(2020, 12, 1)),
        ({"PD": "4 MAR"}, None),
        ({"PY": "2021"}, None),
    ],
)
def test_days_of_web_of_science(
    tags: dict[str, str], day: date | None, make_dump: MakeDump
) -> None:
    text = make_dump(wos("TI A Title", *(f"{tag} {value}" for tag, value in tags.items())))
    assert only(text).submitted == day
    table = make_dump(wos_table(*tags.items()))
    assert table.format == "wos-table"
    assert only(table).submitted == day


@pytest.mark.parametrize(
    ("kind", "skipped", "withdrawn"),
    [
        ("Article", [], False),
        ("Article; Retracted Publication", [], True),
        ("Correction", ["erratum notice"], False),
        ("Retraction", ["retraction notice"], False),
        ("Expression of Concern", ["concern notice"], False),
    ],
)
def test_types_of_web_of_science(
    kind: str, skipped: list[str], withdrawn: bool, make_dump: MakeDump
) -> None:
    dump = make_dump(wos("TI A Title", f"DT {kind}"))
    assert [reason for _, reason in skipped_lines(dump)] == skipped
    assert [record.withdrawn for record in papers(dump)] == [withdrawn] * (not skipped)


def test_rows_of_web_of_science_may_be_quoted(make_dump: MakeDump) -> None:
    dump = make_dump(wos_table(("TI", '"Of ""sand"""'), ("AB", '"Sand" is "sand"')))
    assert (only(dump).title, only(dump).abstract) == ('Of "sand"', '"Sand" is "sand"')


def test_a_table_of_web_of_science_cut_within_a_row_is_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump(wos_table(("AB", "x"), ("DI", "10.1000/x")) + "J\tDoe, J")
    assert titles(dump) == ["A Title"]
    assert rejections(dump) == [(3, "has 2 cells where the header has 6")]
    assert dump.incomplete == "the file ends in the middle of the record on line 3"
