"""Rows of word counts <-> bytes, as the store holds them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking.rows import COLUMNS

#: version of the format
_PACKED = 1
_HEAD = struct.Struct("<BI")
#: a gap between columns that continues in the next 16 bits
_LONG_GAP = 0xFFFF


def pack(rows: sp.csr_matrix) -> list[bytes]:
    """Pack each row of counts as bytes, about three a word.

    The bytes are a version, the number of columns, the gaps between columns (16 bits each; 65535 =
    continued in the next), and the counts, of which those above 255 become 255.

    Raises:
        ValueError: the rows do not have COLUMNS columns.
    """
    if rows.shape[1] != COLUMNS:
        raise ValueError(f"packed are rows of {COLUMNS} columns, got the shape {rows.shape}")
    ordered = rows.sorted_indices()
    starts = ordered.indptr.tolist()
    counts = np.clip(ordered.data, 1, 255).astype(np.uint8).tobytes()
    gaps, gap_starts = _pack_gaps(ordered)
    return [
        _HEAD.pack(_PACKED, end - start) + gaps[gap_start:gap_end] + counts[start:end]
        for start, end, gap_start, gap_end in zip(
            starts, starts[1:], gap_starts, gap_starts[1:], strict=False
        )
    ]


def _pack_gaps(ordered: sp.csr_matrix) -> tuple[bytes, list[int]]:
    """Pack the gaps of all rows at once; return where those of each row begin, and the end."""
    gaps = np.diff(ordered.indices, prepend=0)
    firsts = ordered.indptr[:-1][np.diff(ordered.indptr) > 0]
    gaps[firsts] = ordered.indices[firsts]
    jumps = gaps // _LONG_GAP
    ends = np.cumsum(jumps + 1)
    packed = np.full(ends[-1] if len(ends) else 0, _LONG_GAP, dtype="<u2")
    packed[ends - 1] = gaps % _LONG_GAP
    starts = np.concatenate(([0], ends))[ordered.indptr] * packed.itemsize
    return packed.tobytes(), starts.tolist()


def unpack(blobs: Sequence[bytes]) -> sp.csr_matrix:
    """Read the counts of packed rows, shape (len(blobs), COLUMNS).

    Raises:
        ValueError: some bytes were not made by `pack`.
    """
    columns: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.uint8]] = []
    for number, blob in enumerate(blobs):
        try:
            row = _unpack(blob)
        except (ValueError, struct.error) as error:
            raise ValueError(
                f"packed words {number + 1} of {len(blobs)} cannot be read ({len(blob)} bytes): "
                f"{error}"
            ) from error
        columns.append(row[0])
        counts.append(row[1])
    if not columns:
        return sp.csr_matrix((0, COLUMNS), dtype=np.int32)
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in columns]))).astype(np.int32)
    return sp.csr_matrix(
        (np.concatenate(counts).astype(np.int32), np.concatenate(columns), indptr),
        shape=(len(blobs), COLUMNS),
    )


def is_readable(blob: bytes) -> bool:
    """Return whether `unpack` can read a packed row."""
    try:
        _unpack(blob)
    except (ValueError, struct.error):
        return False
    return True


def _unpack(blob: bytes) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    version, number = _HEAD.unpack_from(blob)
    if version != _PACKED:
        raise ValueError(f"version {version}, this program reads {_PACKED}")
    room = len(blob) - _HEAD.size - number
    if room < 2 * number or room % 2:
        raise ValueError(f"{number} columns do not fit")
    gaps = np.frombuffer(blob, dtype="<u2", count=room // 2, offset=_HEAD.size).astype(np.int64)
    counts = np.frombuffer(blob, dtype=np.uint8, count=number, offset=_HEAD.size + room)
    columns = np.cumsum(gaps)[gaps != _LONG_GAP]
    if len(columns) != number or (
        number and (columns[-1] >= COLUMNS or not counts.all() or (np.diff(columns) <= 0).any())
    ):
        raise ValueError("columns out of order or out of range")
    return columns.astype(np.int32), counts
