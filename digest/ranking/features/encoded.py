"""An encoder's numbers -> further columns of the rows, behind those of the own word vectors:
whitened by the corpus and weighed like them.

An encoder reads whole sentences, so what its columns add cannot be told word by word: a reason
names the liked paper that is nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.space import SPREAD_OUT, whitening_of

#: what the encoder's columns count beside the words
ENCODED = 0.6
#: of the recent papers, the part that must be encoded: else those that are not would rank low for
#: that alone
COVERED = 0.95

_KEPT = "<f2"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Encoding:
    """How a corpus's papers lie in an encoder's space; made once a round."""

    version: str
    #: mean of recent papers, shape (dimensions,), and what whitens them, shape (dimensions,
    #: dimensions)
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]

    def beside(self, rows: sp.csr_matrix, vectors: NDArray[np.float32]) -> sp.csr_matrix:
        """The rows, shape (n, columns), with the encoder's columns behind them, of length
        sqrt(ENCODED).

        `vectors` are what the encoder made of the same papers, shape (n, dimensions); a row of
        zeros = not encoded, and stays one.
        """
        white = np.asarray((vectors - self.mean) @ self.whitening, dtype=np.float32)
        white[~vectors.any(axis=1)] = 0
        lengths = np.linalg.norm(white, axis=1, keepdims=True)
        white *= np.float32(np.sqrt(ENCODED)) / np.where(lengths > 0, lengths, 1)
        return sp.hstack((rows, sp.csr_matrix(white)), format="csr", dtype=np.float32)

    def without(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        """The rows with as many columns, of texts that were not encoded."""
        return sp.csr_matrix(
            (rows.data, rows.indices, rows.indptr),
            shape=(rows.shape[0], rows.shape[1] + len(self.mean)),
        )


def encoding(version: str, vectors: NDArray[np.float32]) -> Encoding | None:
    """From what an encoder made of about 1,000 recent papers, shape (n, dimensions); None where too
    few of them are encoded yet.
    """
    some = vectors[vectors.any(axis=1)] if len(vectors) else vectors
    if len(some) < COVERED * len(vectors) or len(some) < SPREAD_OUT:
        return None
    mean = some.mean(axis=0)
    return Encoding(version=version, mean=mean, whitening=whitening_of(some - mean))


def pack_encoded(vectors: NDArray[np.float32]) -> list[bytes]:
    """Each row as bytes, two a number."""
    return [row.tobytes() for row in vectors.astype(_KEPT)]


def unpack_encoded(blobs: list[bytes | None], dimensions: int) -> NDArray[np.float32]:
    """Rows that `pack_encoded` packed, shape (len(blobs), dimensions); None, and what is no such
    row, is a row of zeros.
    """
    rows = np.zeros((len(blobs), dimensions), dtype=np.float32)
    for number, blob in enumerate(blobs):
        if blob is not None and len(blob) == 2 * dimensions:
            rows[number] = np.nan_to_num(np.frombuffer(blob, _KEPT))
    return rows
