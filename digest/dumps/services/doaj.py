"""Articles of DOAJ, JSON: `results` of its API, or its public data dump, each with a `bibjson`.

Described at https://doaj.org/api/docs. Journals have the same shape and are Skipped. Of the day of
publication the month is known at best; the day on which DOAJ got the article is announced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from digest.dumps.fields import parse_day, parse_month
from digest.dumps.json_answers import JsonAnswers, Outcome, Place, build_record, reject, skip
from digest.dumps.references import parse_day_or_month


class _Author(msgspec.Struct, gc=False):
    name: str | None = None


class _Identifier(msgspec.Struct, gc=False):
    type: str | None = None
    id: str | None = None


class _Journal(msgspec.Struct, gc=False):
    title: str | None = None


class _Link(msgspec.Struct, gc=False):
    url: str | None = None


class _Bibjson(msgspec.Struct, gc=False):
    title: str | None = None
    abstract: str | None = None
    author: list[_Author | None] | None = None
    identifier: list[_Identifier | None] | None = None
    journal: _Journal | None = None
    link: list[_Link | None] | None = None
    year: str | int | None = None
    month: str | int | None = None
    pissn: str | None = None
    eissn: str | None = None


class _Result(msgspec.Struct, gc=False):
    bibjson: _Bibjson | None = None
    created_date: str | None = None
    last_updated: str | None = None


def _is_result(record: Mapping[str, Any]) -> bool:
    return "bibjson" in record and isinstance(record["bibjson"], dict | None)


def _read_entry(place: Place, result: _Result, today: date) -> Iterator[Outcome]:
    article = result.bibjson
    if article is None:
        yield reject(place, "no bibjson")
        return
    if article.journal is None and (article.pissn or article.eissn):
        yield skip(place, "journal")
        return
    links = [link.url for link in article.link or () if link and link.url]
    yield build_record(
        place,
        article.title,
        article.abstract,
        ids=(
            *(
                ("doi", identifier.id)
                for identifier in article.identifier or ()
                if identifier and (identifier.type or "").lower() == "doi"
            ),
            *(("url", link) for link in links),
        ),
        authors=tuple(author.name for author in article.author or () if author and author.name),
        submitted=_find_month(article, today),
        announced=parse_day(result.created_date, today),
        updated=parse_day(result.last_updated, today),
        journal_ref=(article.journal.title if article.journal else None) or "",
        url=next(iter(links), ""),
    )


def _find_month(article: _Bibjson, today: date) -> date | None:
    """Find the first day of the month of publication: "4", "04" or "April"."""
    text = str(article.month or "")
    month = parse_month(text[:3]) or text
    return parse_day_or_month(f"{article.year}-{month}", today) if month else None


FORMAT = JsonAnswers(
    "doaj",
    path=("results",),
    page_keys=("page", "pageSize", "results", "total"),
    is_record=_is_result,
    decoder=msgspec.json.Decoder(_Result),
    read_entry=_read_entry,
)
