"""Presses of the buttons behind links: what was asked for, when, and from which page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from digest.model.instants import check_instant
from digest.model.subscribers import Vote


class Button(StrEnum):
    """What a press asks for."""

    THUMB = "thumb"
    LEAVE = "leave"
    RETURN = "return"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"  # all thumbs are forgotten


#: counted = it was obeyed
#: held    = it may be a robot's: it waits until a person confirms it, or is forgotten
#: void    = it does not count: too late, its reader had left, or another press settled the matter
PressState = Literal["counted", "held", "void"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """One press of a button by, or in the name of, a subscriber."""

    id: int = 0
    button: Button
    #: of a thumb; None elsewhere
    paper_id: int | None = None
    #: what a thumb asks for, and what stood before it
    vote: Vote = 0
    previous_vote: Vote = 0
    at: datetime
    #: identity of the page (or mail) that it came from: the same one posted again is no new press
    form: str
    #: identity of the press on whose answer page it was made: a correction of that press; "" = none
    answers: str = ""
    #: made on a page that says that earlier presses are held
    confirms: bool = False
    #: "page" or "mail"
    via: str = "page"
    state: PressState = "counted"

    def __post_init__(self) -> None:
        check_instant("at", self.at)
