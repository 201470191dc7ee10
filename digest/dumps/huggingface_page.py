"""The "Daily Papers" page of Hugging Face saved as plain text: a preamble, a date without a year,
then title, abstract, title, abstract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain, islice
from typing import Final

from digest.dumps.fields import find_year_in_name, make_day, parse_month
from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import RAW_CAP, Source, decode_entry, raw_text, reject_too_long
from digest.model import Record, Rejected

_INVITATION: Final = "Get trending papers in your email inbox!"
_DATE: Final = re.compile(r"([A-Z][a-z]{2}) ([0-9]{1,2})(?:, ([0-9]{4}))?")
#: the date stands among the first blocks, at the sixth where all of the preamble is there
_PREAMBLE: Final = 12

Block = tuple[int, str]


class HuggingFacePage:
    """Title, abstract, the page's day (`picked`) and the position on it (`rank`).

    No id, author, category or link.
    """

    name = "huggingface-page"

    def sniff(self, head: Head) -> Confidence:
        first = head.lines[:_PREAMBLE]
        if _INVITATION in first[:5]:
            return Confidence.YES
        dated = any(_page_day(line) for line in first)
        return (
            Confidence.YES
            if dated
            and any(line.startswith("by") and line.endswith("research community") for line in first)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        blocks = _blocks(source)
        preamble: list[Block | Rejected] = []
        for block in islice(blocks, _PREAMBLE):
            if not isinstance(block, Rejected) and (found := _page_day(block[1])) is not None:
                yield from (early for early in preamble if isinstance(early, Rejected))
                yield from _papers(source, blocks, _dated(found, source))
                return
            preamble.append(block)
        if len(preamble) < _PREAMBLE:
            source.mark_incomplete("the page ends before its date")
        else:
            reason = 'no date line such as "Aug 29" stands before the papers'
            yield from (_set_aside(block, reason) for block in chain(preamble, blocks))


def _papers(
    source: Source, blocks: Iterator[Block | Rejected], day: date | None
) -> Iterator[Record | Rejected]:
    """Pairs of title and abstract, one pair late: a pair in which an abstract is missing shows
    itself only by the next one.
    """
    rank = 0
    held: tuple[Block, Block] | None = None
    for title in blocks:
        abstract = next(blocks, None)
        if (
            isinstance(title, Rejected)
            or isinstance(abstract, Rejected | None)
            or len(title[1]) > len(abstract[1])
        ):
            last = None if held is None else _record(held, day, rank + 1)
            yield from _slipped(
                source, held, last, chain((title,), (abstract,) if abstract else (), blocks)
            )
            return
        if held is not None:
            rank += 1
            yield _record(held, day, rank)
        held = (title, abstract)
    if held is not None:
        yield _record(held, day, rank + 1)


def _slipped(
    source: Source,
    held: tuple[Block, Block] | None,
    last: Record | None,
    rest: Iterator[Block | Rejected],
) -> Iterator[Record | Rejected]:
    """The pair before the slip, unless it is the one without an abstract, then every block from
    there on put aside.
    """
    first = next(rest)
    second = next(rest, None)
    if held is not None and not isinstance(first, Rejected) and 4 * len(held[1][1]) < len(first[1]):
        reason = f"the page slipped: no abstract follows the title on line {held[0][0]}"
        yield from (_set_aside(block, reason) for block in held)
    else:
        reason = f"the page slipped: the title on line {_line(first)} is longer than its abstract"
        if last is not None:
            yield last
    if second is None:
        source.mark_incomplete("the page ends after a title")
        yield _set_aside(first, "cut off after its title: the abstract is missing")
    else:
        yield from (_set_aside(block, reason) for block in chain((first, second), rest))


def _blocks(source: Source) -> Iterator[Block | Rejected]:
    for number, data, _ in source.lines():
        if data is None:
            yield reject_too_long(number)
            continue
        if (text := decode_entry(data)) is None:
            yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
        elif stripped := text.strip():
            yield number, stripped


def _record(pair: tuple[Block, Block], day: date | None, rank: int) -> Record:
    (line, title), (_, abstract) = pair
    return Record(
        line=line,
        raw=f"{title}\n\n{abstract}"[:RAW_CAP],
        title=title,
        abstract=abstract,
        picked=day,
        rank=rank,
    )


def _set_aside(block: Block | Rejected, reason: str) -> Rejected:
    return (
        block
        if isinstance(block, Rejected)
        else Rejected(line=block[0], raw=block[1][:RAW_CAP], reason=reason)
    )


def _line(block: Block | Rejected) -> int:
    return block.line if isinstance(block, Rejected) else block[0]


def _page_day(line: str) -> tuple[int, int, int | None] | None:
    """(month, day, year or None) of a date line, in a leap year if need be; None for any other
    line.
    """
    found = _DATE.fullmatch(line)
    month = parse_month(found[1]) if found else None
    if found is None or month is None:
        return None
    day, year = int(found[2]), int(found[3]) if found[3] else None
    try:
        date(2000, month, day)
    except ValueError:
        return None
    return month, day, year


def _dated(found: tuple[int, int, int | None], source: Source) -> date | None:
    """The page's day: the year on the page or in the file's name, else the latest one in which the
    day existed and is not after today.
    """
    month, day, year = found
    for known in (year, find_year_in_name(source.name)):
        if known is not None and (whole := make_day(known, month, day, source.today)) is not None:
            return whole
    for guess in range(source.today.year, source.today.year - 9, -1):
        whole = make_day(guess, month, day, source.today)
        if whole is not None and whole <= source.today:
            return whole
    return None


FORMAT = HuggingFacePage()
