"""Reports of past runs of each verb, for `digest status`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from digest.store.tables import rounds


def record(
    tx: Connection, verb: str, *, at: datetime, report: dict[str, Any], error: str = ""
) -> None:
    tx.execute(rounds.insert().values(verb=verb, at=at, report=report, error=error))


def find_last_success(tx: Connection, verb: str) -> datetime | None:
    """Find when a verb last ran without an error; None where it never did."""
    return tx.execute(
        select(rounds.c.at)
        .where(rounds.c.verb == verb, rounds.c.error == "")
        .order_by(rounds.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def load_latest(tx: Connection, verb: str) -> dict[str, Any] | None:
    """Load the newest run of a verb: at, report, error."""
    row = tx.execute(
        select(rounds).where(rounds.c.verb == verb).order_by(rounds.c.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else {"at": row.at, "report": row.report, "error": row.error}
