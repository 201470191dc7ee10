"""Instants are aware and UTC; days are local dates. Nothing here reads a clock."""

from __future__ import annotations

from datetime import datetime


def check_instant(name: str, value: datetime | None) -> None:
    """Refuse a naive time: it would count as local time of the machine."""
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{name} must be an aware time, got naive {value!r}")
