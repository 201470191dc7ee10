"""Records of dumps, what they say about a paper, and the merged paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

#: the day of records from readers' libraries: no dump has brought the paper, so it is never new
UNSEEN = date(1900, 1, 1)

#: `preprint` is the DOI of a preprint server; the paper may also have the DOI of its journal
IdentityKind = Literal["arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"]


# Dumps hold millions of these. A msgspec.Struct is made five times as fast as a frozen dataclass,
# and with gc=False the garbage collector ignores it. Use `msgspec.structs.replace`.


class Identity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An identifier of a paper in canonical form.

    `arxiv` without version, `doi` in lower case without resolver.
    """

    kind: IdentityKind
    value: str


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A raw entry of a dump: common field names, text as the source wrote it."""

    #: 1-based line of the file where the record starts (or its ordinal where lines mean nothing)
    line: int
    #: the entry as it stood in the file
    raw: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: identifiers and links as written, such as ("arxiv", "2101.11408v3"), ("doi",
    #: "https://..."), ("url", ...); `papers.clean` makes them canonical
    ids: tuple[tuple[str, str], ...] = ()
    version: int | None = None
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    #: the day on which it was first seen, where the source says so (plain formats only)
    first_seen: date | None = None
    #: the curated list's day and the 1-based position on it
    picked: date | None = None
    rank: int | None = None
    upvotes: int | None = None
    comment: str = ""
    #: where it was published, as the source says: arXiv's journal reference, a journal, a venue
    journal_ref: str = ""
    #: the authors' code and project page, where the source has fields for them
    code_url: str = ""
    project_url: str = ""
    url: str = ""
    withdrawn: bool = False
    #: holds only a part of a paper, such as an abstract: needs an identifier, but no title
    fragment: bool = False


class Removal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A notice that a paper was retracted or deleted; it counts as skipped."""

    line: int
    raw: str
    #: identifiers of the retracted paper, as written
    ids: tuple[tuple[str, str], ...]
    reason: str


class Skipped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that was understood and is not a paper."""

    line: int
    raw: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that could not be used, quarantined with its place and reason."""

    line: int
    raw: str
    reason: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A cleaned record: what one source says about a paper, with canonical identities."""

    #: its format, a name of `dumps.FORMATS`
    source: str
    title: str
    #: normalised title; identifies the paper where no identifier does
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
    journal_ref: str = ""
    code_url: str = ""
    project_url: str = ""
    url: str = ""
    withdrawn: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry and the day on which it was first seen."""

    entry: Entry
    day: date


class Merged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The merged content of all entries of a paper."""

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
    journal_ref: str
    code_url: str
    project_url: str
    url: str
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A paper, merged from the records of all sources and versions."""

    id: int
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    #: the date that decides whether it is new for a digest
    first_seen: date
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    version: int | None = None
    #: the source's votes, plus readers' thumbs up where enough readers gave one to stay anonymous
    upvotes: int = 0
    #: day of the latest curated list with the paper, and its best position there
    picked: date | None = None
    rank: int | None = None
    comment: str = ""
    #: where it was published, as a source's own field says; "" = none does
    journal_ref: str = ""
    #: code and project page that a source's own fields name; "" = none does
    code_url: str = ""
    project_url: str = ""
    #: the landing page that "Read" opens; "" = no source gave one
    url: str = ""
    withdrawn: bool = False

    def identity(self, kind: IdentityKind) -> str | None:
        """The identifier of a kind, None where there is none."""
        return next((i.value for i in self.identities if i.kind == kind), None)

    @property
    def name(self) -> str:
        """The name that people type.

        `arxiv:2606.01234` or `doi:10.1000/xyz`, else `paper:17`.
        """
        kind: IdentityKind
        for kind in ("arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"):
            value = self.identity(kind)
            if value is not None:
                return f"{'doi' if kind == 'preprint' else kind}:{value}"
        return f"paper:{self.id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Where the parts of a paper are on the web, and where it was published."""

    #: the page that "Read" opens, or a search for the title; "" = none is known
    page: str = ""
    is_search: bool = False
    #: as people write it, such as "arXiv:2606.01234"; "" = the paper has none
    identifier: str = ""
    #: label and address: PDF, HTML, Code, Project, Model, Data, Demo
    links: tuple[tuple[str, str], ...] = ()
    #: such as "ICML 2026"; "" = its source names none
    venue: str = ""
    #: what else the authors note, without addresses
    comment: str = ""
