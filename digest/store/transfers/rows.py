"""Rows as lines of JSON that mean the same in every database."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    column,
    table,
)
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.types import TypeDecorator, TypeEngine

from digest.store.tables import Instant

Kind = Literal["integer", "float", "boolean", "text", "bytes", "json", "date", "instant"]

#: in this order, since some types are special cases of others
_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "float"),
    (String, "text"),
    (LargeBinary, "bytes"),
    (JSON, "json"),
    (Date, "date"),
    (DateTime, "instant"),
)
_TYPES: dict[Kind, TypeEngine[Any]] = {
    "integer": BigInteger(),
    "float": Float(),
    "boolean": Boolean(),
    "text": Text(),
    "bytes": LargeBinary(),
    "json": JSON(),
    "date": Date(),
    "instant": Instant(),
}
#: what JSON has no value for
_READERS: dict[Kind, Callable[[Any], Any]] = {
    "float": float,
    "bytes": base64.b64decode,
    "date": date.fromisoformat,
    "instant": datetime.fromisoformat,
}
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[Any])


def list_kinds(of: Table) -> dict[str, Kind]:
    """List the columns of a table with their kinds, in order."""
    return {found.name: _find_kind(found.type) for found in of.columns}


def _find_kind(of: TypeEngine[Any]) -> Kind:
    plain = of.impl_instance if isinstance(of, TypeDecorator) else of
    return next(kind for type_, kind in _KINDS if isinstance(plain, type_))


def make_table(name: str, kinds: dict[str, Kind]) -> TableClause:
    """Make a table for statements from the kinds of its columns, whatever its schema."""
    return table(name, *(column(key, _TYPES[kind]) for key, kind in kinds.items()))


def encode_row(values: Sequence[Any], floats: Sequence[int]) -> bytes:
    """Encode a row as a line.

    Args:
        values: in the order of the columns.
        floats: places of numbers that may be infinite or none, for which JSON has no value.
    """
    if any(values[place] is not None and not math.isfinite(values[place]) for place in floats):
        values = [
            str(value) if place in floats and value is not None else value
            for place, value in enumerate(values)
        ]
    return _ENCODER.encode(list(values)) + b"\n"


def decode_row(line: bytes, kinds: dict[str, Kind]) -> dict[str, Any]:
    """Decode a line as values by column.

    Raises:
        ValueError: it is no row of these columns.
    """
    values = _DECODER.decode(line)
    return {
        name: value if value is None or kind not in _READERS else _READERS[kind](value)
        for (name, kind), value in zip(kinds.items(), values, strict=True)
    }
