"""Presses: which pages were posted already, and which presses are held."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from digest.model import Button, Press
from digest.store.statements import build_insert
from digest.store.tables import feedback, presses

# Statements of every press are built once; building them costs more than running them.
_FORGET = delete(presses).where(presses.c.at < bindparam("before"))
_AROUND = (
    select(presses)
    .where(
        presses.c.subscriber_id == bindparam("reader"),
        presses.c.at.between(bindparam("first"), bindparam("last")),
    )
    .order_by(presses.c.id)
)
_HELD_THUMBS = (
    select(presses)
    .where(
        presses.c.subscriber_id == bindparam("reader"),
        presses.c.button == Button.THUMB.value,
        presses.c.state == "held",
        presses.c.at >= bindparam("since"),
    )
    .order_by(presses.c.id)
)
_VOID_HELD = (
    update(presses)
    .where(
        presses.c.subscriber_id == bindparam("reader"),
        presses.c.button == bindparam("pressed"),
        presses.c.state == "held",
    )
    .values(state="void")
)
_VOID_HELD_OF_PAPER = _VOID_HELD.where(presses.c.paper_id == bindparam("paper"))


def record(
    tx: Connection, subscriber_id: int, press: Press, *, forget_before: datetime
) -> Press | None:
    """Record a press; return None when its page was posted before. Delete old ones."""
    tx.execute(_FORGET, {"before": forget_before})
    values = {
        "subscriber_id": subscriber_id,
        "button": press.button.value,
        "paper_id": press.paper_id,
        "vote": press.vote,
        "previous_vote": press.previous_vote,
        "at": press.at,
        "form": press.form,
        "answers": press.answers,
        "confirms": press.confirms,
        "via": press.via,
        "state": press.state,
    }
    ident = tx.execute(_build_record(tx.dialect.name), values).scalar_one_or_none()
    return None if ident is None else replace(press, id=ident)


@cache
def _build_record(dialect: str) -> Any:
    return build_insert(dialect, presses).on_conflict_do_nothing().returning(presses.c.id)


def find_by_form(tx: Connection, subscriber_id: int, form: str) -> Press | None:
    """Find the press that a page made when it was first posted."""
    row = tx.execute(
        select(presses).where(presses.c.subscriber_id == subscriber_id, presses.c.form == form)
    ).one_or_none()
    return None if row is None else _build_press(row)


def list_around(tx: Connection, subscriber_id: int, at: datetime, window: timedelta) -> list[Press]:
    """List the presses of a reader within a window around a time, in order of arrival."""
    values = {"reader": subscriber_id, "first": at - window, "last": at + window}
    rows = tx.execute(_AROUND, values)
    return [_build_press(row) for row in rows]


def list_held(tx: Connection, subscriber_id: int, *, since: datetime) -> list[Press]:
    """List held thumbs of a reader, oldest first."""
    rows = tx.execute(_HELD_THUMBS, {"reader": subscriber_id, "since": since})
    return [_build_press(row) for row in rows]


def hold(tx: Connection, ids: list[int]) -> None:
    """Hold presses until a person confirms them."""
    tx.execute(
        update(presses)
        .where(presses.c.id.in_(ids), presses.c.state == "counted")
        .values(state="held")
    )


def void_held(
    tx: Connection, subscriber_id: int, button: Button, paper_id: int | None = None
) -> None:
    """Void held presses of a button, since a person has decided."""
    values = {"reader": subscriber_id, "pressed": button.value}
    if paper_id is None:
        tx.execute(_VOID_HELD, values)
    else:
        tx.execute(_VOID_HELD_OF_PAPER, values | {"paper": paper_id})


def find_last_thumb(
    tx: Connection, subscriber_id: int, paper_id: int, *, until: datetime
) -> datetime | None:
    """Find when a thumb on a paper last counted, no later than `until`."""
    pressed = select(func.max(presses.c.at)).where(
        presses.c.subscriber_id == subscriber_id,
        presses.c.paper_id == paper_id,
        presses.c.state == "counted",
        presses.c.at <= until,
    )
    voted = select(feedback.c.at).where(
        feedback.c.subscriber_id == subscriber_id,
        feedback.c.paper_id == paper_id,
        feedback.c.at <= until,
    )
    times = [tx.execute(query).scalar_one_or_none() for query in (pressed, voted)]
    return max((time for time in times if time is not None), default=None)


def _build_press(row: Row[Any]) -> Press:
    values = dict(row._mapping)
    del values["subscriber_id"]
    return Press(**(values | {"button": Button(row.button)}))
