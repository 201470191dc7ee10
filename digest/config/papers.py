"""Settings for papers: `[ingest]`, `[features]`, `[fetch]`, `[[sources]]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from digest.config.value_types import Address, Day, FolderName, OptionalPath, Section, SourceUrl


class IngestSection(Section):
    """Where new dumps arrive."""

    inbox: Path = Field(
        Path("inbox"),
        description="folder that `serve` watches; every new dump in it is read once",
        strict=False,
    )
    upload_mb: Annotated[int, Field(ge=0, le=100_000)] = Field(
        500, description="megabytes of a dump that is uploaded by the API; 0 = none is taken"
    )


class FeaturesSection(Section):
    """How papers become vectors."""

    encoder: str = Field(
        "",
        description="folder of a text encoder (model2vec or sentence-transformers) to add to the "
        "word features, or the name of one that is on this machine; "
        'its files may run as code, so use only what you trust; "" = none',
    )


class FetchSection(Section):
    """How `digest fetch` uses the [[sources]].

    It also keeps to the published rules of each.
    """

    contact: Address = Field(
        "",
        description='contact address in the User-Agent; "" = mail.sender',
    )
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        6, description="attempts of one request before the source waits for the next fetch"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        60, description="seconds without data after which a request fails"
    )
    max_mb: Annotated[int, Field(ge=1, le=10000)] = Field(
        100, description="megabytes of one unpacked response, at most"
    )
    holidays: tuple[Day, ...] = Field(
        (),
        description=(
            "more days (US Eastern) without arXiv announcements, besides its published holidays"
        ),
        strict=False,
    )


SourceKind = Literal[
    "arxiv-feed",
    "oai",
    "huggingface",
    "biorxiv",
    "medrxiv",
    "openalex",
    "crossref",
    "pubmed",
    "europe-pmc",
    "dblp",
    "openreview",
    "semantic-scholar",
    "url",
    "folder",
    "mailbox",
]


class SourceEntry(Section):
    """A source that `digest fetch` and `serve` fetch papers from.

    No other host is contacted.
    """

    name: FolderName = Field(
        description="short name; also the folder in the inbox that keeps its responses"
    )
    kind: SourceKind = Field(description=f"one of {', '.join(get_args(SourceKind))}")
    url: SourceUrl = Field(
        "",
        description='address; "" = the public one of this kind; kind mailbox: a folder of an IMAP '
        "account, such as imaps://jane@imap.example.org/Lists (imap:// = STARTTLS)",
    )
    folder: OptionalPath = Field(
        None, description="kind folder: the folder to watch, which may be a Maildir"
    )
    categories: tuple[str, ...] = Field(
        (), description="kind arxiv-feed: categories such as cs.LG", strict=False
    )
    sets: tuple[str, ...] = Field(
        (), description="kind oai: sets such as cs:cs:LG; none = everything", strict=False
    )
    prefix: str = Field(
        "", description='kind oai: metadataPrefix; "" = arXiv at arXiv, oai_dc elsewhere'
    )
    query: str = Field(
        "",
        description="kinds pubmed, europe-pmc and dblp: the search; kind openreview: the venue, "
        "such as ICLR.cc/2026/Conference; kinds openalex and crossref: more filters",
    )
    contact: Address = Field(
        "", description='contact address in the User-Agent for this source; "" = that of [fetch]'
    )
    key: SecretStr = Field(
        SecretStr(""),
        description="kinds openalex, pubmed and semantic-scholar: API key",
        strict=False,
    )
    auth: Literal["password", "oauth2"] = Field(
        "password",
        description='kind mailbox: "password", or "oauth2" after `digest login` (see [oauth])',
    )
    password_file: OptionalPath = Field(
        None, description="kind mailbox: file with the password on its first line"
    )
    ca_file: OptionalPath = Field(
        None,
        description="kind mailbox: certificates (PEM) to trust instead of the system's; "
        '"" = those of the system',
    )
    every: Annotated[int, Field(ge=1, le=525600)] | None = Field(
        None, description="minutes between two fetches by `serve`; without it, what suits the kind"
    )
    days: Annotated[int, Field(ge=1, le=3660)] = Field(
        3, description="days that the first fetch goes back in time"
    )
    enabled: bool = Field(True, description="whether to fetch it")

    @model_validator(mode="after")
    def _check_settings_of_kind(self) -> Self:
        """Refuse a missing setting that the kind needs, and one that it does not use."""
        required = {
            "arxiv-feed": ("categories",),
            "url": ("url",),
            "folder": ("folder",),
            "mailbox": ("url",) if self.auth == "oauth2" else ("url", "password_file"),
            "pubmed": ("query",),
            "europe-pmc": ("query",),
            "dblp": ("query",),
            "openreview": ("query",),
        }.get(self.kind, ())
        for name in required:
            if not getattr(self, name):
                raise ValueError(f"{self.name}: kind {self.kind} needs the setting {name}")
        if self.url and self.url.startswith("imap") != (self.kind == "mailbox"):
            scheme = "imaps:// or imap://" if self.kind == "mailbox" else "https:// or http://"
            raise ValueError(f"{self.name}: url of kind {self.kind} must start with {scheme}")
        # `url` is not among them: it replaces the public address of any kind.
        kinds_using = {
            "categories": ("arxiv-feed",),
            "sets": ("oai",),
            "prefix": ("oai",),
            "query": ("pubmed", "europe-pmc", "dblp", "openreview", "openalex", "crossref"),
            "key": ("pubmed", "openalex", "semantic-scholar"),
            "folder": ("folder",),
            "auth": ("mailbox",),
            "password_file": ("mailbox",),
            "ca_file": ("mailbox",),
        }
        for name, kinds in kinds_using.items():
            if name in self.model_fields_set and self.kind not in kinds:
                raise ValueError(
                    f"{self.name}: the setting {name} is for kind {' or '.join(kinds)}, "
                    f"not {self.kind}"
                )
        if self.auth == "oauth2" and self.password_file:
            raise ValueError(f'{self.name}: auth = "oauth2" takes no password_file; remove it')
        return self


def _require_unique_names(entries: tuple[SourceEntry, ...]) -> tuple[SourceEntry, ...]:
    names = [entry.name for entry in entries]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(repeated)}: used as a name more than once")
    return entries


#: all sources
SourceEntries = Annotated[tuple[SourceEntry, ...], AfterValidator(_require_unique_names)]
