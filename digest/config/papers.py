"""Settings of where papers come from, and of what is made of them: `[ingest]`, `[features]`,
`[fetch]`, `[[sources]]`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from digest.config.checks import Address, Day, FolderName, HttpOrNone, OptionalPath, Section


class IngestSection(Section):
    """Where new dumps are found."""

    inbox: Path = Field(
        Path("inbox"),
        description="folder that `serve` watches: every new dump in it is read once",
        strict=False,
    )


class FeaturesSection(Section):
    """What papers are turned into, to be compared."""

    encoder: str = Field(
        "",
        description="folder of an encoder (model2vec or sentence-transformers) that reads papers "
        "too, or the name of one that is on this machine; "
        'its libraries open what is in it: use none that you do not trust; "" = none',
    )


class FetchSection(Section):
    """How `digest fetch` behaves towards the [[sources]]; each source's own published rule is kept
    besides.
    """

    contact: Address = Field(
        "",
        description='address in the User-Agent, for the people who run a source; "" = mail.sender',
    )
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        6, description="how often one request is tried before the source waits for the next fetch"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        60, description="seconds of silence after which a request has failed"
    )
    max_mb: Annotated[int, Field(ge=1, le=10000)] = Field(
        100, description="megabytes of one response, unpacked, beyond which it is refused"
    )
    holidays: tuple[Day, ...] = Field(
        (),
        description=(
            "further days (US Eastern) on which arXiv announces nothing, besides its published ones"
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
    "url",
    "folder",
]


class SourceEntry(Section):
    """A place that new papers are fetched from, by `digest fetch` and by `serve`.

    Nothing else is contacted.
    """

    name: FolderName = Field(
        description="short name; also the folder in the inbox that its responses are kept in"
    )
    kind: SourceKind = Field(description=f"one of {', '.join(get_args(SourceKind))}")
    url: HttpOrNone = Field("", description='its address; "" = the public one of that kind')
    folder: OptionalPath = Field(None, description="kind folder: the folder to watch")
    categories: tuple[str, ...] = Field(
        (), description="kind arxiv-feed: such as cs.LG", strict=False
    )
    sets: tuple[str, ...] = Field(
        (), description="kind oai: sets such as cs:cs:LG; none = everything", strict=False
    )
    prefix: str = Field(
        "", description='kind oai: metadataPrefix; "" = arXiv at arXiv, oai_dc elsewhere'
    )
    query: str = Field(
        "", description="kind pubmed: the search; kinds openalex and crossref: further filters"
    )
    contact: Address = Field(
        "", description='address in the User-Agent for this source alone; "" = that of [fetch]'
    )
    key: SecretStr = Field(
        SecretStr(""), description="kinds openalex and pubmed: API key", strict=False
    )
    every: Annotated[int, Field(ge=1, le=525600)] | None = Field(
        None, description="minutes between two looks of serve; none = what suits the kind"
    )
    days: Annotated[int, Field(ge=1, le=3660)] = Field(
        3, description="days that the first fetch goes back"
    )
    enabled: bool = Field(True, description="whether it is fetched")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """What a kind cannot do without, and what only another kind uses: a key that silently did
        nothing would mislead.
        """
        needs = {
            "arxiv-feed": "categories",
            "url": "url",
            "folder": "folder",
            "pubmed": "query",
        }.get(self.kind)
        if needs and not getattr(self, needs):
            raise ValueError(f"{self.name}: kind {self.kind} needs the key {needs}")
        uses = {
            "categories": ("arxiv-feed",),
            "sets": ("oai",),
            "prefix": ("oai",),
            "query": ("pubmed", "openalex", "crossref"),
            "key": ("pubmed", "openalex"),
            "folder": ("folder",),
        }
        for key, kinds in uses.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise ValueError(
                    f"{self.name}: the key {key} is for kind {' or '.join(kinds)}, not {self.kind}"
                )
        return self


def _one_name_each(entries: tuple[SourceEntry, ...]) -> tuple[SourceEntry, ...]:
    names = [entry.name for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: used as a name more than once")
    return entries


#: the list of them
SourceEntries = Annotated[tuple[SourceEntry, ...], AfterValidator(_one_name_each)]
