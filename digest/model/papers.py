"""What dumps hold, what a source says of a paper, and the one paper that all of it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

#: the day of what a reader's library says of a paper: no dump has brought it, so it is new to
#: nobody
UNSEEN = date(1900, 1, 1)

#: `preprint` is the DOI that a preprint server gave: beside it the paper may have the DOI of its
#: journal
IdentityKind = Literal["arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"]


# What dumps bring by the million is a msgspec.Struct: made five times as fast as a frozen
# dataclass, and, with gc=False, nothing that the garbage collector looks at. To change a copy is
# `msgspec.structs.replace`.


class Identity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One identifier of a paper in canonical form (`arxiv` without version, `doi` lower-case
    without resolver).
    """

    kind: IdentityKind
    value: str


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One raw entry of a dump, its source's fields under common names, text still as the source
    wrote it.
    """

    #: 1-based line of the file where the record starts (or its ordinal where lines mean nothing)
    line: int
    #: the entry as it stood in the file
    raw: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: identifiers and links as written; `papers.clean` canonises them: ("arxiv", "2101.11408v3"),
    #: ("doi", "https://..."), ("url", ...)
    ids: tuple[tuple[str, str], ...] = ()
    version: int | None = None
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    #: the day on which the record's own source says it was first seen (plain formats only)
    first_seen: date | None = None
    #: the curated list's day and the 1-based position on it
    picked: date | None = None
    rank: int | None = None
    upvotes: int | None = None
    comment: str = ""
    url: str = ""
    withdrawn: bool = False
    #: part of a paper that other records hold the rest of (an abstract in a file of abstracts): it
    #: needs an identifier and no title
    fragment: bool = False


class Removal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Word from a source that a paper is retracted or deleted; the notice itself is no paper and
    counts as skipped.
    """

    line: int
    raw: str
    #: identifiers of the paper that it is about, as written
    ids: tuple[tuple[str, str], ...]
    reason: str


class Skipped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that was understood and by rule is no paper."""

    line: int
    raw: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that could not be used; kept with its place and reason."""

    line: int
    raw: str
    reason: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A cleaned record: what one source says of one paper, in clean Unicode, with canonical
    identities.
    """

    #: format that it came from, a name of `dumps.FORMATS`
    source: str
    title: str
    #: normalised title, the identity of last resort
    title_key: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    #: primary category first
    categories: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    version: int | None = None
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    upvotes: int | None = None
    comment: str = ""
    url: str = ""
    withdrawn: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry and the day on which it was first seen."""

    entry: Entry
    day: date


class Merged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all entries of one paper add up to."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    identities: tuple[Identity, ...]
    first_seen: date
    submitted: date | None
    announced: date | None
    updated: date | None
    version: int | None
    upvotes: int
    comment: str
    url: str
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """The one canonical paper that records from any source, in any version, stand for."""

    id: int
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    #: the only date that decides what is new for a digest
    first_seen: date
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    version: int | None = None
    #: public votes: the source's own, and readers' thumbs up where enough of them were given to
    #: tell nobody's
    upvotes: int = 0
    #: day of the latest curated list that holds the paper, and its best position there
    picked: date | None = None
    rank: int | None = None
    comment: str = ""
    #: where "Read" leads: the landing page, "" when no source gave one
    url: str = ""
    withdrawn: bool = False

    def identity(self, kind: IdentityKind) -> str | None:
        return next((i.value for i in self.identities if i.kind == kind), None)

    @property
    def name(self) -> str:
        """What a person types to mean this paper: `arxiv:2606.01234`, `doi:10.1000/xyz`, else
        `paper:17`.
        """
        wanted: IdentityKind
        for wanted in ("arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"):
            value = self.identity(wanted)
            if value is not None:
                return f"{'doi' if wanted == 'preprint' else wanted}:{value}"
        return f"paper:{self.id}"
