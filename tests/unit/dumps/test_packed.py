"""Packed dumps: zstd and zip are read in bounded steps.

Damage and traps are reasons, not errors.
"""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from digest.dumps import open_dump, packed
from digest.errors import DumpError
from digest.model import Rejected, Skipped
from tests.unit.dumps.conftest import FOLDER, GOLDEN, TODAY, MakeDump, titles

ROW = '{{"title": "Title {0}", "arxiv": "2606.{0:05}"}}\n'


def rows(*numbers: int) -> bytes:
    return "".join(map(ROW.format, numbers)).encode()


def make_zip(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "pack",
    [zstandard.compress, lambda data: make_zip(("2026/a-member", data))],
    ids=["zstd", "zip"],
)
def test_a_packed_dump_gives_the_same_records(
    path: Path, pack: Callable[[bytes], bytes], make_dump: MakeDump
) -> None:
    plain, other = open_dump(path, today=TODAY), make_dump(pack(path.read_bytes()), name=path.name)
    assert other.format == plain.format
    if path.suffix != ".txt":  # a page without a year takes it from the name of the file
        assert list(other.records()) == list(plain.records())
        assert (other.incomplete is None) == (plain.incomplete is None)
        assert other.bytes_read == other.size


def test_frames_of_zstd_may_follow_each_other(make_dump: MakeDump) -> None:
    dump = make_dump(zstandard.compress(rows(1)) + zstandard.compress(rows(2)))
    assert titles(dump) == ["Title 1", "Title 2"]
    assert dump.incomplete is None


