"""Fuzz tests of dumps: damaged bytes raise DumpError and nothing else.

No record makes cleaning fail either. The plain run is short and the same every time. For a long
one, with new damage each time:

    DIGEST_TEST_FUZZ_SECONDS=600 pytest tests/unit/dumps/test_fuzz.py -k "not only"

The mutator then runs for so many seconds over all golden dumps, plain and packed, and hypothesis
tries many more examples. `-k only` gives each format so many seconds of its own. Bytes that fail
are written to the folder for temporary files, and the message names the file.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.dumps import FORMATS, open_dump
from digest.dumps.json_split import Splitter
from digest.dumps.stream import Source
from digest.errors import DumpError
from digest.model import Entry, Record, Rejected, Removal, Skipped
from digest.papers import clean
from tests.examples import examples
from tests.unit.dumps.conftest import GOLDEN, TODAY

SECONDS = float(os.environ.get("DIGEST_TEST_FUZZ_SECONDS") or 0)


def fuzz_examples(count: int) -> int:
    """Return the number of hypothesis examples; a long run multiplies it."""
    return count * (1 + int(SECONDS // 30)) if SECONDS else examples(count)


def zip_bytes(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
        archive.writestr("b", data)
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.compress,
    "zip": zip_bytes,
}
SIGNS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"$",
    b"\xef\xbb\xbf",
    b";",
    b"null",
    b"1e999",
    b"\xe2\x80\xae",
    b"<",
    b">",
    b"&",
    b"/",
    b"<!--",
    b"]]>",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE x [",
    b"@",
    b"@article{",
    b"\nTY  - ",
    b"\nER  - ",
    b"%",
    b"-",
    b"9" * 30,
]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "dump"


def check_survival(file: Path, data: bytes, *formats: str) -> None:
    """Check that opening, reading and cleaning these bytes fails in no unexpected way.

    Also reads them as these formats: where the damage hides the format, another file of it might
    only be damaged further on.
    """
    file.write_bytes(data)
    entries: list[Record | Removal | Skipped | Rejected] = []
    try:
        dump = open_dump(file, today=TODAY)
    except DumpError:
        pass
    else:
        entries += dump.records()
    for format in formats:
        entries += FORMATS[format].read(Source(file, name="2026-06-09", today=TODAY))
    for entry in entries:
        assert entry.line >= 1
        if not isinstance(entry, Record):
            assert entry.reason
            continue
        cleaned = clean(entry, "fuzz")
        if isinstance(cleaned, Entry):
            assert cleaned.title or (entry.fragment and cleaned.identities)
            repr(cleaned).encode()
            f"{cleaned.title}{cleaned.abstract}{cleaned.authors}".encode()
        else:
            assert cleaned.reason


def mutate(data: bytes, dice: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        position, length = dice.randrange(len(out) + 1), dice.randint(0, 40)
        match dice.randrange(6):
            case 0:
                out[position : position + length] = b""
            case 1:
                out[position:position] = dice.choice(SIGNS) * dice.randint(1, 3)
            case 2:
                out[position : position + 1] = bytes([dice.randrange(256)])
            case 3:
                other = dice.randrange(len(out) + 1)
                out[position:position] = out[other : other + length]
            case 4:
                del out[position:]
            case _:
                out[position : position + length] = dice.choice(SIGNS) * dice.randint(1, 200)
    return bytes(out)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize("packed", PACKED)
def test_a_mutated_dump_never_raises(path: Path, packed: str, place: Path) -> None:
    dice = random.Random(f"{path.name} {packed}")  # the same on every run
    data, format = PACKED[packed](path.read_bytes()), open_dump(path, today=TODAY).format
    for _ in range(40 if packed == "plain" else 10):
        check_survival(place, mutate(data, dice), format)


if SECONDS:  # new damage each time, so it is no part of the plain run
    ALL = [(path.name, path.read_bytes(), open_dump(path, today=TODAY).format) for path in GOLDEN]
    SETS = {"every format": ALL} | {
        f"only {name}": [golden for golden in ALL if golden[2] == name]
        for name in sorted({format for _, _, format in ALL})
    }

    @pytest.mark.parametrize("goldens", SETS.values(), ids=list(SETS))
    def test_dumps_mutated_for_as_long_as_asked_never_raise_take_long_or_fill_memory(
        goldens: list[tuple[str, bytes, str]], place: Path
    ) -> None:
        dice = random.Random()
        tried, before, end = 0, peak(), time.monotonic() + SECONDS
        while time.monotonic() < end:
            name, data, format = dice.choice(goldens)
            if dice.random() < 0.1:
                other = dice.choice(goldens)[1]
                data = data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]
            pack = PACKED[dice.choice((*PACKED, "plain", "plain"))]
            data = pack(mutate(data, dice)) if dice.random() < 0.5 else mutate(pack(data), dice)
            began = time.process_time()
            try:
                check_survival(place, data, format)
                assert time.process_time() - began < 10, "it took more than 10 seconds"
                assert peak() - before < 256 * 1024**2, "it took more than 256 MiB"
            except BaseException as error:
                with tempfile.NamedTemporaryFile(prefix=f"fuzz-{name}-", delete=False) as file:
                    file.write(data)
                error.add_note(f"the bytes are in {file.name}")
                raise
            tried += 1
        print(
            f"{tried:,} damaged dumps survived, {(peak() - before) / 1024**2:.0f} MiB more than "
            f"before"
        )


def peak() -> int:
    """Return the peak of bytes that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_dump_cut_anywhere_never_raises_and_keeps_a_prefix(path: Path, place: Path) -> None:
    data = path.read_bytes()
    whole = open_dump(path, today=TODAY)
    records = [entry for entry in whole.records() if isinstance(entry, Record)]
    for end in range(0, len(data), max(17, len(data) // 100)):
        place.write_bytes(data[:end])
        try:
            cut = open_dump(place, today=TODAY, name=path.name)
        except DumpError:
            continue
        cut_records = (
            [entry for entry in cut.records() if isinstance(entry, Record)]
            if cut.format == whole.format
            else []
        )
        # The last record may be shorter if the format cannot know its end.
        assert cut_records[:-1] == records[: max(len(cut_records) - 1, 0)]


@settings(max_examples=fuzz_examples(50))
@given(data=st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_survival(Path(folder) / "dump", data, *FORMATS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["title", "name", "paper", "version", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def golden_rows() -> Iterator[dict[str, Any]]:
    """Yield every JSON object with more than three keys of the golden dumps."""
    for path in GOLDEN:
        if path.suffix in (".json", ".jsonl"):
            for _, data, whole in Splitter().split(iter((path.read_bytes(),))):
                try:
                    values = [json.loads(data or b"") if whole else None]
                except ValueError:
                    continue
                while values:
                    value = values.pop()
                    values += (
                        value.values()
                        if isinstance(value, dict)
                        else value
                        if isinstance(value, list)
                        else ()
                    )
                    if isinstance(value, dict) and len(value) > 3:
                        yield value


ROWS = list(golden_rows())
DAMAGED = st.sampled_from(ROWS).flatmap(
    lambda row: st.dictionaries(st.sampled_from(sorted(row)), JSON, max_size=4).map(
        lambda other: row | other
    )
)


@settings(max_examples=fuzz_examples(50))
@given(
    rows=st.lists(DAMAGED, min_size=1, max_size=3),
    around=st.sampled_from(["", "[", "items", "results", "collection", "data", "message"]),
)
def test_rows_of_any_types_can_be_read(rows: list[dict[str, object]], around: str) -> None:
    text = (
        json.dumps(rows if around == "[" else {around: rows})
        if around
        else "\n".join(map(json.dumps, rows))
    )
    with tempfile.TemporaryDirectory() as folder:
        check_survival(Path(folder) / "dump", text.encode("utf-8", "surrogatepass"), *FORMATS)


JSON_SIGNS = [
    '{"a":1}',
    '{"b":["]",{}]}',
    "[",
    "]",
    ",",
    '"x',
    '"',
    "\\",
    " ",
    "5",
    "{",
    "}",
    '"k":',
    '"k":[',
    "[" * 12,
    "]" * 10,
    '"\\"',
]


@settings(max_examples=fuzz_examples(300))
@given(data=st.lists(st.sampled_from(JSON_SIGNS), max_size=14), size=st.integers(1, 9))
def test_where_the_chunks_end_does_not_matter(data: list[str], size: int) -> None:
    whole = "".join(data).encode()
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    for under in ((), ("k",)):
        assert list(Splitter(*under).split(iter(pieces))) == list(
            Splitter(*under).split(iter((whole,)))
        )


@pytest.mark.parametrize(
    "path",
    [path for path in GOLDEN if path.suffix in (".json", ".jsonl")],
    ids=lambda path: path.name,
)
def test_where_the_chunks_of_a_dump_end_does_not_matter(path: Path) -> None:
    whole = path.read_bytes()
    for under in ((), ("items", "results", "collection", "data")):
        expected = list(Splitter(*under).split(iter((whole,))))
        for size in (1, 7, 64, 1000):
            pieces = (whole[at : at + size] for at in range(0, len(whole), size))
            assert list(Splitter(*under).split(pieces)) == expected
