"""Encoder vectors -> dense columns after those of the word vectors.

They are whitened by the corpus like the word vectors. An encoder reads whole sentences, so what its
columns add cannot be explained word by word: a reason names the nearest liked paper instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.features.space import MIN_COVARIANCE_PAPERS, whitening_matrix

#: squared length of the encoder's columns; that of the words is 1
ENCODER_WEIGHT = 0.6
#: part of the recent papers that must be encoded, or papers would rank low for being not encoded
MIN_COVERAGE = 0.95

_STORED_TYPE = "<f2"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Encoding:
    """Turns an encoder's vectors into columns; fitted to a corpus once a round."""

    version: str
    #: mean of recent papers, shape (dimensions,), and the matrix that whitens them, shape
    #: (dimensions, dimensions)
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]

    def append_columns(self, rows: sp.csr_matrix, vectors: NDArray[np.float32]) -> sp.csr_matrix:
        """Return rows with the encoder's columns, of length sqrt(ENCODER_WEIGHT).

        Args:
            rows: shape (n, columns).
            vectors: the encoder's vectors of the same papers, shape (n, dimensions); a row of
                zeros = not encoded, and gets columns of zeros.
        """
        white = np.asarray((vectors - self.mean) @ self.whitening, dtype=np.float32)
        white[~vectors.any(axis=1)] = 0
        norms = np.linalg.norm(white, axis=1, keepdims=True)
        white *= np.float32(np.sqrt(ENCODER_WEIGHT)) / np.where(norms > 0, norms, 1)
        return sp.hstack((rows, sp.csr_matrix(white)), format="csr", dtype=np.float32)

    def append_zeros(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        """Return the rows of texts that were not encoded, with as many columns."""
        return sp.csr_matrix(
            (rows.data, rows.indices, rows.indptr),
            shape=(rows.shape[0], rows.shape[1] + len(self.mean)),
        )


def fit_encoding(version: str, vectors: NDArray[np.float32]) -> Encoding | None:
    """Fit an encoding to about 1,000 recent papers; None while too few are encoded.

    Args:
        version: the version of the encoder.
        vectors: its vectors of these papers, shape (n, dimensions); a row of zeros = not encoded.
    """
    encoded = vectors[vectors.any(axis=1)] if len(vectors) else vectors
    if len(encoded) < max(MIN_COVERAGE * len(vectors), MIN_COVARIANCE_PAPERS):
        return None
    mean = encoded.mean(axis=0)
    return Encoding(version=version, mean=mean, whitening=whitening_matrix(encoded - mean))


def pack_encoded(vectors: NDArray[np.float32]) -> list[bytes]:
    """Pack each row as bytes, two a number."""
    return [row.tobytes() for row in vectors.astype(_STORED_TYPE)]


def unpack_encoded(blobs: list[bytes | None], dimensions: int) -> NDArray[np.float32]:
    """Read rows that `pack_encoded` packed, shape (len(blobs), dimensions).

    None, and bytes of another length, give a row of zeros.
    """
    rows = np.zeros((len(blobs), dimensions), dtype=np.float32)
    for number, blob in enumerate(blobs):
        if blob is not None and len(blob) == 2 * dimensions:
            rows[number] = np.nan_to_num(np.frombuffer(blob, _STORED_TYPE))
    return rows
