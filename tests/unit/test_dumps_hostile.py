"""Bad input of every kind, for every reader that it concerns: each is a reason for one record or for the file, and memory stays bounded.

Bombs of zstd and the limits of one format alone are in the tests of those modules; damage by chance is in `test_dumps_fuzz`.
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
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.dumps import FORMATS, Dump, open_dump
from digest.dumps.stream import ITEM_CAP, Source, encoding_of
from digest.errors import DumpError
from digest.model import Entry, Record, Rejected
from digest.papers import clean

TODAY = date(2026, 11, 19)
MIB = 1024**2
ABSTRACT = "It is invented and claims nothing at all. " * 6

#: a file of each format: what stands before its records, a record with TITLE, ID and DAY in it, what stands between, and behind
XML = {
    "oai-pmh": (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>',
        "<record><header><identifier>oai:arXiv.org:ID</identifier><datestamp>DAY</datestamp></header><metadata>"
        '<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>ID</id><title>TITLE</title></arXiv></metadata></record>',
        "\n",
        "</ListRecords></OAI-PMH>",
    ),
    "feed": (
        '<rss version="2.0"><channel><title>News</title>',
        "<item><title>TITLE</title><link>https://arxiv.org/abs/ID</link><pubDate>DAY</pubDate></item>",
        "\n",
        "</channel></rss>",
    ),
    "arxiv-api": (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><id>http://arxiv.org/api/x</id>',
        "<entry><id>http://arxiv.org/abs/ID</id><title>TITLE</title><published>DAY</published></entry>",
        "\n",
        "</feed>",
    ),
    "pubmed": (
        "<PubmedArticleSet>",
        "<PubmedArticle><MedlineCitation><PMID>17</PMID><DateRevised><Year>DAY</Year></DateRevised><Article><ArticleTitle>TITLE</ArticleTitle>"
        '<ELocationID EIdType="doi">10.1000/ID</ELocationID></Article></MedlineCitation></PubmedArticle>',
        "\n",
        "</PubmedArticleSet>",
    ),
}
JSON = {
    "arxiv-daily": (
        "",
        '{"id":"ID","title":"TITLE","abs":"https://arxiv.org/abs/ID","summary":"","authors":[],"announced":"DAY"}',
        "\n",
        "\n",
    ),
    "arxiv-snapshot": (
        "",
        '{"id":"ID","title":"TITLE","authors_parsed":[["Doe","Jane",""]],"update_date":"DAY","versions":[]}',
        "\n",
        "\n",
    ),
    "biorxiv": (
        '{"messages":[{"status":"ok"}],"collection":[',
        '{"doi":"10.1101/ID","title":"TITLE","jatsxml":"x","date":"DAY","version":"1"}',
        ",\n",
        "]}",
    ),
    "crossref": (
        '{"status":"ok","message-type":"work-list","message":{"items":[',
        '{"DOI":"10.1000/ID","title":["TITLE"],"created":{"date-time":"DAY"},"issued":{"date-parts":[["DAY"]]},"type":"journal-article"}',
        ",\n",
        "]}}",
    ),
    "csl-json": (
        "[",
        '{"type":"article-journal","title":"TITLE","author":[{"family":"Doe"}],"DOI":"10.1000/ID","issued":{"raw":"DAY"}}',
        ",\n",
        "]",
    ),
    "huggingface-json": ("[", '{"paper":{"id":"ID","title":"TITLE","publishedAt":"DAY","upvotes":1},"publishedAt":"DAY"}', ",\n", "]"),
    "jsonl": ("", '{"title":"TITLE","id":"ID","submitted":"DAY","announced":"DAY"}', "\n", "\n"),
    "openalex": (
        '{"meta":{"count":3},"results":[',
        '{"id":"https://openalex.org/W17","doi":"10.1000/ID","title":"TITLE","abstract_inverted_index":null,"publication_date":"DAY"}',
        ",\n",
        "]}",
    ),
    "semantic-scholar": ("", '{"corpusid":17,"title":"TITLE","externalids":{"DOI":"10.1000/ID"},"publicationdate":"DAY"}', "\n", "\n"),
    "semantic-scholar-api": (
        '{"total":3,"data":[',
        '{"paperId":"0123456789012345678901234567890123456789","title":"TITLE","externalIds":{"DOI":"10.1000/ID"},"publicationDate":"DAY"}',
        ",\n",
        "]}",
    ),
    "zotero": ("[", '{"data":{"itemType":"journalArticle","title":"TITLE","DOI":"10.1000/ID","date":"DAY","dateAdded":"DAY"}}', ",\n", "]"),
}
TEXT = {
    "csv": ("title,id,submitted\n", "TITLE,ID,DAY", "\n", "\n"),
    "bibtex": ("", "@article{key, title = {TITLE}, eprint = {ID}, archiveprefix = {arXiv}, date = {DAY}}", "\n", "\n"),
    "ris": ("", "TY  - JOUR\nTI  - TITLE\nUR  - https://arxiv.org/abs/ID\nDA  - DAY\nER  - ", "\n", "\n"),
    "huggingface-page": (
        "Get trending papers in your email inbox!\n\nDaily Papers\n\nbyJane Doe and the research community\n\nAug 29\n\n",
        f"TITLE\n\n{ABSTRACT}",
        "\n\n",
        "\n",
    ),
    "id-list": ("", "https://arxiv.org/abs/ID # TITLE", "\n", "\n"),
}
EVERY = XML | JSON | TEXT
#: an id-list has no titles, the page no markup, ids or days
TITLED = {name: one for name, one in EVERY.items() if name != "id-list"}

#: formats whose files cannot say how they are encoded and are still written as they were before UTF-8
OLDER_THAN_UTF_8 = ("bibtex", "ris")

Made = Callable[..., Dump]


@pytest.fixture
def dump(tmp_path: Path) -> Made:
    def make(content: bytes | str, name: str = "dump") -> Dump:
        path = tmp_path / "a-file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_dump(path, today=TODAY, name=name)

    return make


def written(format: str, *titles: str, id: str = "2604.00001", day: str = "2026-04-01") -> str:
    before, record, between, after = EVERY[format]
    record = re.sub(r"\bID\b", lambda _: id, re.sub(r"\bDAY\b", lambda _: day, record))
    return before + between.join(record.replace("TITLE", title) for title in titles) + after


def titles(dump: Dump) -> list[str]:
    return [one.title for one in dump.records() if isinstance(one, Record)]


def refused(dump: Dump) -> list[str]:
    return [one.reason for one in dump.records() if isinstance(one, Rejected)]


def entries(dump: Dump) -> list[Entry]:
    made = (clean(one, dump.format) for one in dump.records() if isinstance(one, Record))
    return [one for one in made if isinstance(one, Entry)]


def test_the_files_of_these_tests_are_of_every_format(dump: Made) -> None:
    for format in EVERY:
        made = dump(written(format, "The First Title", "The Second Title"))
        assert made.format == format
        assert refused(made) == []
        assert made.incomplete is None
        assert len(list(made.records())) == 2
        if format in TITLED:
            assert titles(made) == ["The First Title", "The Second Title"]
    assert set(EVERY) == set(FORMATS)


# ------------------------------------------------------------------------------------------------ XML


@pytest.mark.parametrize("format", XML)
def test_a_bomb_of_entities_is_one_rejected_record(format: str, dump: Made) -> None:
    bomb = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(12))
    made = dump(f'<?xml version="1.0"?>\n<!DOCTYPE x [{bomb}]>\n' + written(format, "Before", "&m;", "Behind"))
    assert made.format == format
    assert titles(made) == ["Before", "Behind"]
    assert refused(made) == ["no valid XML: Entity 'm' not defined"]


@pytest.mark.parametrize("format", XML)
@pytest.mark.parametrize("where", ["ENTITY e SYSTEM", "ENTITY e PUBLIC 'x'", "ENTITY % p SYSTEM"])
def test_an_external_entity_is_never_fetched(format: str, where: str, dump: Made, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("<!ENTITY e 'hunter2'>")
    inner = f"<!{where} 'file://{tmp_path}/secret'>" + ("%p;" if "%" in where else "")
    made = dump(
        f"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file://{tmp_path}/secret' [{inner}]>" + written(format, "Before", "&e;", "Behind")
    )
    assert titles(made) == ["Before", "Behind"]
    assert refused(made) == ["no valid XML: Entity 'e' not defined"]
    assert not any("hunter2" in one.raw for one in made.records())


@pytest.mark.parametrize("format", XML)
def test_deeply_nested_xml_is_one_rejected_record(format: str, dump: Made) -> None:
    for inner in ("<b>" * 30_000 + "</b>" * 30_000, "<b>" * 30_000):
        made = dump(written(format, "Before", inner, "Behind"))
        assert titles(made) == ["Before", "Behind"]
        assert len(refused(made)) == 1


@pytest.mark.parametrize("format", XML)
def test_a_web_page_saved_as_xml_is_refused_and_one_among_the_answers_noted(format: str, dump: Made) -> None:
    page = "<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body><p>Wait.<br></body></html>\n"
    with pytest.raises(DumpError, match="it is a web page, maybe the answer to a failed download: fetch the file again"):
        dump(page, name="harvest.xml")
    made = dump(written(format, "Before") + "\n" + page + written(format, "Behind"))
    assert titles(made) == ["Before", "Behind"]
    assert made.incomplete == "a web page stands where XML should be, from line 3 on"


# ------------------------------------------------------------------------------------------------ JSON


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("sign", ["[]", '{"a":}'], ids=["lists", "objects"])
def test_deeply_nested_json_is_one_rejected_record(format: str, sign: str, dump: Made) -> None:
    for inner in (sign[:-1] * 20_000 + "1" + sign[-1] * 20_000, sign[:-1] * 20_000):
        if inner.endswith(sign[:-1]) and "\n" not in JSON[format][3]:
            continue  # where no line ends it, a record without end takes the rest of the file along
        made = dump(written(format, "Before", "TITLE", "Behind").replace('"TITLE"', inner))
        assert titles(made) == ["Before", "Behind"]
        assert len(refused(made)) == 1


@pytest.mark.parametrize("format", [name for name, one in JSON.items() if "\n" not in one[3]])
def test_a_record_that_never_ends_leaves_the_file_incomplete(format: str, dump: Made) -> None:
    made = dump(written(format, "Before", "TITLE", "Behind").replace('"TITLE"', "[" * 20_000))
    assert titles(made) == ["Before"]
    assert len(refused(made)) == 1
    assert made.incomplete == "the file ends in the middle of record 2"


@pytest.mark.parametrize("format", JSON)
def test_millions_of_empty_values_are_not_decoded(format: str, dump: Made) -> None:
    found = list(dump(written(format, "Before", "TITLE", "Behind").replace('"TITLE"', "[" + "[]," * 510_000 + "[]]")).records())
    assert [one.title for one in found if isinstance(one, Record)] == ["Before", "Behind"]
    assert [one.reason for one in found if isinstance(one, Rejected)] == ["holds more than 1,000,000 brackets and commas"]


@pytest.mark.parametrize("format", JSON)
def test_the_last_of_two_equal_keys_counts(format: str, dump: Made) -> None:
    made = dump(re.sub(r'("title":\s*\[?"A Title"\]?)', r'"title":"Another",\1', written(format, "A Title")))
    assert titles(made) == ["A Title"]


@pytest.mark.parametrize("format", JSON)
@pytest.mark.parametrize("value", ["5", "1e400", "9" * 400, "true", '{"a": 1}', "NaN"])
def test_what_is_no_text_is_refused_with_its_field(format: str, value: str, dump: Made) -> None:
    made = dump(written(format, "Before", "TITLE", "Behind").replace('"TITLE"', value))
    assert titles(made) == ["Before", "Behind"]
    (reason,) = refused(made)
    assert "title" in reason or "JSON" in reason or "out of range" in reason


@pytest.mark.parametrize("format", JSON)
def test_an_escaped_nul_is_taken_out(format: str, dump: Made) -> None:
    assert [one.title for one in entries(dump(written(format, "A\\u0000 Title")))] == ["A Title"]


@pytest.mark.parametrize("format", JSON)
def test_half_a_character_is_refused(format: str, dump: Made) -> None:
    made = dump(written(format, "Before", "A Ti\\ud800tle", "Behind"))
    assert titles(made) == ["Before", "Behind"]
    assert refused(made)[0].startswith("no valid JSON: ")


# ------------------------------------------------------------------------------------------------ every format


@pytest.mark.parametrize("format", sorted(TITLED.keys() - OLDER_THAN_UTF_8))
def test_a_record_in_another_encoding_is_refused_and_the_others_are_read(format: str, dump: Made) -> None:
    made = dump(written(format, "Before", "Caf\xe9 at Night", "Behind").encode("latin-1"))
    assert refused(made)[0] == "not UTF-8"
    if format == "huggingface-page":  # where one block cannot be read, nobody knows which of the others are titles
        assert titles(made) == ["Before"]
    else:
        assert titles(made) == ["Before", "Behind"]
        assert len(refused(made)) == 1


@pytest.mark.parametrize("format", OLDER_THAN_UTF_8)
def test_an_entry_of_a_format_without_an_encoding_may_be_windows_1252_beside_others_in_utf_8(format: str, dump: Made) -> None:
    before, record, between, after = EVERY[format]
    encodings = {"Müller": "utf-8", "“Café” – naïve": "cp1252", "Plain": "ascii", "Straße": "latin-1", "Жизнь": "utf-8"}
    found = [record.replace("TITLE", title).encode(encoding) for title, encoding in encodings.items()]
    made = dump(before.encode() + between.encode().join(found) + after.encode())
    assert titles(made) == list(encodings)
    assert [title in one.raw for title, one in zip(encodings, made.records(), strict=True) if isinstance(one, Record)] == [True] * 5


@pytest.mark.parametrize("format", OLDER_THAN_UTF_8)
@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Müller ".encode() + b"caf\xe9", id="UTF-8 and a byte that is none"),
        pytest.param("Müller and “Frères”".encode()[:-1], id="a character cut in half"),
        pytest.param(b"caf\xe9 \x81", id="a byte that Windows-1252 has not"),
    ],
)
def test_damaged_utf_8_is_not_taken_for_windows_1252(format: str, title: bytes, dump: Made) -> None:
    made = dump(written(format, "Before", "HERE", "Behind").encode().replace(b"HERE", title))
    assert (titles(made), refused(made)) == (["Before", "Behind"], ["not UTF-8"])


@settings(max_examples=100, deadline=None)
@given(entry=st.text(st.characters(codec="cp1252"), max_size=20))
def test_windows_1252_is_told_by_what_utf_8_it_holds(entry: str) -> None:
    data = entry.encode("cp1252")
    assert encoding_of(entry.encode()) == "utf-8"
    if (found := encoding_of(data)) is not None:
        assert data.decode(found) == entry or found == "utf-8"
    elif len(entry) < 2:
        pytest.fail("one letter cannot be damage")


#: junk that is an entry over and over, or goes on with one, and how many calls a piece of it may cost
JUNK = {
    "ris, nothing but TY": ("ris", b"", b"TY  - \n", 16),
    "ris, empty records": ("ris", b"", b"TY  - JOUR\nER  - \n", 24),
    "ris, lines without a tag": ("ris", b"TY  - JOUR\n", b"words\n", 9),
    "bibtex, never closed": ("bibtex", b"", b"@a{\n", 34),
    "bibtex, empty": ("bibtex", b"", b"@a{}", 42),
    "bibtex, lines of nothing": ("bibtex", b"@a{x, title =\n", b",\n", 12),
}


@pytest.mark.parametrize("junk", JUNK)
def test_the_work_for_junk_is_little_and_grows_no_faster_than_its_length(junk: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("format", EVERY)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_utf_16_is_refused(format: str, encoding: str, dump: Made) -> None:
    with pytest.raises(DumpError, match="UTF-16" if encoding == "utf-16" else "no known format"):
        dump(written(format, "A Title").encode(encoding))


@pytest.mark.parametrize("format", EVERY)
def test_a_byte_order_mark_changes_nothing(format: str, dump: Made) -> None:
    made = dump("\ufeff" + written(format, "A Title", "Another"))
    assert made.format == format
    assert list(made.records()) == list(dump(written(format, "A Title", "Another")).records())


@pytest.mark.parametrize("format", TITLED)
def test_nul_bytes_cost_one_record_or_are_taken_out(format: str, dump: Made) -> None:
    made = dump(written(format, "Before", "A\0B", "Behind"))
    if format == "huggingface-page":
        assert [one.title for one in entries(made)] == ["Before", "AB", "Behind"]
    else:
        assert titles(made) == ["Before", "Behind"]
        assert refused(made) == ["holds NUL bytes"]


@pytest.mark.parametrize("format", [name for name in TITLED if name != "huggingface-page"])
def test_a_file_of_nothing_but_nul_bytes_behind_its_records_is_survived(format: str, dump: Made) -> None:
    made = dump(written(format, "A Title", "Another") + "\0" * 5000)
    assert made.format == format
    assert len([one for one in made.records() if isinstance(one, Record)]) == 2


@pytest.mark.parametrize("format", EVERY)
def test_a_truncated_gzip_keeps_what_came_before_and_is_incomplete(format: str, dump: Made) -> None:
    every = [f"Title {number} of {number * 7919 % 104_729} and {number * 15_485_863 % 32_452_843}" for number in range(800)]
    packed = gzip.compress(written(format, *every).encode())
    made = dump(packed[: len(packed) // 2])
    kept = [one for one in made.records() if isinstance(one, Record)]
    assert made.format == format
    assert 200 < len(kept) < 760
    assert format not in TITLED or [one.title for one in kept[:-1]] == every[: len(kept) - 1]
    assert made.incomplete == "the gzip data ends early: the file is not whole"


ABSURD = ["99999-99-99", "0000-00-00", "2026-02-30", "-2026-04-01", "1", "9999-12-31", "0001-01-01", "yesterday", "2026-04-01" * 50]


@pytest.mark.parametrize("format", TITLED)
@pytest.mark.parametrize("day", ABSURD)
def test_an_absurd_day_is_no_day_and_costs_no_record(format: str, day: str, dump: Made) -> None:
    (one,) = entries(dump(written(format, "A Title", day=day)))
    for found in (one.submitted, one.announced, one.updated):
        assert found is None or (1900 <= found.year <= 2028)


WITH_ARXIV = [
    "oai-pmh",
    "feed",
    "arxiv-api",
    "arxiv-daily",
    "arxiv-snapshot",
    "huggingface-json",
    "jsonl",
    "csv",
    "bibtex",
    "ris",
    "id-list",
]
WITH_DOI = ["pubmed", "crossref", "csl-json", "openalex", "semantic-scholar", "semantic-scholar-api", "zotero"]


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
def test_arxiv_ids_with_a_slash_or_a_v_in_them_are_read(format: str, id: str, value: str, dump: Made) -> None:
    (one,) = entries(dump(written(format, "A Title", id=id)))
    assert f"arxiv:{value}" in [f"{one.kind}:{one.value}" for one in one.identities]


@pytest.mark.parametrize("format", WITH_DOI)
@pytest.mark.parametrize("id", ["v2/a/v3", "s0/(sici)1-2(2026)3:4.co;2-v", "j.v.2026.04v1", "abs/v1", "1/2/3"])
def test_dois_with_a_slash_or_a_v_in_them_are_read(format: str, id: str, dump: Made) -> None:
    (one,) = entries(dump(written(format, "A Title", id=id)))
    assert f"10.1000/{id}" in [found.value for found in one.identities]


@pytest.mark.parametrize("format", TITLED)
def test_ids_that_are_none_cost_at_most_their_record(format: str, dump: Made) -> None:
    for id in ("../../etc/passwd", "v", "/", "//v1", "%00", "2604.00001v" + "9" * 500, "x" * 5000):
        made = dump(written(format, "A Title", id=id))
        assert len(list(made.records())) == 1
        for one in entries(made):
            assert all(len(found.value) < 6000 for found in one.identities)


# ------------------------------------------------------------------------------------------------ size


def peak(what: Callable[[], object]) -> int:
    """Bytes that Python held at most meanwhile."""
    tracemalloc.start()
    try:
        what()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


#: one format of each way to find the ends of records; the others share theirs
WAYS = ["arxiv-daily", "crossref", "oai-pmh", "csv", "bibtex", "ris", "huggingface-page"]


@pytest.mark.parametrize(
    ("format", "size", "packed"),
    [
        *((format, 100, False) for format in WAYS),
        ("arxiv-daily", 100, True),
        *((format, 17, False) for format in TITLED if format not in WAYS),
    ],
)
def test_megabytes_on_one_line_are_passed_over_without_being_held(format: str, size: int, packed: bool, tmp_path: Path) -> None:
    before, behind = written(format, "A First Title", "TITLE", "The Last Title").split("TITLE")
    path = tmp_path / "dump"
    with gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb") as file:
        file.write(before.encode())
        for _ in range(size):
            file.write(b"x y " * (MIB // 4))
        file.write(behind.encode())
    found: list[Record] = []

    def read() -> None:
        made = open_dump(path, today=TODAY)
        assert made.format == format
        for one in made.records():
            if isinstance(one, Record):
                found.append(one)
            else:
                assert len(one.raw) <= 64 * 1024
                assert one.reason

    assert peak(read) < 5 * ITEM_CAP
    if format != "huggingface-page":
        assert [one.title for one in found] == ["A First Title", "The Last Title"]


def test_a_gzip_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"title": "A Title"}\n')
        for _ in range(150):
            file.write(b"\0" * MIB)
    assert path.stat().st_size < 2 * MIB
    assert peak(lambda: list(open_dump(path, today=TODAY).records())) < 5 * ITEM_CAP


@pytest.mark.parametrize("format", EVERY)
def test_names_within_an_archive_reach_no_disk(format: str, dump: Made, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("../../escaped", "/etc/escaped", "C:\\escaped", "a/../../escaped", "\x1b[2Jescaped", "x" * 3000):
            archive.writestr(name, written(format, "A Title"))
    found = dump(made.getvalue())
    assert found.format == format
    assert len([one for one in found.records() if isinstance(one, Record)]) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


# ------------------------------------------------------------------------------------------------ answers that are errors


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
        '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="badResumptionToken">no</error></OAI-PMH>',
        "<eFetchResult><ERROR>Empty id list - nothing todo</ERROR></eFetchResult>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/api/x</id><entry><id>http://arxiv.org/api/errors#no</id>'
        "<title>Error</title><summary>no</summary></entry></feed>",
        '<rss version="2.0"><channel><title>Error</title></channel></rss><html><body>503</body></html>',
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        "<html><body>429 Too Many Requests</body></html>",
    ],
)
def test_an_error_that_came_with_status_200_is_never_a_paper_nor_a_quiet_day(answer: str, dump: Made) -> None:
    try:
        made = dump(answer)
    except DumpError:
        return
    found = list(made.records())
    assert not any(isinstance(one, Record) for one in found)
    assert made.incomplete or any(isinstance(one, Rejected) for one in found)
