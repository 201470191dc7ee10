"""BibTeX as people and programs write it.

Braces, macros, identifiers in odd places, and entries that break off.
"""

from __future__ import annotations

from datetime import date

import pytest

from digest.dumps import Dump, stream
from digest.dumps.libraries import bibtex_split
from digest.dumps.libraries.bibtex_text import split_names, strip_braces
from digest.model import Entry, Record
from digest.papers import clean
from tests.unit.dumps.conftest import MakeDump, entries, rejections, skipped_lines, titles


def only(dump: Dump) -> Entry:
    (record,) = dump.records()
    assert isinstance(record, Record)
    entry = clean(record, "bibtex")
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{A {GNN} for {Everyone}}", "A GNN for Everyone"),
        ("no braces", "no braces"),
        (r"{\"U}ber {G}raphs", r"{\"U}ber Graphs"),
        (r"{{\'E}cole} {Normale}", r"{\'E}cole Normale"),
        (r"\emph{The {GNN}} {X}", r"\emph{The GNN} X"),
        (r"{On} $x_{1}$ and {Y}", r"On $x_{1}$ and Y"),
        (r"{Costs} \$5 {Now}", r"Costs \$5 Now"),
        (r"{Costs} $5 {Now}", r"Costs $5 Now"),
        (r"H_{2}O in {Water}", r"H_{2}O in Water"),
        (r"\texorpdfstring{$L^{p}$}{Lp} {Spaces}", r"\texorpdfstring{$L^{p}$}{Lp} Spaces"),
        ("one } too many { here", "one  too many  here"),
    ],
)
def test_braces_that_protect_letters_are_removed_and_those_of_tex_stay(
    written: str, read: str
) -> None:
    assert strip_braces(written) == read


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Doe, Jane and Roe, Richard", ["Doe, Jane", "Roe, Richard"]),
        ("Jane Doe\n  AND Richard Roe and others", ["Jane Doe", "Richard Roe"]),
        ("{The Doe and Roe Group} and K.~Poe", ["The Doe and Roe Group", "K. Poe"]),
        ("Sand, Andy and and Band, A.", ["Sand, Andy", "and Band, A."]),
        ("{Doe, J. and Roe, K. and Poe, L. M.}", ["Doe, J.", "Roe, K.", "Poe, L. M."]),
        (" {Jane Doe and Kim Roe} ", ["Jane Doe", "Kim Roe"]),
        (r"{D{\"u}sel, J. and Roe, K.}", [r"D{\"u}sel, J.", "Roe, K."]),
        ("{Doe and Roe}", ["Doe and Roe"]),
        ("{Bureau of Trees and Small Rivers}", ["Bureau of Trees and Small Rivers"]),
        ("{Doe and Roe} and {Moe and Poe}", ["Doe and Roe", "Moe and Poe"]),
        ("", []),
    ],
)
def test_names_are_joined_by_and_outside_of_braces(written: str, names: list[str]) -> None:
    assert list(split_names(written)) == names


