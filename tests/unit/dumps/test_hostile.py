"""Bad input of every kind, for every reader that it concerns.

Each is a reason for one record or for the file, and memory stays bounded. Bombs of zstd and the
limits of one format alone are in the tests of those modules. Random damage is in `test_fuzz`.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.dumps import FORMATS, open_dump
from digest.dumps.stream import ITEM_CAP, Source
from digest.errors import DumpError
from digest.model import Record, Rejected
from tests.unit.dumps.conftest import TODAY, MakeDump, entries, papers, rejections, titles
from tests.unit.dumps.every_format import JSON, MIB, PARTS, TITLED, XML, format_text, reasons


def test_the_files_of_these_tests_are_of_every_format(make_dump: MakeDump) -> None:
    for format in PARTS:
        dump = make_dump(format_text(format, "The First Title", "The Second Title"))
        assert dump.format == format
        assert reasons(dump) == []
        assert dump.incomplete is None
        assert len(list(dump.records())) == 2
        if format in TITLED:
            assert titles(dump) == ["The First Title", "The Second Title"]
    assert set(PARTS) == set(FORMATS)


# ------------------------------------------------------------------------------------------------
# XML


@pytest.mark.parametrize("format", XML)
def test_a_bomb_of_entities_is_one_rejected_record(format: str, make_dump: MakeDump) -> None:
    bomb = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(12)
    )
    dump = make_dump(
        f'<?xml version="1.0"?>\n<!DOCTYPE x [{bomb}]>\n'
        + format_text(format, "Before", "&m;", "Behind")
    )
    assert dump.format == format
    assert titles(dump) == ["Before", "Behind"]
    assert reasons(dump) == ["no valid XML: Entity 'm' not defined"]


@pytest.mark.parametrize("format", XML)
@pytest.mark.parametrize("where", ["ENTITY e SYSTEM", "ENTITY e PUBLIC 'x'", "ENTITY % p SYSTEM"])
def test_an_external_entity_is_never_fetched(
    format: str, where: str, make_dump: MakeDump, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("<!ENTITY e 'hunter2'>")
    inner = f"<!{where} 'file://{tmp_path}/secret'>" + ("%p;" if "%" in where else "")
    dump = make_dump(
        f"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file://{tmp_path}/secret' [{inner}]>"
        + format_text(format, "Before", "&e;", "Behind")
    )
    assert titles(dump) == ["Before", "Behind"]
    assert reasons(dump) == ["no valid XML: Entity 'e' not defined"]
    assert not any("hunter2" in entry.raw for entry in dump.records())


@pytest.mark.parametrize("format", XML)
def test_deeply_nested_xml_is_one_rejected_record(format: str, make_dump: MakeDump) -> None:
    for inner in ("<b>" * 30_000 + "</b>" * 30_000, "<b>" * 30_000):
        dump = make_dump(format_text(format, "Before", inner, "Behind"))
        assert titles(dump) == ["Before", "Behind"]
        assert len(reasons(dump)) == 1


@pytest.mark.parametrize("format", XML)
def test_a_web_page_saved_as_xml_is_refused_and_one_among_the_answers_noted(
    format: str, make_dump: MakeDump
) -> None:
    page = (
        "<!DOCTYPE html>\n<html><head><title>503 Service "
        "Unavailable</title></head><body><p>Wait.<br></body></html>\n"
    )
    with pytest.raises(
        DumpError,
        match="it is a web page, maybe the answer to a failed download: fetch the file again",
    ):
        make_dump(page, name="harvest.xml")
    dump = make_dump(format_text(format, "Before") + "\n" + page + format_text(format, "Behind"))
    assert titles(dump) == ["Before", "Behind"]
    assert dump.incomplete == "a web page stands where XML should be, from line 3 on"


# ------------------------------------------------------------------------------------------------
# JSON


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("sign", ["[]", '{"a":}'], ids=["lists", "objects"])
def test_deeply_nested_json_is_one_rejected_record(
    format: str, sign: str, make_dump: MakeDump
) -> None:
    for inner in (sign[:-1] * 20_000 + "1" + sign[-1] * 20_000, sign[:-1] * 20_000):
        if inner.endswith(sign[:-1]) and "\n" not in JSON[format][3]:
            continue  # without a line end, an unclosed record takes the rest of the file
        dump = make_dump(format_text(format, "Before", "TITLE", "Behind").replace('"TITLE"', inner))
        assert titles(dump) == ["Before", "Behind"]
        assert len(reasons(dump)) == 1


@pytest.mark.parametrize("format", [name for name, parts in JSON.items() if "\n" not in parts[3]])
def test_a_record_that_never_ends_leaves_the_file_incomplete(
    format: str, make_dump: MakeDump
) -> None:
    dump = make_dump(
        format_text(format, "Before", "TITLE", "Behind").replace('"TITLE"', "[" * 20_000)
    )
    assert titles(dump) == ["Before"]
    assert len(reasons(dump)) == 1
    assert dump.incomplete == "the file ends in the middle of record 2"


@pytest.mark.parametrize("format", JSON)
def test_millions_of_empty_values_are_not_decoded(format: str, make_dump: MakeDump) -> None:
    entries = list(
        make_dump(
            format_text(format, "Before", "TITLE", "Behind").replace(
                '"TITLE"', "[" + "[]," * 510_000 + "[]]"
            )
        ).records()
    )
    assert [entry.title for entry in entries if isinstance(entry, Record)] == ["Before", "Behind"]
    assert [entry.reason for entry in entries if isinstance(entry, Rejected)] == [
        "holds more than 1,000,000 brackets and commas"
    ]


@pytest.mark.parametrize("format", JSON)
def test_the_last_of_two_equal_keys_counts(format: str, make_dump: MakeDump) -> None:
    dump = make_dump(
        re.sub(
            r'("title":\s*\[?"A Title"\]?)', r'"title":"Another",\1', format_text(format, "A Title")
        )
    )
    assert titles(dump) == ["A Title"]


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("value", ["5", "9" * 18, "1.5", "true", '{"a": 1}'])
def test_a_value_that_is_not_text_is_rejected_with_its_field(
    format: str, value: str, make_dump: MakeDump
) -> None:
    dump = make_dump(format_text(format, "Before", "TITLE", "Behind").replace('"TITLE"', value))
    assert titles(dump) == ["Before", "Behind"]
    (reason,) = reasons(dump)
    assert "title" in reason


@pytest.mark.parametrize("format", JSON)
def test_an_escaped_nul_is_removed(format: str, make_dump: MakeDump) -> None:
    assert [entry.title for entry in entries(make_dump(format_text(format, "A\\u0000 Title")))] == [
        "A Title"
    ]


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "\\udbff\\u0041"])
def test_half_a_surrogate_pair_costs_a_character(
    format: str, half: str, make_dump: MakeDump
) -> None:
    dump = make_dump(format_text(format, "Before", f"A Ti{half}tle", "\\ud835\\udd38 \\\\ud800"))
    shown = "\ufffdA" if half.endswith("41") else "\ufffd"
    assert titles(dump) == ["Before", f"A Ti{shown}tle", "\U0001d538 \\ud800"]


ODD_VALUES = ["NaN", "Infinity", "-Infinity", "1e400", "-1E999", "9" * 400, "[NaN]", '{"a": NaN}']


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("value", ODD_VALUES)
def test_a_value_that_json_does_not_have_costs_its_field(
    format: str, value: str, make_dump: MakeDump
) -> None:
    text = format_text(format, "Before", "A Title", "Behind").replace(
        '"A Title"', f'"A Title", "odd": {value}'
    )
    if format in ("ads", "crossref"):
        text = text.replace('["A Title", ', '["A Title"], ').replace(f"{value}]", value)
    dump = make_dump(text)
    assert (dump.format, reasons(dump)) == (format, [])
    assert titles(dump) == ["Before", "A Title", "Behind"]


def test_odd_values_of_known_fields_are_nothing(make_dump: MakeDump) -> None:
    lines = [
        '{"title": "First", "abstract": NaN, "doi": NaN, "upvotes": Infinity}',
        '{"title": "Second", "abstract": "Text.", "authors": ["Jane Doe", NaN], "version": 1e999}',
        '{"title": "Third", "upvotes": ' + "9" * 5000 + "}",
        '{"title": NaN, "doi": "10.1000/4"}',
        '{"title": "Fifth", "upvotes": NaN,}',
    ]
    dump = make_dump("\n".join(lines) + "\n")
    assert [(record.title, record.abstract, record.authors) for record in papers(dump)] == [
        ("First", "", ()),
        ("Second", "Text.", ("Jane Doe",)),
        ("Third", "", ()),
        ("", "", ()),
    ]
    assert [line for line, _ in rejections(dump)] == [5]


def test_raw_control_characters_in_a_text_are_read(make_dump: MakeDump) -> None:
    dump = make_dump('[{"title": "A\tTitle\nwith\x01 breaks\0", "doi": "10.1000/1"}]')
    assert [entry.title for entry in entries(dump)] == ["A Title with breaks"]


# ------------------------------------------------------------------------------------------------
# every format


#: junk: format, start, repeated piece, and the calls that each piece may take
JUNK = {
    "ris, nothing but TY": ("ris", b"", b"TY  - \n", 16),
    "ris, empty records": ("ris", b"", b"TY  - JOUR\nER  - \n", 24),
    "ris, lines without a tag": ("ris", b"TY  - JOUR\n", b"words\n", 9),
    "medline, lines of nothing": ("medline", b"PMID- 1\n", b"x\n\n", 15),
    "medline, nothing but titles": ("medline", b"PMID- 1\n", b"TI  - x\n", 12),
    "medline, tags after blank lines": ("medline", b"", b"PMID- 1\n\nTI  - x\n\n", 54),
    "refer, one tag after the other": ("refer", b"%0 x\n%T x\n", b"\n%X x\n", 32),
    "refer, blank lines": ("refer", b"%0 x\n%T x\n%X x\n", b"\nx\n%Y", 30),
    "wos, nothing but PT": ("wos", b"", b"PT J\n", 16),
    "bibtex, never closed": ("bibtex", b"", b"@a{\n", 34),
    "bibtex, empty": ("bibtex", b"", b"@a{}", 42),
    "bibtex, lines of nothing": ("bibtex", b"@a{x, title =\n", b",\n", 12),
}


@pytest.mark.parametrize("junk", JUNK)
def test_junk_takes_linear_time(junk: str, tmp_path: Path) -> None:
    format, start, piece, most = JUNK[junk]

    def calls(pieces: int) -> int:
        path = tmp_path / "junk"
        path.write_bytes(start + piece * pieces)
        counted = Counter[str]()
        sys.setprofile(lambda _frame, event, _what: counted.update((event,)))
        try:
            for _ in FORMATS[format].read(Source(path, name="junk", today=TODAY)):
                pass
        finally:
            sys.setprofile(None)
        return counted["call"] + counted["c_call"]

    few, many = calls(1000), calls(4000)
    assert many < 4.1 * few
    assert many < 4000 * most


@pytest.mark.parametrize("format", PARTS)
def test_a_truncated_gzip_keeps_what_came_before_and_is_incomplete(
    format: str, make_dump: MakeDump
) -> None:
    all_titles = [
        f"Title {number} of {number * 7919 % 104_729} and {number * 15_485_863 % 32_452_843}"
        for number in range(800)
    ]
    packed = gzip.compress(format_text(format, *all_titles).encode())
    dump = make_dump(packed[: len(packed) // 2])
    records = [entry for entry in dump.records() if isinstance(entry, Record)]
    assert dump.format == format
    assert 200 < len(records) < 760
    assert (
        format not in TITLED
        or [record.title for record in records[:-1]] == all_titles[: len(records) - 1]
    )
    assert dump.incomplete == "the gzip data ends early: the file is not whole"


# ------------------------------------------------------------------------------------------------
# size


def peak(action: Callable[[], object]) -> int:
    """Return the peak of bytes that Python held during a call."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


