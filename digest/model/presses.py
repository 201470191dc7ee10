"""Presses of the buttons on pages: what was asked for, when, and from which page."""

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
    RESTART = "restart"  # withdraw all thumbs
    MUTE = "mute"  # an author or a topic, or take that back


#: counted = it took effect
#: held    = a robot may have made it; it waits until a person confirms it, or expires
#: void    = it does not count: too late, its reader had left, or another press replaced it
PressState = Literal["counted", "held", "void"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A press of a button by, or in the name of, a subscriber."""

    id: int = 0
    button: Button
    #: the rated paper; None unless the button is a thumb
    paper_id: int | None = None
    #: the thumb, and the vote that it replaces
    vote: Vote = 0
    previous_vote: Vote = 0
    at: datetime
    #: id of the page (or mail) that it came from; posted again, it is no new press
    form: str
    #: id of the press that it corrects, since it was made on the answer page; "" = none
    answers: str = ""
    #: made on a page that said that earlier presses are held
    confirms: bool = False
    #: "page" or "mail"
    via: str = "page"
    state: PressState = "counted"

    def __post_init__(self) -> None:
        check_instant("at", self.at)
