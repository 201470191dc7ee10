"""A file of readers (.csv, .jsonl or a JSON list) -> subscription requests.

Lists are arrays in JSON; in .csv their items are separated by ";", keywords and categories also by
commas.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from digest.errors import InputError
from digest.model import Interest, SubscriberStatus

if TYPE_CHECKING:
    from digest.subscriptions import SubscriptionRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class BadRow:
    """A row that cannot be read. It does not stop the others."""

    line: int
    reason: str


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
    "created": _instant,
    "origin": _origin,
}


def read_readers(path: Path) -> Iterator[tuple[int, SubscriptionRequest] | BadRow]:
    """Yield each row with its line number. Raises the errors of `read_rows`."""
    for row in read_rows(path, tuple(COLUMNS), needed="email"):
        yield row if isinstance(row, BadRow) else _parse_row(*row)


def read_rows(
    path: Path, columns: Sequence[str], *, needed: str
) -> Iterator[tuple[int, Mapping[str, Any]] | BadRow]:
    """Yield line number and row of a .csv or .jsonl file, without empty values.

    Args:
        path: of the file.
        columns: that rows may have.
        needed: the column that each row must have.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or its header lacks the column `needed`
            or has an unknown one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = (
                _csv_rows(path, file, columns, needed)
                if path.suffix.lower() == ".csv"
                else _json_rows(file)
            )
            for line, row in rows:
                yield _check_row(line, row, columns, needed)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 (byte {error.start}). Save it as UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path}: is not CSV: {error}") from error


def _check_row(
    line: int, row: Mapping[str, Any] | BadRow, columns: Sequence[str], needed: str
) -> tuple[int, Mapping[str, Any]] | BadRow:
    if isinstance(row, BadRow):
        return row
    if unknown := [name for name in row if name not in columns]:
        return BadRow(
            line=line, reason=f"unknown column {unknown[0]!r}. Columns: {', '.join(columns)}"
        )
    return (line, row) if row.get(needed) else BadRow(line=line, reason=f"no {needed}")


def _csv_rows(
    path: Path, file: Any, columns: Sequence[str], needed: str
) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    reader = csv.DictReader(file)
    names = [name.strip() for name in reader.fieldnames or []]
    unknown = [name for name in names if name not in columns]
    if unknown or needed not in names:
        what = f"unknown column {unknown[0]!r}" if unknown else f"no column {needed}"
        raise InputError(f"{path}: {what} in the first line. Columns: {', '.join(columns)}")
    reader.fieldnames = names
    for row in reader:
        if None in row:
            yield (
                reader.line_num,
                BadRow(
                    line=reader.line_num,
                    reason=(
                        f"{len(row[None])} more fields than columns; is one with a comma not in "
                        f"quotes?"
                    ),
                ),
            )
        else:
            yield (
                reader.line_num,
                {name: value for name, value in row.items() if value and value.strip()},
            )


def _json_rows(file: Any) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    for line, text in _json_texts(file):
        try:
            row = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            yield line, BadRow(line=line, reason=f"is not JSON: {error}")
            continue
        if isinstance(row, dict):
            yield line, {name: value for name, value in row.items() if value is not None}
        else:
            yield (
                line,
                BadRow(line=line, reason='must be an object like {"email": "reader@example.org"}'),
            )


def _json_texts(file: Any) -> Iterator[tuple[int, str | bytes]]:
    """Yield JSON lines with their numbers; of a JSON list its items, numbered from 1."""
    lines = ((number, text) for number, text in enumerate(file, 1) if text.strip())
    first = next(lines, None)
    if first is None:
        return
    if first[1].lstrip().startswith("["):
        whole = first[1] + "".join(text for _, text in lines)
        try:
            items = msgspec.json.decode(whole, type=list[msgspec.Raw])
        except msgspec.DecodeError:
            yield first[0], whole
            return
        yield from enumerate(map(bytes, items), 1)
        return
    yield first
    yield from lines


def _parse_row(line: int, row: Mapping[str, Any]) -> tuple[int, SubscriptionRequest] | BadRow:
    from digest.subscriptions import SubscriptionRequest

    values = {}
    for name, value in row.items():
        try:
            values["status" if name == "standing" else name] = COLUMNS[name](value)
        except ValueError as error:
            return BadRow(line=line, reason=f"{name} = {value!r}: {error}")
    return line, SubscriptionRequest(**values)
