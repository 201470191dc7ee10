"""Works of OpenAlex: the snapshot's JSON lines, API pages, lists, single works.

Described at https://developers.openalex.org. The abstract is an index from words to positions and
is put together again. Topics and concepts are guesses of OpenAlex and not used as categories: they
would hide the authors' choice in a record of arXiv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_answers import parse_known_day
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.references import strip_version
from digest.dumps.stream import RAW_CAP, Source, raw_text
from digest.model import Record, Rejected, Skipped

#: keys of a work that hand-written records with an OpenAlex id do not have
_OPENALEX_KEYS: Final = frozenset(
    {
        "abstract_inverted_index",
        "authorships",
        "created_date",
        "display_name",
        "ids",
        "is_paratext",
        "is_retracted",
        "locations",
        "open_access",
        "primary_location",
        "publication_year",
    }
)
_WORK_ID: Final = re.compile(r'"id"\s*:\s*"https?://openalex\.org/W[0-9]')
#: types of works without research of their own; an unknown type is a paper
_NON_PAPER_TYPES: Final = {
    "book-review": "book review",
    "component": "component",
    "dataset": "dataset",
    "editorial": "editorial",
    "erratum": "erratum",
    "grant": "grant",
    "image": "image",
    "libguides": "library guide",
    "paratext": "paratext",
    "peer-review": "peer review",
    "reference-entry": "reference entry",
    "retraction": "retraction notice",
    "software": "software",
    "supplementary-materials": "supplementary materials",
    "video": "video",
}
#: words; a longer index is damaged or that of a whole book
_WORD_LIMIT: Final = 100_000


class _Person(msgspec.Struct, gc=False):
    display_name: str | None = None


class _Authorship(msgspec.Struct, gc=False):
    author: _Person | None = None
    raw_author_name: str | None = None


class _Location(msgspec.Struct, gc=False):
    landing_page_url: str | None = None
    pdf_url: str | None = None


class _Ids(msgspec.Struct, gc=False):
    openalex: str | None = None
    doi: str | None = None
    pmid: str | int | None = None
    pmcid: str | int | None = None


class _Work(msgspec.Struct, gc=False):
    id: str | None = None
    doi: str | None = None
    title: str | None = None
    display_name: str | None = None
    type: str | None = None
    ids: _Ids | None = None
    authorships: list[_Authorship | None] | None = None
    primary_location: _Location | None = None
    locations: list[_Location | None] | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None
    publication_date: str | None = None
    created_date: str | None = None
    updated_date: str | None = None
    is_retracted: bool | None = None
    is_paratext: bool | None = None


_DECODER: Final = msgspec.json.Decoder(_Work)


class OpenAlex:
    """The format `openalex`.

    Fields: `title` (else `display_name`), `abstract_inverted_index`, `authorships`, `id`, `doi`,
    `ids`, arXiv links of `locations`, three dates.

    `publication_date` becomes submitted, unless it is 1 January (which means "some day of that
    year") or in the future. `created_date`, the day on which OpenAlex published the work, becomes
    announced, since it says what is new. `is_retracted` or the mark in the title means withdrawn.
    Paratext and types that are not papers are Skipped.
    """

    name = "openalex"

    def sniff(self, head: Head) -> Confidence:
        items = find_page_items(head, "results")
        if items is not None:
            empty = not items and '"meta"' in head.text and '"db_response_time_ms"' in head.text
            return (
                Confidence.YES
                if empty or any(map(_is_work, items)) or _begins_with_work(head)
                else Confidence.NO
            )
        keys = head.keys
        if "abstract_inverted_index" in keys or any(
            _is_work(record) and record.keys() & _OPENALEX_KEYS for record in head.records
        ):
            return Confidence.YES
        return (
            Confidence.YES
            if not head.records and keys & _OPENALEX_KEYS and _begins_with_work(head)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        for row in decode_rows(source, read_page_rows(source, "results"), _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row, source)


def _is_work(record: Mapping[str, Any]) -> bool:
    return str(record.get("id")).startswith(("https://openalex.org/W", "http://openalex.org/W"))


def _begins_with_work(head: Head) -> bool:
    return _WORK_ID.search(head.text) is not None


def _build_record(number: int, data: bytes, work: _Work, source: Source) -> Record | Skipped:
    raw = raw_text(data)
    if (
        reason := "paratext" if work.is_paratext else _NON_PAPER_TYPES.get(work.type or "")
    ) is not None:
        return Skipped(line=number, raw=raw, reason=reason)
    index = work.abstract_inverted_index
    if index and sum(map(len, index.values())) > _WORD_LIMIT:
        source.count_ignored("abstract_inverted_index")
        index = None
    return Record(
        line=number,
        raw=raw,
        title=work.title or work.display_name or "",
        abstract=_join_abstract(index) if index else "",
        authors=tuple(
            name
            for authorship in work.authorships or ()
            if authorship is not None and (name := _author_name(authorship))
        ),
        ids=tuple(dict.fromkeys(_find_ids(work))),
        submitted=parse_known_day(work.publication_date, source.today),
        announced=parse_day(work.created_date, source.today),
        updated=parse_day(work.updated_date, source.today),
        url=_find_landing_page(work),
        withdrawn=bool(work.is_retracted),
    )


def _join_abstract(index: Mapping[str, list[int]]) -> str:
    """Join the words in the order of their positions, up to `RAW_CAP` characters."""
    positioned_words = sorted(
        (position, word) for word, positions in index.items() for position in positions
    )
    if sum((len(word) + 1) * len(positions) for word, positions in index.items()) <= RAW_CAP:
        return " ".join([word for _, word in positioned_words])
    words: list[str] = []
    remaining = RAW_CAP
    for _, word in positioned_words:
        remaining -= len(word) + 1
        if remaining < 0:
            break
        words.append(word)
    return " ".join(words)


def _author_name(authorship: _Authorship) -> str:
    return (
        (authorship.author.display_name if authorship.author else None)
        or authorship.raw_author_name
        or ""
    )


def _find_ids(work: _Work) -> Iterator[tuple[str, str]]:
    ids = work.ids or _Ids()
    for kind, text in (("openalex", work.id or ids.openalex), ("doi", work.doi or ids.doi)):
        if text:
            yield kind, text
    if ids.pmid:
        yield "pmid", _last_path_part(ids.pmid)
    if ids.pmcid:
        # A link, with or without the letters before the digits.
        yield "pmcid", f"PMC{_last_path_part(ids.pmcid).upper().removeprefix('PMC')}"
    for location in (work.primary_location, *(work.locations or ())):
        for link in (location.landing_page_url, location.pdf_url) if location is not None else ():
            if link and "arxiv.org/" in link.lower():
                yield "id", strip_version(link)


def _last_path_part(text: str | int) -> str:
    return str(text).rstrip("/").rpartition("/")[2]


def _find_landing_page(work: _Work) -> str:
    first = work.primary_location.landing_page_url if work.primary_location else None
    others = (
        location.landing_page_url for location in work.locations or () if location is not None
    )
    return first or work.doi or next(filter(None, others), None) or work.id or ""


FORMAT = OpenAlex()