def test_truncated_zstd_gives_what_is_there_and_is_incomplete(make_dump: MakeDump) -> None:
    data = zstandard.compress(rows(*range(20_000)))
    dump = make_dump(data[: len(data) // 2])
    assert 100 < len(titles(dump)) < 20_000
    assert dump.incomplete == "the zstd data ends early: the file is not whole"


def test_damaged_zstd_gives_a_reason(make_dump: MakeDump) -> None:
    data = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(rows(*range(20_000))))
    data[len(data) // 2] ^= 0xFF
    dump = make_dump(bytes(data))
    list(dump.records())
    assert dump.incomplete
    assert dump.incomplete.startswith("the zstd data is damaged")


def test_zstd_that_asks_for_too_much_memory_is_rejected(make_dump: MakeDump) -> None:
    wide = zstandard.ZstdCompressionParameters.from_level(1, window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    with pytest.raises(DumpError, match="needs too much memory"):
        make_dump(compressor.compress(rows(1)) + compressor.flush())


@pytest.mark.parametrize(
    "pack",
    [zstandard.compress, lambda data: make_zip(("a", data), how=zipfile.ZIP_DEFLATED)],
    ids=["zstd", "zip"],
)
def test_a_decompression_bomb_is_abandoned_at_its_cap(
    pack: Callable[[bytes], bytes], make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_FREE_SIZE", 64 * 1024**2)
    dump = make_dump(pack(rows(1) + b" " * 200 * 1024**2 + rows(2)))
    assert titles(dump)[:1] == ["Title 1"]
    assert dump.incomplete
    assert "unpacks to more than 500 times its size" in dump.incomplete


def test_members_of_a_zip_are_read_in_the_order_of_their_names(make_dump: MakeDump) -> None:
    dump = make_dump(
        make_zip(
            ("b.jsonl", rows(3)),
            ("a.jsonl", rows(1, 2)),
            ("folder/", b""),
            ("__MACOSX/a.jsonl", b"x"),
            (".hidden", b"x"),
        )
    )
    assert dump.format == "jsonl"
    assert titles(dump) == ["Title 1", "Title 2", "Title 3"]
    assert [entry.line for entry in dump.records()] == [1, 2, 3]


def test_a_bad_record_in_a_zip_names_its_member(make_dump: MakeDump) -> None:
    dump = make_dump(make_zip(("a.jsonl", rows(1)), ("b.jsonl", rows(2) + b"{oops}\n")))
    (bad,) = (entry for entry in dump.records() if isinstance(entry, Rejected))
    assert bad.line == 3
    assert bad.reason.startswith("b.jsonl, line 2: no valid JSON")


def test_members_of_another_format_or_none_are_skipped_and_named(make_dump: MakeDump) -> None:
    other = (FOLDER / "arxiv-snapshot.jsonl").read_bytes()
    dump = make_dump(
        make_zip(
            ("a.jsonl", rows(1)),
            ("b.jsonl", other),
            ("c.bin", b"\x01\x02"),
            ("d", b""),
            ("z.jsonl", rows(2)),
        )
    )
    assert titles(dump) == ["Title 1", "Title 2"]
    assert [entry.reason for entry in dump.records() if isinstance(entry, Skipped)] == [
        "a file in the archive is of the format arxiv-snapshot, the others are jsonl: b.jsonl",
        "a file in the archive is of no known format: c.bin",
    ]


def test_a_member_that_climbs_out_of_its_folder_is_only_read(
    make_dump: MakeDump, tmp_path: Path
) -> None:
    dump = make_dump(make_zip(("../../escaped.jsonl", rows(1)), ("/etc/escaped.jsonl", rows(2))))
    assert titles(dump) == ["Title 1", "Title 2"]
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_nested_archives_and_encrypted_members_are_rejected(make_dump: MakeDump) -> None:
    for inner in (gzip.compress(rows(1)), make_zip(("a", rows(1))), zstandard.compress(rows(1))):
        with pytest.raises(DumpError, match="archive or packed file within the archive"):
            make_dump(make_zip(("a", inner)))
    data = bytearray(make_zip(("a.jsonl", rows(1))))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DumpError, match="it is encrypted"):
        make_dump(bytes(data))


def test_a_member_of_a_zip_without_a_name_is_read(make_dump: MakeDump) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        nameless = zipfile.ZipInfo("a")
        nameless.filename = ""
        archive.writestr(nameless, rows(1))
    assert len(list(make_dump(buffer.getvalue()).records())) == 1


def test_a_zip_without_content_is_empty(make_dump: MakeDump) -> None:
    for members in ((), (("a", b""),)):
        dump = make_dump(make_zip(*members))
        assert dump.format == "empty"
        assert list(dump.records()) == []


def test_a_truncated_zip_is_refused_and_a_damaged_member_reported(make_dump: MakeDump) -> None:
    data = make_zip(("a.jsonl", rows(*range(20_000))), ("b.jsonl", rows(1)))
    with pytest.raises(DumpError, match="the zip archive is damaged"):
        make_dump(data[:-30])
    at = len(data) // 2
    dump = make_dump(
        data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + 30]) + data[at + 30 :]
    )
    assert "Title 1" in titles(dump)[-1]
    assert dump.incomplete
    assert dump.incomplete.startswith("a.jsonl: the zip data is damaged")


def test_a_zip_with_too_many_members_is_rejected(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_DIRECTORY_CAP", 1000)
    with pytest.raises(DumpError, match="too many members"):
        make_dump(make_zip(*((f"{number}.jsonl", b"") for number in range(50))))


def test_tar_and_doubly_packed_files_are_refused_with_what_to_do(make_dump: MakeDump) -> None:
    dump = io.BytesIO()
    with tarfile.open(fileobj=dump, mode="w") as archive:
        archive.add(FOLDER / "plain.csv", arcname="plain.csv")
    for data in (
        dump.getvalue(),
        gzip.compress(dump.getvalue()),
        zstandard.compress(dump.getvalue()),
    ):
        with pytest.raises(DumpError, match="it is a tar archive: unpack it first"):
            make_dump(data)
    with pytest.raises(DumpError, match="it is packed twice"):
        make_dump(gzip.compress(gzip.compress(rows(1))))


@pytest.mark.parametrize("how", ["zstd", "deflate", "lzma", "bzip2"])
def test_damage_anywhere_never_raises(how: str, make_dump: MakeDump) -> None:
    methods = {
        "deflate": zipfile.ZIP_DEFLATED,
        "lzma": zipfile.ZIP_LZMA,
        "bzip2": zipfile.ZIP_BZIP2,
    }
    plain = (FOLDER / "plain.jsonl").read_bytes()
    data = (
        zstandard.compress(plain)
        if how == "zstd"
        else make_zip(("a", plain), ("b", plain), how=methods[how])
    )
    dice = random.Random(how)
    for _ in range(300):
        bad = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        if dice.random() < 0.3:
            del bad[dice.randrange(len(bad)) :]
        try:
            dump = make_dump(bytes(bad))
        except DumpError:
            continue
        list(dump.records())