@pytest.mark.parametrize(
    ("fields", "identities"),
    [
        ("eprint={2401.01234v2}", ["arxiv:2401.01234"]),
        ("eprint={arXiv:2401.01234}, archiveprefix={arXiv}", ["arxiv:2401.01234"]),
        ("eprint={hep-th/9901001}", ["arxiv:hep-th/9901001"]),
        ("eprint={9901001}, archivePrefix={hep-th}", ["arxiv:hep-th/9901001"]),
        ("eprint={0611800}, archivePrefix={arXiv}, primaryClass={math.CA}", ["arxiv:math/0611800"]),
        ("eprint={2401.1}, archivePrefix={arXiv}", []),
        ("eprint={12345}, eprinttype={jstor}", []),
        ("eprint={12345678}, eprinttype={pubmed}", ["pmid:12345678"]),
        ("journal={arXiv preprint arXiv:1706.03762}", ["arxiv:1706.03762"]),
        ("journal={CoRR, abs/1706.03762}", ["arxiv:1706.03762"]),
        ("journal={CoRR}, volume={abs/hep-th/9901001}", ["arxiv:hep-th/9901001"]),
        ("howpublished={arXiv:1706.03762v5}", ["arxiv:1706.03762"]),
        ("note={arXiv:1706.03762}", ["arxiv:1706.03762"]),
        ("note={An extended version of arXiv:1706.03762}", []),
        ("url={https://arxiv.org/pdf/1706.03762v5.pdf}", ["arxiv:1706.03762"]),
        (r"url={\url{https://doi.org/10.1000/a\_b}}", ["doi:10.1000/a_b"]),
        (r"doi={https://doi.org/10.1000/A{\_}B}", ["doi:10.1000/a_b"]),
        ("doi={10.48550/arXiv.1706.03762}", ["arxiv:1706.03762"]),
        ("volume={1706.03762}, pages={1706.03762}", []),
        ("pmid={123}, pmcid={PMC456}", ["pmid:123", "pmcid:PMC456"]),
    ],
)
def test_identifiers_are_found_wherever_programs_put_them(
    make_dump: MakeDump, fields: str, identities: list[str]
) -> None:
    entry = only(make_dump(f"@article{{key, title={{A Title}}, {fields}}}"))
    assert [f"{identity.kind}:{identity.value}" for identity in entry.identities] == identities
    assert entry.version is None


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ("year=2017, month=jun", None),
        ("year=2017", None),
        ("date={2017-06}", None),
        ("date={2017-06-12}", date(2017, 6, 12)),
        ('year=2017, month=jun # "~12"', date(2017, 6, 12)),
        ('year="2017", month="12~June"', date(2017, 6, 12)),
        ("year={2017}, month={6}, day={12}", date(2017, 6, 12)),
        ("year={2017}, month={2}, day={30}", None),
        ("year={in press}, month={soon}", None),
    ],
)
def test_a_day_counts_only_if_it_is_complete(
    make_dump: MakeDump, fields: str, day: date | None
) -> None:
    assert only(make_dump(f"@article{{key, title={{A Title}}, {fields}}}")).submitted == day


def test_macros_are_resolved_and_joined(make_dump: MakeDump) -> None:
    text = (
        '@string{a = "One"}\n@STRING(b = a # { and })\n@misc{k, title = B # {Two} # " " # unknown '
        "# 3}\n"
    )
    assert titles(make_dump(text)) == ["One and Two unknown3"]


def test_macros_cannot_be_made_to_fill_the_memory(make_dump: MakeDump) -> None:
    doubled = "".join(f"@string{{m{n + 1} = m{n} # m{n}}}\n" for n in range(60))
    (record,) = make_dump(
        '@string{m0 = "0123456789"}\n'
        + doubled
        + "@misc{k, title={T}, abstract = m60"
        + " # m60" * 5000
        + "}"
    ).records()
    assert isinstance(record, Record)
    assert len(record.abstract) < 200_000


def test_an_entry_that_is_never_closed_loses_no_other(make_dump: MakeDump) -> None:
    dump = make_dump(
        "@misc{a, title={A}}\n@misc{b, title={B {x}, year={1}}\n\n@misc{c, title={C}}\n@misc{d,\n "
        "title={D}}\n"
    )
    assert titles(dump) == ["A", "C", "D"]
    assert rejections(dump) == [(2, "a bracket in it is never closed")]
    assert dump.incomplete is None


def test_an_entry_at_the_end_that_is_never_closed_makes_the_file_incomplete(
    make_dump: MakeDump,
) -> None:
    dump = make_dump("@misc{a, title={A}}\n@misc{b, title={B")
    assert titles(dump) == ["A"]
    assert [line for line, _ in rejections(dump)] == [2]
    assert dump.incomplete == "the file ends in the middle of the entry on line 2"


