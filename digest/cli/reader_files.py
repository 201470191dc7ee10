"""Readers as rows of a file: written by `subscribers`, read by `subscribe --file`.

Lists are arrays in JSON; in .csv their items are separated by ";", keywords and categories also by
commas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from digest.cli.row_files import BadRow, read_rows
from digest.model import (
    Interest,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)

if TYPE_CHECKING:
    from digest.subscriptions import SubscriptionRequest


class _Suppressed(msgspec.Struct):
    """Why an address gets no mail, as a row states it."""

    reason: SuppressionReason
    since: str
    evidence: str = ""
    before: SubscriberStatus | None = None


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    raise ValueError("must be a whole number")


def _number_or_word(value: Any) -> int | str:
    return (
        value.strip() if isinstance(value, str) and not value.strip().isdigit() else _number(value)
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004  (one kind of error for a bad field)
    return value


def _list(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError("must be a list of texts")


def _keywords(value: Any) -> tuple[str, ...]:
    from digest.subscriptions import split_words

    return split_words(value) if isinstance(value, str) else _list(value)


def _days(value: Any) -> tuple[int, ...]:
    # commas are allowed too, as in `--days`
    items = value.replace(",", ";").split(";") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be a list of weekdays, 1 = Monday")  # noqa: TRY004
    return tuple(_number(item) for item in items)


def _interests(value: Any) -> tuple[Interest, ...]:
    try:
        interests = (
            msgspec.json.decode(value, type=tuple[Interest, ...])
            if isinstance(value, str)
            else msgspec.convert(value, tuple[Interest, ...])
        )
    except msgspec.DecodeError as error:  # ValidationError too
        raise ValueError(
            f'must be a list like [{{"name": "robots", "share": 2, "keywords": ["grasping"]}}] '
            f"({error})"
        ) from None
    fields = set(Interest.__dataclass_fields__)
    values = msgspec.json.decode(value) if isinstance(value, str) else value
    if unknown := sorted({key for item in values for key in item} - fields):
        raise ValueError(
            f"{unknown[0]!r} is unknown; an interest has {', '.join(Interest.__dataclass_fields__)}"
        )
    return interests


def _status(value: Any) -> SubscriberStatus:
    try:
        return SubscriberStatus(value.strip().lower() if isinstance(value, str) else value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(SubscriberStatus)}") from None


def _instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(value).strip())
    except ValueError:
        raise ValueError("must be a time such as 2026-06-09T07:00:00+00:00") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _suppression(value: Any) -> Suppression:
    try:
        stated = (
            msgspec.json.decode(value, type=_Suppressed)
            if isinstance(value, str)
            else msgspec.convert(value, _Suppressed)
        )
    except msgspec.DecodeError as error:  # ValidationError too
        raise ValueError(
            'must be an object like {"reason": "hard", "since": "2026-06-09T07:00:00+00:00", '
            f'"evidence": "550 no such user"}} ({error})'
        ) from None
    return Suppression(
        address="",  # the row's
        reason=stated.reason,
        since=_instant(stated.since),
        evidence=stated.evidence,
        before=stated.before,
    )


def _origin(value: Any) -> str:
    if value not in _ORIGINS:
        raise ValueError(f"must be one of {', '.join(_ORIGINS)}")
    return str(value)


#: how a reader can have subscribed
_ORIGINS = ("command", "file", "config", "page", "api", "key")

#: column -> function that parses its value
COLUMNS: Mapping[str, Callable[[Any], Any]] = {
    "email": _text,
    "name": _text,
    "timezone": _text,
    "hour": _number,
    "days": _days,
    "size": _number,
    "strictness": _number_or_word,
    "threshold": _number_or_word,
    "quiet_days": _text,
    "language": _text,
    "interest": _text,
    "share": _number,
    "keywords": _keywords,
    "categories": _keywords,
    "authors": _list,
    "papers": _list,
    "text": _text,
    "interests": _interests,
    "standing": _status,
    "suppression": _suppression,
    "created": _instant,
    "origin": _origin,
}


#: columns of an exported .csv; `interests` says all that those of one interest would
EXPORTED = (
    "email",
    "name",
    "standing",
    "timezone",
    "hour",
    "days",
    "size",
    "strictness",
    "quiet_days",
    "language",
    "interests",
    "suppression",
    "created",
    "origin",
)


def read_readers(path: Path) -> Iterator[tuple[int, SubscriptionRequest] | BadRow]:
    """Yield each row with its line number. Raises the errors of `read_rows`."""
    for row in read_rows(path, tuple(COLUMNS), needed="email"):
        yield row if isinstance(row, BadRow) else _parse_row(*row)


def _parse_row(line: int, row: Mapping[str, Any]) -> tuple[int, SubscriptionRequest] | BadRow:
    from digest.subscriptions import SubscriptionRequest

    values = {}
    for name, value in row.items():
        try:
            values["status" if name == "standing" else name] = COLUMNS[name](value)
        except ValueError as error:
            return BadRow(line=line, reason=f"{name} = {value!r}: {error}")
    stopped = (SubscriberStatus.SUPPRESSED, SubscriberStatus.LEFT)
    if "suppression" in values and values.get("status") not in stopped:
        return BadRow(
            line=line,
            reason="suppression: only who has the standing suppressed or left can have one; "
            "change the standing, or delete it",
        )
    return line, SubscriptionRequest(**values)


def exported_values(
    subscriber: Subscriber, *, origin: str, suppression: Suppression | None
) -> dict[str, object]:
    """Return everything that a row says of a reader; the keys are those of COLUMNS."""
    values = subscriber_values(subscriber)
    if suppression is not None:
        values["suppression"] = {
            "reason": suppression.reason.value,
            "since": suppression.since,
            "evidence": suppression.evidence,
            "before": suppression.before.value if suppression.before else None,
        }
    return values | {"created": subscriber.created, "origin": origin}


def exported_cells(values: Mapping[str, object]) -> dict[str, str]:
    """Return the values of a reader as cells of a .csv, by column.

    `EXPORTED` names the columns; interests and suppressions are JSON within their cell.
    """
    plain = msgspec.to_builtins(values)
    cells = {name: plain.get(name, "") for name in EXPORTED}
    cells["days"] = ";".join(map(str, plain["days"]))
    for name in ("interests", "suppression"):
        cells[name] = msgspec.json.encode(plain[name]).decode() if name in plain else ""
    return {name: str(cell) for name, cell in cells.items()}


def subscriber_values(s: Subscriber) -> dict[str, object]:
    """A subscriber as plain values, for JSON."""
    return {
        "email": s.email,
        "name": s.name,
        "standing": s.status.value,
        "timezone": s.timezone,
        "hour": s.hour,
        "days": list(s.days),
        "size": s.size,
        "strictness": s.strictness,
        "threshold": s.threshold,
        "quiet_days": s.quiet_days,
        "language": s.language,
        "interests": [
            {
                "name": i.name,
                "share": i.share,
                "keywords": list(i.keywords),
                "categories": list(i.categories),
                "authors": list(i.authors),
                "papers": list(i.papers),
                "text": i.text,
            }
            for i in s.interests
        ],
    }
