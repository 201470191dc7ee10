"""The table of word vectors, with the document counts of its training corpus.

Stored with four bits a number: each row is quantized to sixteen even steps, of the width that is
best for normally distributed numbers (Max, "Quantizing for minimum distortion", 1960: 0.3352
standard deviations).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.errors import StoreError
from digest.ranking.rows import WORDS

DIMENSIONS = 256

_MAGIC = b"DGV1"
_HEAD = struct.Struct("<4sIII")
#: width of a step in standard deviations
_STEP_WIDTH = 0.3352


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Word vectors; an empty table knows no word."""

    #: feature columns of the words, ascending, shape (words,)
    columns: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    #: number of training papers that have each word, shape (words,), and of all of them
    document_counts: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    papers: int = 0
    #: shape (words, DIMENSIONS)
    vectors: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, DIMENSIONS), np.float32), repr=False
    )
    #: width of the steps that each row was quantized to, shape (words,); None = not quantized
    steps: NDArray[np.float32] | None = field(default=None, repr=False)
    #: name with a checksum of the content; "" of the empty table
    version: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a quantized table as its bytes, an eighth of the numbers."""
        if self.steps is not None:
            return Table.from_bytes, (self.to_bytes(),)
        values = (self.columns, self.document_counts, self.papers, self.vectors, self.version)
        return _restore_table, values

    def to_bytes(self) -> bytes:
        """Quantize and pack the table, 138 bytes a word.

        A table that was read from bytes gives the same bytes again.
        """
        steps = self.steps
        if steps is None:
            deviations = np.sqrt((self.vectors.astype(np.float64) ** 2).mean(axis=1))
            steps = (deviations * _STEP_WIDTH).astype("<f2").astype(np.float32)
        levels = np.floor(self.vectors / np.where(steps > 0, steps, 1)[:, None]) + 8
        nibbles = np.clip(levels, 0, 15).astype(np.uint8)
        packed = nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)
        body = b"".join(
            (
                np.diff(self.columns, prepend=0).astype("<u4").tobytes(),
                self.document_counts.astype("<u4").tobytes(),
                steps.astype("<f2").tobytes(),
                packed.tobytes(),
            )
        )
        head = _HEAD.pack(_MAGIC, len(self.columns), self.papers, zlib.crc32(body))
        return head + body

    @classmethod
    def from_bytes(cls, blob: bytes) -> Table:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are cut off, damaged or something else.
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
        document_counts = np.frombuffer(body, "<u4", words, 4 * words)
        steps = np.frombuffer(body, "<f2", words, 8 * words).astype(np.float32)
        packed = np.frombuffer(body, np.uint8, offset=10 * words).reshape(words, DIMENSIONS // 2)
        vectors = np.empty((words, DIMENSIONS), np.float32)
        vectors[:, 0::2] = packed & 15
        vectors[:, 1::2] = packed >> 4
        vectors -= 7.5
        vectors *= steps[:, None]
        return cls(
            columns=columns.astype(np.int32),
            document_counts=document_counts.astype(np.uint32),
            papers=papers,
            vectors=vectors,
            steps=steps,
            version=f"vectors1-{check:08x}" if words else "",
        )

    def quantized(self) -> Table:
        """Return the table as it will be read back."""
        return Table.from_bytes(self.to_bytes())


def _restore_table(
    columns: NDArray[np.int32],
    document_counts: NDArray[np.uint32],
    papers: int,
    vectors: NDArray[np.float32],
    version: str,
) -> Table:
    return Table(
        columns=columns,
        document_counts=document_counts,
        papers=papers,
        vectors=vectors,
        version=version,
    )


@cache
def load_base_table() -> Table:
    """Load the table that ships with the package; empty if built without one.

    Raises:
        StoreError: the file is damaged.
    """
    file = resources.files("digest.data") / "vectors.bin"
    try:
        return Table.from_bytes(file.read_bytes()) if file.is_file() else Table()
    except ValueError as error:
        raise StoreError(
            f"{file}: {error}. Install the package again; until then `digest vectors train "
            f"--from-nothing` helps"
        ) from error
