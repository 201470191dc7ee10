"""Places in a template that are filled later: what a template prints of a mail, before it is known
for whom the mail is.

A template that is filled with holes is rendered once, and its text serves every reader. That is
right only while a template prints what it is given; one that looks at it (compares, filters,
counts) would get the hole to see. So a hole can be printed and wrapped, and anything else that is
done with it raises `Opened`: such a template is to be rendered anew for every mail, with the values
themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn, cast

from digest.mail.messages import texts

# Noncharacters (Unicode 23.7), which `texts.one_line` takes out of everything foreign.
BEGIN, END = "\ufdd0", "\ufdd1"
#: the papers of a digest, which are lines already
LISTING = "listing"


class Filling(NamedTuple):
    """What a hole is filled with."""

    #: which text
    name: str
    #: columns, and words before and after, where the text is to be wrapped
    wrapped: tuple[int, str, str] | None = None


class Opened(BaseException):
    """A template wanted to know what stands in a hole.

    No Exception: some tests of Jinja2 take any of those for an answer.
    """


class Hole:
    """Stands for a text that is not empty.

    `marks` collects, mark by mark, what belongs into those that are printed.
    """

    __slots__ = ("_filling", "_marks")

    def __init__(self, filling: Filling, marks: list[Filling]) -> None:
        self._filling, self._marks = filling, marks

    def __bool__(self) -> bool:
        return True

    def _opened(self, *_: object) -> NoReturn:
        raise Opened

    # What Python would answer for any object, and what filters and tests ask for; the rest are
    # attributes and operators, which a hole lacks.
    __str__ = __repr__ = __format__ = __hash__ = __eq__ = __ne__ = __iter__ = __len__ = (
        __getitem__
    ) = __contains__ = _opened
    __getattr__ = _opened
    # isinstance asks for it
    __class__ = property(_opened)


def hole(name: str, marks: list[Filling]) -> Any:
    """A hole for the text of that name."""
    return Hole(Filling(name), marks)


def mark(printed: Hole) -> str:
    """What stands in the rendered text instead: BEGIN, a number in `marks`, END."""
    printed._marks.append(printed._filling)
    return f"{BEGIN}{len(printed._marks) - 1}{END}"


def wrap(text: str | Hole, indent: int = 0, lead: str = "", tail: str = "") -> str | Hole:
    """The filter of that name: `texts.wrap`, now or when the hole is filled."""
    if type(text) is not Hole:
        return texts.wrap(cast(str, text), indent, lead, tail)
    name, wrapped = text._filling
    if wrapped or name == LISTING:
        raise Opened
    return Hole(Filling(name, (indent, lead, tail)), text._marks)
