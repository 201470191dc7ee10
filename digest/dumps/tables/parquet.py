"""Parquet files: each row as a line of JSON, so that any format of JSON lines reads it.

Needs pyarrow, the extra `parquet`. Columns of raw bytes or of lists of fractions (embeddings) hold
nothing of a paper and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from digest.dumps.packed import UnpackError

PARQUET: Final = b"PAR1"
#: what to do where pyarrow is missing
MISSING: Final = (
    "it is Parquet, which needs pyarrow: pip install 'digest-of-papers[parquet]', or save it as "
    "CSV or JSON lines"
)
_NO_TEXT: Final = re.compile(
    r"(?:large_|fixed_size_)?(?:binary|list<\w+: (?:half)?(?:float|double))"
)
_ERRORS: Final = (
    OSError,
    ValueError,
    OverflowError,
    TypeError,
    KeyError,
    MemoryError,
    RuntimeError,
)
#: rows that are held at once
_ROWS: Final = 256


def can_read_parquet() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetRows:
    """The rows of a Parquet file as a member of an archive."""

    name: str
    path: Path

    def chunks(self) -> Iterator[bytes]:
        """Yield the rows as lines of JSON.

        Raises:
            UnpackError: After everything that could be read.
        """
        import pyarrow
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path, buffer_size=1024**2) as file:
                fields = [field for field in file.schema_arrow if _may_hold_text(field)]
                schema = pyarrow.schema(
                    # Python knows no nanoseconds.
                    field.with_type(pyarrow.timestamp("ms"))
                    if pyarrow.types.is_timestamp(field.type)
                    else field
                    for field in fields
                )
                for batch in file.iter_batches(_ROWS, columns=schema.names, use_threads=False):
                    for row in batch.cast(schema, safe=False).to_pylist():
                        yield msgspec.json.encode(row, enc_hook=str) + b"\n"
        except (pyarrow.ArrowException, *_ERRORS) as error:
            raise UnpackError(
                f"the Parquet data is damaged or ends early ({str(error)[:200]})"
            ) from error


def _may_hold_text(field: Any) -> bool:
    return _NO_TEXT.match(str(field.type)) is None
