"""Answers of the "Daily Papers" API of Hugging Face, and flat copies, as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import decode_rows, describe_type, read_json_records
from digest.dumps.names import split_names
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
#: keys that only papers of Hugging Face have; one of them is enough for a flat copy
_HUGGING_FACE_KEYS: Final = {
    "submittedondailyat",
    "submittedondailyby",
    "discussionid",
    "aisummary",
    "aikeywords",
    "isauthorparticipating",
    "numcomments",
}
_PREFIX: Final = re.compile(r"^paper[._](?!id$)|[^a-z0-9.]", re.IGNORECASE)
_ALIASES: Final = {
    "paperid": "id",
    "paper.id": "id",
    "arxivid": "id",
    "abstract": "summary",
    "likes": "upvotes",
    "date": "publishedat",
}


class HuggingFaceJson:
    """The format `huggingface-json`.

    Fields: `id`, `title`, `summary`, `authors` that are not hidden, `upvotes`, `publishedAt`
    (submitted), `submittedOnDailyAt` (picked), `githubRepo`, `projectPage`.
    """

    name = "huggingface-json"

    def sniff(self, head: Head) -> Confidence:
        if any(isinstance(record.get("paper"), dict) for record in head.records) or head.keys >= {
            "paper",
            "publishedAt",
        }:
            return Confidence.YES
        keys = {_normalise_key(key) for key in head.keys}
        is_certain = keys & _HUGGING_FACE_KEYS or keys >= {"summary", "upvotes", "publishedat"}
        return Confidence.YES if is_certain and keys >= {"id", "title"} else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for row in decode_rows(source, read_json_records(source), _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row, source.today)


def _build_record(
    number: int, data: bytes, row: Mapping[str, Any], today: date
) -> Record | Rejected:
    # The inner level is the paper; the outer one repeats its title, and its time is some hours off.
    fields = {
        _normalise_key(key): value
        for key, value in row.items()
        if key != "paper" and value is not None
    }
    if isinstance(paper := row.get("paper"), dict):
        fields |= {_normalise_key(key): value for key, value in paper.items() if value is not None}
    for name in ("id", "title", "summary", "publishedat", "submittedondailyat"):
        if not isinstance(fields.get(name, ""), str):
            return Rejected(
                line=number,
                raw=raw_text(data),
                reason=f"{name}: expected text, got {describe_type(type(fields[name]).__name__)}",
            )
    upvotes = fields.get("upvotes")
    return Record(
        line=number,
        raw=raw_text(data),
        title=fields.get("title", ""),
        abstract=fields.get("summary", ""),
        authors=_read_authors(fields.get("authors")),
        ids=(("id", fields["id"]),) if fields.get("id") else (),
        submitted=parse_day(fields.get("publishedat"), today),
        picked=parse_day(fields.get("submittedondailyat"), today),
        code_url=_read_text(fields.get("githubrepo")),
        project_url=_read_text(fields.get("projectpage")),
        upvotes=upvotes if isinstance(upvotes, int) and not isinstance(upvotes, bool) else None,
    )


def _read_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_authors(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return split_names(value)
    names: list[str] = []
    for author in value if isinstance(value, list) else ():
        name = (
            author.get("name") if isinstance(author, dict) and not author.get("hidden") else author
        )
        if isinstance(name, str):
            names.append(name)
    return tuple(names)


@lru_cache(maxsize=1024)
def _canonical_key(key: str) -> str:
    short = _PREFIX.sub("", key).lower()
    return _ALIASES.get(short, short)


def _normalise_key(key: str) -> str:
    """Fold the spellings `publishedAt`, `published_at` and `paper.publishedAt`."""
    return _canonical_key(key) if len(key) <= 40 else key


FORMAT = HuggingFaceJson()
