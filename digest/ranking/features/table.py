"""The table of word vectors: which words it knows, how common they were where it was trained, and
what they mean as numbers.

Written with four bits a number: sixteen even steps a row, as wide as suits numbers that are spread
like a bell (Max, "Quantizing for minimum distortion", 1960: 0.3352 standard deviations a step).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from digest.errors import StoreError
from digest.ranking.rows import WORDS

DIMENSIONS = 256

_MAGIC = b"DGV1"
_HEAD = struct.Struct("<4sIII")
_STEP = 0.3352


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Word vectors; an empty one knows no word."""

    #: the words' columns of the features, ascending, shape (words,)
    columns: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    #: in how many papers of the training each occurred, shape (words,), and of how many
    seen: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    papers: int = 0
    #: shape (words, DIMENSIONS)
    numbers: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, DIMENSIONS), np.float32), repr=False
    )
    #: width of the steps that each row was rounded to, shape (words,); None = not rounded yet
    steps: NDArray[np.float32] | None = field(default=None, repr=False)
    #: name of these very numbers; "" of the empty table
    version: str = ""

    def to_bytes(self) -> bytes:
        """About 138 bytes a word.

        Reading it back gives the nearest of sixteen values for each number, and the same bytes
        again.
        """
        steps = self.steps
        if steps is None:
            lengths = np.sqrt((self.numbers.astype(np.float64) ** 2).mean(axis=1))
            steps = (lengths * _STEP).astype("<f2").astype(np.float32)
        levels = np.floor(self.numbers / np.where(steps > 0, steps, 1)[:, None]) + 8
        nibbles = np.clip(levels, 0, 15).astype(np.uint8)
        packed = nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)
        body = b"".join(
            (
                np.diff(self.columns, prepend=0).astype("<u4").tobytes(),
                self.seen.astype("<u4").tobytes(),
                steps.astype("<f2").tobytes(),
                packed.tobytes(),
            )
        )
        head = _HEAD.pack(_MAGIC, len(self.columns), self.papers, zlib.crc32(body))
        return head + body

    @classmethod
    def from_bytes(cls, blob: bytes) -> Table:
        """The table that `to_bytes` wrote.

        Raises ValueError for one that is cut off, damaged or of another kind.
        """
        if len(blob) < _HEAD.size or blob[:4] != _MAGIC:
            raise ValueError(
                f"no word vectors of this version ({len(blob)} bytes that begin with {blob[:4]!r})"
            )
        _, words, papers, check = _HEAD.unpack_from(blob)
        body = memoryview(blob)[_HEAD.size :]
        if len(body) != words * (10 + DIMENSIONS // 2):
            raise ValueError(
                f"word vectors are cut off: {words} words in {len(body)} bytes, "
                f"{words * (10 + DIMENSIONS // 2)} needed"
            )
        if zlib.crc32(body) != check:
            raise ValueError("word vectors are damaged: their checksum differs")
        columns = np.cumsum(np.frombuffer(body, "<u4", words).astype(np.int64))
        if words and columns[-1] >= WORDS:
            raise ValueError(f"word vectors are damaged: column {int(columns[-1])} of {WORDS}")
        seen = np.frombuffer(body, "<u4", words, 4 * words)
        steps = np.frombuffer(body, "<f2", words, 8 * words).astype(np.float32)
        packed = np.frombuffer(body, np.uint8, offset=10 * words).reshape(words, DIMENSIONS // 2)
        numbers = np.empty((words, DIMENSIONS), np.float32)
        numbers[:, 0::2] = packed & 15
        numbers[:, 1::2] = packed >> 4
        numbers -= 7.5
        numbers *= steps[:, None]
        return cls(
            columns=columns.astype(np.int32),
            seen=seen.astype(np.uint32),
            papers=papers,
            numbers=numbers,
            steps=steps,
            version=f"vectors1-{check:08x}" if words else "",
        )

    def rounded(self) -> Table:
        """The table as it is read back."""
        return Table.from_bytes(self.to_bytes())


@cache
def base() -> Table:
    """The table that ships with the package; empty where the package was built without one.

    Raises:
        StoreError: the file is damaged.
    """
    found = resources.files("digest.data") / "vectors.bin"
    try:
        return Table.from_bytes(found.read_bytes()) if found.is_file() else Table()
    except ValueError as error:
        raise StoreError(
            f"{found}: {error}. Install the package again; until then `digest vectors train "
            f"--from-nothing` helps"
        ) from error
