"""What readers and curators say of papers for everybody to see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from digest.model.papers import Identity

#: waiting  = the operator has not decided yet; nothing of it is public
#: accepted = its paper is public, or will be once a source has been asked for it
SubmissionState = Literal["waiting", "accepted", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CuratorPick:
    """A paper that a curator recommends."""

    paper_id: int
    subscriber_id: int
    at: datetime
    #: the name that everybody sees; "" = the curator stays unnamed
    name: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A paper that a reader suggests."""

    #: 0 = not stored yet
    id: int = 0
    subscriber_id: int
    at: datetime
    identity: Identity | None = None
    #: the typed link, which is never fetched; "" = none
    url: str = ""
    #: as the reader typed it; "" where a source can say it
    title: str = ""
    state: SubmissionState = "waiting"
    decided_at: datetime | None = None
    #: when the sources were last asked for it
    looked_up_at: datetime | None = None
    #: the paper that it became
    paper_id: int | None = None