def test_an_escaped_brace_counts_only_if_the_entry_needs_it(make_dump: MakeDump) -> None:
    dump = make_dump(
        "@misc{a, title={A}, abstract={an open \\{ set}}\n@misc{b, file={C:\\papers\\}, "
        "title={B}}\n@misc{c, title={C}}\n"
    )
    assert titles(dump) == ["A", "B", "C"]


def test_a_comment_hides_the_entries_in_it(make_dump: MakeDump) -> None:
    text = (
        "@comment{\n@misc{old, title={Old}}\n}\n% @misc{older, title={Older}}\n@Comment "
        "ignored\n@misc{a, title={A}}"
    )
    assert titles(make_dump(text)) == ["A"]


def test_a_comment_that_is_never_closed_hides_nothing(make_dump: MakeDump) -> None:
    assert titles(
        make_dump("@comment{ oh {\n@misc{a, title={A}}\n@comment{\n@misc{b, title={B}}\n")
    ) == ["A", "B"]


def test_many_comments_that_are_never_closed_take_little_time(make_dump: MakeDump) -> None:
    assert titles(make_dump("@comment{\n" * 50_000 + "@misc{a, title={A}}")) == ["A"]


def test_many_entries_that_are_never_closed_take_little_time(make_dump: MakeDump) -> None:
    dump = make_dump("@misc{k,\n" * 50_000)
    assert len(rejections(dump)) == 50_000
    assert titles(make_dump("@misc{" * 50_000)) == []


def test_an_entry_beyond_the_cap_is_rejected_unread(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bibtex_split, "ITEM_CAP", 200)
    dump = make_dump(
        "@misc{a, title={A}, abstract={\n" + "word\n" * 100 + "}}\n@misc{b, title={B}}\n"
    )
    assert titles(dump) == ["B"]
    assert [line for line, _ in rejections(dump)] == [1]


def test_a_line_beyond_the_cap_is_rejected_unread(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ITEM_CAP", 200)
    monkeypatch.setattr(stream, "CHUNK", 64)
    dump = make_dump(
        "@misc{a, title={A}, abstract={\n" + "word " * 100 + "}}\n@misc{b, title={B}}\n"
    )
    assert titles(dump) == ["B"]
    assert [line for line, _ in rejections(dump)] == [1, 2]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("@misc{a, year={2020}}", "no title"),
        ("@misc{a}", "no title"),
        ("@misc{a, title={ {} }}", "no title"),
        ("@misc{a, title}", "expected a field such as title = {...}, got 'title'"),
        ("@misc{a, title=}", "title: the value is not closed, or there is none"),
        ("@misc{a, title={A} # }", "title: the value is not closed, or there is none"),
        (b"@misc{a, title={M\xfcller \xc3\xbc}}", "not UTF-8"),
    ],
)
def test_an_unusable_entry_says_why(make_dump: MakeDump, entry: str | bytes, reason: str) -> None:
    assert rejections(make_dump(entry)) == [(1, reason)]


def test_a_missing_comma_or_key_is_accepted(make_dump: MakeDump) -> None:
    (record,) = make_dump(
        '@misc{title = "A"\n author = {Doe, Jane},, % a remark\n url = "https://example.org/a" }'
    ).records()
    assert isinstance(record, Record)
    assert (record.title, record.authors, record.url) == (
        "A",
        ("Doe, Jane",),
        "https://example.org/a",
    )


def test_a_repeated_field_has_its_first_value(make_dump: MakeDump) -> None:
    assert titles(make_dump("@misc{a, title={One}, Title={Two}}")) == ["One"]


