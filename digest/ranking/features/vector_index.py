"""The sign codes of all papers, in a form that a file keeps and memory maps.

The codes are only good for finding candidates: words weigh as they did when the index was made,
and what became of a paper since is in the store.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features.sign_codes import CODE_WORDS, encode_signs
from digest.ranking.features.space import Space
from digest.ranking.features.table import DIMENSIONS, Table
from digest.ranking.features.weights import Frequencies
from digest.ranking.features.words import VERSION
from digest.ranking.rows import find_sorted

_MAGIC = b"DGI1"
#: papers at fitting, id of the last record, words, papers, bytes of the version and of the
#: fingerprint; before it stand the magic and a checksum of all that follows
_HEAD = struct.Struct("<QQIIHH")
_HEAD_END = 8 + _HEAD.size


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VectorIndex:
    """Papers and their sign codes in a space that stays as it was fitted."""

    #: of the words and word vectors that the codes were made with
    version: str
    #: papers of the corpus when the space was fitted
    fitted_papers: int
    #: the last record that the index knows, and its fingerprint
    last_record: int
    fingerprint: bytes
    #: of the space, as `Space` has them
    idf: NDArray[np.float32]
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    #: paper ids, ascending, shape (n,), and their codes, shape (CODE_WORDS, n)
    ids: NDArray[np.int64]
    codes: NDArray[np.uint64]

    @classmethod
    def empty(cls, space: Space) -> VectorIndex:
        return cls(
            version=name_version(space.version),
            fitted_papers=space.frequencies.papers,
            last_record=0,
            fingerprint=b"",
            idf=space.idf,
            mean=space.mean,
            whitening=space.whitening,
            ids=np.empty(0, np.int64),
            codes=np.empty((CODE_WORDS, 0), np.uint64),
        )

    def open_space(self, table: Table) -> Space:
        """Return the space of the codes, for dense rows alone.

        Args:
            table: the word vectors of `version`.
        """
        return Space(
            frequencies=Frequencies(),
            table=table,
            idf=self.idf,
            mean=self.mean,
            whitening=self.whitening,
        )

    def add(self, ids: NDArray[np.int64], dense: NDArray[np.float32]) -> VectorIndex:
        """Return the index with these papers added, or replaced.

        Args:
            ids: ascending, shape (m,).
            dense: their dense rows in the space of the index, shape (m, DIMENSIONS).
        """
        kept = ~np.isin(self.ids, ids)
        all_ids = np.concatenate((self.ids[kept], ids))
        codes = np.concatenate((self.codes[:, kept], encode_signs(dense)), axis=1)
        order = np.argsort(all_ids, kind="stable")
        return replace(self, ids=all_ids[order], codes=np.ascontiguousarray(codes[:, order]))

    def find_places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of each paper, -1 where the index does not have it."""
        return find_sorted(self.ids, ids)

    def to_bytes(self) -> bytes:
        version = self.version.encode()
        body = b"".join(
            (
                version,
                self.fingerprint,
                self.idf.astype("<f4").tobytes(),
                self.mean.astype("<f4").tobytes(),
                self.whitening.astype("<f4").tobytes(),
            )
        )
        body += bytes(-(_HEAD_END + len(body)) % 8)  # so that what follows is aligned
        body += self.ids.astype("<i8").tobytes() + self.codes.tobytes()
        rest = _HEAD.pack(
            self.fitted_papers,
            self.last_record,
            len(self.idf),
            len(self.ids),
            len(version),
            len(self.fingerprint),
        )
        content = rest + body
        return _MAGIC + zlib.crc32(content).to_bytes(4, "little") + content

    @classmethod
    def from_buffer(cls, buffer: NDArray[np.uint8]) -> VectorIndex:
        """Read what `to_bytes` wrote, without a copy of ids and codes.

        Raises:
            ValueError: the bytes are cut off, damaged or something else.
        """
        if len(buffer) < _HEAD_END or bytes(buffer[:4]) != _MAGIC:
            raise ValueError("no index of vectors of this version")
        fitted, record, words, papers, version_size, print_size = _HEAD.unpack(
            bytes(buffer[8:_HEAD_END])
        )
        space_start = _HEAD_END + version_size + print_size
        start = space_start + 4 * (words + DIMENSIONS + DIMENSIONS**2)
        start += -start % 8
        if len(buffer) != start + 8 * papers * (1 + CODE_WORDS):
            raise ValueError(f"cut off: {papers} papers do not have {len(buffer)} bytes")
        if zlib.crc32(buffer[8:].data) != int.from_bytes(bytes(buffer[4:8]), "little"):
            raise ValueError("damaged: its checksum differs")
        named = bytes(buffer[_HEAD_END:space_start])
        number = words + DIMENSIONS + DIMENSIONS**2
        numbers = np.frombuffer(bytes(buffer[space_start:start]), "<f4", number)
        ids_end = start + 8 * papers
        return cls(
            version=named[:version_size].decode(),
            fitted_papers=fitted,
            last_record=record,
            fingerprint=named[version_size:],
            idf=numbers[:words].astype(np.float32),
            mean=numbers[words : words + DIMENSIONS].astype(np.float32),
            whitening=numbers[words + DIMENSIONS :]
            .astype(np.float32)
            .reshape(DIMENSIONS, DIMENSIONS),
            ids=buffer[start:ids_end].view("<i8").astype(np.int64, copy=False),
            codes=buffer[ids_end:].view(np.uint64).reshape(CODE_WORDS, papers),
        )


def name_version(vectors: str) -> str:
    """Name the version of words and word vectors that codes are made with."""
    return f"{VERSION} {vectors}"