#: a format for each way to find the ends of records
WAYS = ["arxiv-daily", "crossref", "oai-pmh", "csv", "bibtex", "ris", "huggingface-page"]


@pytest.mark.parametrize(
    ("format", "size", "packed"),
    [
        *((format, 100, False) for format in WAYS),
        ("arxiv-daily", 100, True),
        *((format, 17, False) for format in TITLED if format not in WAYS),
    ],
)
def test_megabytes_on_a_line_are_skipped_without_being_held(
    format: str, size: int, packed: bool, tmp_path: Path
) -> None:
    before, behind = format_text(format, "A First Title", "TITLE", "The Last Title").split("TITLE")
    path = tmp_path / "dump"
    with gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb") as file:
        file.write(before.encode())
        for _ in range(size):
            file.write(b"x y " * (MIB // 4))
        file.write(behind.encode())
    records: list[Record] = []

    def read() -> None:
        dump = open_dump(path, today=TODAY)
        assert dump.format == format
        for entry in dump.records():
            if isinstance(entry, Record):
                records.append(entry)
            else:
                assert len(entry.raw) <= 64 * 1024
                assert entry.reason

    assert peak(read) < 5 * ITEM_CAP
    if format != "huggingface-page":
        assert [entry.title for entry in records] == ["A First Title", "The Last Title"]


def test_a_gzip_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"title": "A Title"}\n')
        for _ in range(150):
            file.write(b"\0" * MIB)
    assert path.stat().st_size < 2 * MIB
    assert peak(lambda: list(open_dump(path, today=TODAY).records())) < 5 * ITEM_CAP


@pytest.mark.parametrize("format", PARTS)
def test_names_in_an_archive_never_reach_the_disk(
    format: str, make_dump: MakeDump, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in (
            "../../escaped",
            "/etc/escaped",
            "C:\\escaped",
            "a/../../escaped",
            "\x1b[2Jescaped",
            "x" * 3000,
        ):
            archive.writestr(name, format_text(format, "A Title"))
    dump = make_dump(buffer.getvalue())
    assert dump.format == format
    assert len([entry for entry in dump.records() if isinstance(entry, Record)]) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


# ------------------------------------------------------------------------------------------------
# answers that are errors


@pytest.mark.parametrize(
    "answer",
    [
        '{"status":"failed","message-type":"validation-failure","message":[{"type":"parameter-not-allowed","message":"no"}]}',
        '{"messages":[{"status":"Error: interval is not valid"}],"collection":[]}',
        '{"error":"Invalid query parameters","message":"no"}',
        '{"message":"Too Many Requests. Please wait and try again","code":"429"}',
        '{"error":"Paper not found"}',
        '{"error":{"code":500,"message":"no"}}',
        '[{"error":"no"}]',
        '{"detail":"no"}',
        '"Rate limit exceeded"',
        "null",
        "Rate exceeded.",
        "Forbidden",
        "Resource not found",
        '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error '
        'code="badResumptionToken">no</error></OAI-PMH>',
        "<eFetchResult><ERROR>Empty id list - nothing todo</ERROR></eFetchResult>",
        "<feed "
        'xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/api/x</id><entry><id>http://arxiv.org/api/errors#no</id>'
        "<title>Error</title><summary>no</summary></entry></feed>",
        "<rss "
        'version="2.0"><channel><title>Error</title></channel></rss><html><body>503</body></html>',
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        "<html><body>429 Too Many Requests</body></html>",
    ],
)
def test_an_error_with_status_200_is_neither_a_paper_nor_an_empty_day(
    answer: str, make_dump: MakeDump
) -> None:
    try:
        dump = make_dump(answer)
    except DumpError:
        return
    entries = list(dump.records())
    assert not any(isinstance(entry, Record) for entry in entries)
    assert dump.incomplete or any(isinstance(entry, Rejected) for entry in entries)