def test_raw_is_the_text_of_the_entry_and_line_its_first(make_dump: MakeDump) -> None:
    (record,) = make_dump("A remark.\r\n\r\n  @misc{a,\r\n  title={A}\r\n}\r\n").records()
    assert (record.line, record.raw) == (3, "@misc{a,\n  title={A}\n}")


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("\ufeff@article{a, title={A}}", "bibtex"),
        ("% Encoding: UTF-8\n\n@article{a,\n title={A}}", "bibtex"),
        ("This file was made by a program.\n\n@article{a,\n title={A}}", "bibtex"),
        ("@comment{nothing else}", "bibtex"),
        ('title,abstract\nA,"see\n@misc{a, title={A}}\n"\n', "csv"),
        ('{"title": "A", "abstract": "@misc{a, title={A}}"}', "jsonl"),
    ],
)
def test_files_are_recognised_by_their_first_entry(
    make_dump: MakeDump, text: str, format: str
) -> None:
    assert make_dump(text).format == format


@pytest.mark.parametrize(
    ("fields", "authors"),
    [
        ("author={Doe, Jane and others}, collaboration={TINY}", ("Jane Doe", "TINY Collaboration")),
        ("collaboration={Small Study Group}", ("Small Study Group",)),
        (
            "author={Doe, Jane}, collaboration={TINY, {BIG} and Wee Team}",
            ("Jane Doe", "TINY Collaboration", "BIG Collaboration", "Wee Team"),
        ),
        ("author={{TINY Collaboration}}, collaboration={TINY}", ("TINY Collaboration",)),
        ("author={Jane Doe 0001 and Kim Roe 0012}", ("Jane Doe", "Kim Roe")),
        ("author={Jane Doe; Kim Roe}", ("Jane Doe", "Kim Roe")),
        ("author={Doe Moe, Jane Ann}", ("Jane Ann Doe Moe",)),
        ("author={{The Doe and Roe Group} and Poe, Lee}", ("The Doe and Roe Group", "Lee Poe")),
    ],
)
def test_authors_are_people_and_collaborations(
    make_dump: MakeDump, fields: str, authors: tuple[str, ...]
) -> None:
    assert only(make_dump(f"@article{{k, title={{T}}, {fields}}}")).authors == authors


def test_volumes_of_proceedings_are_skipped(make_dump: MakeDump) -> None:
    dump = make_dump(
        "@Proceedings{p, title={Proceedings of a Small Meeting}}\n@mvproceedings{q, title={All}}\n"
        "@inproceedings{r, title={A paper}}\n"
    )
    assert titles(dump) == ["A paper"]
    assert skipped_lines(dump) == [(1, "a volume: @proceedings"), (2, "a volume: @mvproceedings")]


@pytest.mark.parametrize(
    ("doi", "read"),
    [
        (r"10.1000/a-1\_12", "10.1000/a-1_12"),
        (r"10.1000/s1{\_}1", "10.1000/s1_1"),
        (r"10.1000/a\%b\#c", "10.1000/a%b#c"),
        (r"https://doi.org/10.1000/(SICI)1\&2", "10.1000/(sici)1&2"),
    ],
)
def test_a_doi_has_no_backslash(make_dump: MakeDump, doi: str, read: str) -> None:
    (identity,) = only(make_dump(f"@article{{k, title={{T}}, doi={{{doi}}}}}")).identities
    assert identity.value == read


@pytest.mark.parametrize(
    "written",
    [
        r"doi = {10.1000/a{\_}1}, url = {http://dx.doi.org/10.1000/a{\_}1}",
        r"doi = {10.1000/a\_1}, url = {https://doi.org/10.1000/a\_1}",
        r"doi = {10.1000/a{\textunderscore}1}, url = {\url{https://doi.org/10.1000/a{\_}1}}",
        r"doi = {10.1000/a\textunderscore 1}, url = {https://doi.org/10.1000/a{_}1}",
        r"url = {\href{https://doi.org/10.1000/a\_1}{A text}}",
    ],
)
def test_an_escaped_underscore_in_a_doi_and_a_link_is_one(
    written: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump("@article{a, title={Moss}, " + written + "}"))
    assert [identity.value for identity in entry.identities] == ["10.1000/a_1"]
    assert entry.url.endswith("/10.1000/a_1")
