"""The "Daily Papers" page of Hugging Face saved as plain text.

A preamble, a date without a year, then title, abstract, title, abstract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain, islice
from typing import Final

from digest.dumps.fields import find_year_in_name, make_day, parse_month
from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import RAW_CAP, Source, raw_text, reject_too_long
from digest.model import Record, Rejected

_INVITATION: Final = "Get trending papers in your email inbox!"
_DATE: Final = re.compile(r"([A-Z][a-z]{2}) ([0-9]{1,2})(?:, ([0-9]{4}))?")
#: the date is among this many first blocks; usually it is the sixth
_PREAMBLE_LENGTH: Final = 12

Block = tuple[int, str]


class HuggingFacePage:
    """The format `huggingface-page`.

    Fields: title, abstract, the page's day (`picked`) and the position on it (`rank`).

    The page has no ids, authors, categories and links.
    """

    name = "huggingface-page"

    def sniff(self, head: Head) -> Confidence:
        first_lines = head.lines[:_PREAMBLE_LENGTH]
        if _INVITATION in first_lines[:5]:
            return Confidence.YES
        has_date = any(_parse_date_line(line) for line in first_lines)
        return (
            Confidence.YES
            if has_date
            and any(
                line.startswith("by") and line.endswith("research community")
                for line in first_lines
            )
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        blocks = _read_blocks(source)
        preamble: list[Block | Rejected] = []
        for block in islice(blocks, _PREAMBLE_LENGTH):
            if (
                not isinstance(block, Rejected)
                and (date_line := _parse_date_line(block[1])) is not None
            ):
                yield from (block for block in preamble if isinstance(block, Rejected))
                yield from _pair_blocks(source, blocks, _find_day(date_line, source))
                return
            preamble.append(block)
        if len(preamble) < _PREAMBLE_LENGTH:
            source.mark_incomplete("the page ends before its date")
        else:
            reason = 'no date line such as "Aug 29" stands before the papers'
            yield from (_reject_block(block, reason) for block in chain(preamble, blocks))


def _pair_blocks(
    source: Source, blocks: Iterator[Block | Rejected], day: date | None
) -> Iterator[Record | Rejected]:
    """Pair titles with abstracts, and yield each pair one pair later.

    Only the next pair shows that an abstract is missing.
    """
    rank = 0
    pending: tuple[Block, Block] | None = None
    for title in blocks:
        abstract = next(blocks, None)
        if (
            isinstance(title, Rejected)
            or isinstance(abstract, Rejected | None)
            or len(title[1]) > len(abstract[1])
        ):
            last_record = None if pending is None else _build_record(pending, day, rank + 1)
            yield from _reject_slipped(
                source,
                pending,
                last_record,
                chain((title,), (abstract,) if abstract else (), blocks),
            )
            return
        if pending is not None:
            rank += 1
            yield _build_record(pending, day, rank)
        pending = (title, abstract)
    if pending is not None:
        yield _build_record(pending, day, rank + 1)


def _reject_slipped(
    source: Source,
    pending: tuple[Block, Block] | None,
    last_record: Record | None,
    rest: Iterator[Block | Rejected],
) -> Iterator[Record | Rejected]:
    """Yield the pair before the slip if it is complete.

    Every block after it is rejected.
    """
    first = next(rest)
    second = next(rest, None)
    if (
        pending is not None
        and not isinstance(first, Rejected)
        and 4 * len(pending[1][1]) < len(first[1])
    ):
        reason = f"the page slipped: no abstract follows the title on line {pending[0][0]}"
        yield from (_reject_block(block, reason) for block in pending)
    else:
        reason = (
            f"the page slipped: the title on line {_line_number(first)} is longer than its abstract"
        )
        if last_record is not None:
            yield last_record
    if second is None:
        source.mark_incomplete("the page ends after a title")
        yield _reject_block(first, "cut off after its title: the abstract is missing")
    else:
        yield from (_reject_block(block, reason) for block in chain((first, second), rest))


def _read_blocks(source: Source) -> Iterator[Block | Rejected]:
    for number, data, _ in source.lines():
        if data is None:
            yield reject_too_long(number)
            continue
        if (text := source.decode(data)) is None:
            yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
        elif stripped := text.strip():
            yield number, stripped


def _build_record(pair: tuple[Block, Block], day: date | None, rank: int) -> Record:
    (line, title), (_, abstract) = pair
    return Record(
        line=line,
        raw=f"{title}\n\n{abstract}"[:RAW_CAP],
        title=title,
        abstract=abstract,
        picked=day,
        rank=rank,
    )


def _reject_block(block: Block | Rejected, reason: str) -> Rejected:
    return (
        block
        if isinstance(block, Rejected)
        else Rejected(line=block[0], raw=block[1][:RAW_CAP], reason=reason)
    )


def _line_number(block: Block | Rejected) -> int:
    return block.line if isinstance(block, Rejected) else block[0]


def _parse_date_line(line: str) -> tuple[int, int, int | None] | None:
    """Parse (month, day, year or None) of a date line; None for any other line."""
    match = _DATE.fullmatch(line)
    month = parse_month(match[1]) if match else None
    if match is None or month is None:
        return None
    day, year = int(match[2]), int(match[3]) if match[3] else None
    try:
        date(2000, month, day)
    except ValueError:
        return None
    return month, day, year


def _find_day(date_line: tuple[int, int, int | None], source: Source) -> date | None:
    """Find the page's day.

    The year is on the page or in the file's name. Else it is the latest year in which the day
    exists and is not after today.
    """
    month, day, year = date_line
    for year_or_none in (year, find_year_in_name(source.name)):
        if (
            year_or_none is not None
            and (page_day := make_day(year_or_none, month, day, source.today)) is not None
        ):
            return page_day
    for guess in range(source.today.year, source.today.year - 9, -1):
        page_day = make_day(guess, month, day, source.today)
        if page_day is not None and page_day <= source.today:
            return page_day
    return None


FORMAT = HuggingFacePage()
