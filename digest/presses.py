"""Tell presses of people from those of robots.

Some robots press every button of a mail. All functions are pure.

Mail scanners open each link of a mail, and a few submit each form they meet. A person presses one
button, reads what the page says, and may correct themselves there. So:

- A thumb is held when the contrary thumb on the same paper was pressed within `WINDOW` of it. Both
  are held, since nobody can tell which was meant. A correction on the pages that answered the first
  press is a person's, and so is an answer by mail. Only a confirmed thumb replaces a confirmed one.
- A held press does not count. The page and the settings page show it, and it counts once a person
  confirms it there. After `HELD_FOR` it is forgotten.
- Leaving is never held. After a burst, a mail offers the way back. A burst is a held thumb within
  `WINDOW`, or `MANY` other presses within `MOMENT`.
- To forget all thumbs takes a second press, not before `READING` of the page that asks for it.
- Coming back is held when leaving was pressed less than `MOMENT` before, or within the same burst.
  It can be confirmed, though not before `READING`, since a robot does not read the page.

A single press is never held: a robot that presses one button looks like a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from digest.model import Button, Press, Vote

WINDOW = timedelta(seconds=60)
MOMENT = timedelta(seconds=10)
READING = timedelta(seconds=3)
MANY = 3
#: how long a held press can be confirmed, and how long a page that is posted again is known
HELD_FOR, KEPT_FOR = timedelta(days=7), timedelta(days=90)


def find_held(presses: Sequence[Press]) -> set[int]:
    """Return the positions of held thumbs among all presses of one reader."""
    thumbs = [(position, press) for position, press in enumerate(presses) if _may_be_held(press)]
    answers = {press.form: press.answers for press in presses}
    chains = {position: _chain(press, answers) for position, press in thumbs}
    return {
        position
        for position, press in thumbs
        for other_place, other in thumbs
        if _contradict(press, other)
        and press.form not in chains[other_place]
        and other.form not in chains[position]
        and (other.confirms or not press.confirms)
    }


def _may_be_held(press: Press) -> bool:
    thumb = press.button is Button.THUMB and press.vote != 0
    return thumb and press.via == "page" and press.state != "void"


def _chain(press: Press, answers: Mapping[str, str]) -> set[str]:
    """The forms of the presses that led to this one, from answer page to answer page."""
    chain: set[str] = set()
    form = press.answers
    while form and form not in chain:
        chain.add(form)
        form = answers.get(form, "")
    return chain


def _contradict(press: Press, other: Press) -> bool:
    same_paper = press.paper_id == other.paper_id and press.vote == -other.vote
    return same_paper and abs(press.at - other.at) <= WINDOW


def vote_without_held(presses: Sequence[Press], held: set[int]) -> Vote:
    """Return the vote on a paper from its presses, oldest first, without held ones.

    Raises:
        ValueError: no press counts.
    """
    counting = [press for press in presses if press.state != "void"]
    if not counting:
        raise ValueError("no press, no vote")
    counted_votes = [
        press.vote
        for position, press in enumerate(presses)
        if position not in held and press.state == "counted"
    ]
    return counted_votes[-1] if counted_votes else counting[0].previous_vote


def is_burst(presses: Sequence[Press], at: datetime) -> bool:
    """Whether one reader has more presses around a time than a person makes."""
    near = [press for press in presses if abs(press.at - at) <= WINDOW]
    others = [
        press for press in near if press.button is not Button.LEAVE and abs(press.at - at) <= MOMENT
    ]
    return (
        any(press.state == "held" for press in near) or bool(find_held(near)) or len(others) >= MANY
    )


def may_return(presses: Sequence[Press], at: datetime, *, confirms: bool) -> bool:
    """Return whether a press at that time may bring back a reader who has left.

    The presses before it decide.
    """
    leaves = [
        press for press in presses if press.button is Button.LEAVE and abs(press.at - at) <= WINDOW
    ]
    if not leaves:
        return True
    if confirms:
        asked = [
            press for press in presses if press.button is Button.RETURN and press.state == "held"
        ]
        return any(abs(at - press.at) >= READING for press in asked)
    return not is_burst(presses, at) and all(abs(press.at - at) > MOMENT for press in leaves)
