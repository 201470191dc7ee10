"""Keys of the API: of programs that the operator trusts, and of readers for their own data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from digest.model.instants import check_instant


class Scope(StrEnum):
    """What a key allows; the value is the word for command line and API."""

    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    FEEDBACK_WRITE = "feedback:write"
    DIGESTS_READ = "digests:read"
    PAPERS_READ = "papers:read"
    DUMPS_WRITE = "dumps:write"
    PICKS_WRITE = "picks:write"
    RECOMMENDATIONS_WRITE = "recommendations:write"
    OPERATIONS_READ = "operations:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    WEBHOOKS_WRITE = "webhooks:write"


#: what each scope is for, one line each, for help and documentation
SCOPES: dict[Scope, str] = {
    Scope.SUBSCRIBERS_READ: "read subscribers, their interests and thumbs",
    Scope.SUBSCRIBERS_WRITE: "create, change, pause and delete subscribers",
    Scope.FEEDBACK_WRITE: "record and withdraw thumbs of subscribers",
    Scope.DIGESTS_READ: "read digests of subscribers, and preview the next",
    Scope.PAPERS_READ: "list, search and read papers, and picks of curators",
    Scope.DUMPS_WRITE: "upload dumps of papers and follow their reading",
    Scope.PICKS_WRITE: "pick papers for a day",
    Scope.RECOMMENDATIONS_WRITE: "hand in recommendations of another recommender",
    Scope.OPERATIONS_READ: "read deliveries, suppressions and statistics",
    Scope.SUPPRESSIONS_WRITE: "suppress addresses and release them",
    Scope.WEBHOOKS_WRITE: "make, change and delete webhooks",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key as it is stored: all but its text, of which only a hash is kept."""

    id: int
    #: what the operator or reader calls it
    name: str
    #: beginning of its text, by which people recognise it
    hint: str
    scopes: frozenset[Scope] = frozenset()
    #: the reader whose own data it reaches; None = a key of the operator
    subscriber_id: int | None = None
    #: requests a minute; None = the service's default
    per_minute: int | None = None
    created: datetime
    expires: datetime | None = None
    #: the last day (UTC) on which it was used
    last_used: date | None = None
    revoked: datetime | None = None

    def __post_init__(self) -> None:
        check_instant("created", self.created)
        check_instant("expires", self.expires)
        check_instant("revoked", self.revoked)

    def is_valid(self, now: datetime) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)
