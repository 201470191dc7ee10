"""Frames: what stands around the papers of a mail, and its subject.

A frame is rendered and encoded once for all readers whose values have the same shape, with
placeholders for what is one reader's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from digest.errors import TemplateError
from digest.locales import current_language
from digest.mail.messages.encoding import BodyPart, decode, encode
from digest.mail.messages.fragments import (
    HTML,
    PartFormat,
    Prerendered,
    Value,
    prerender,
    render_whole,
    to_text,
)
from digest.mail.messages.link_parts import Around, split_link
from digest.mail.messages.paper_list import Lists
from digest.mail.messages.placeholders import (
    LISTS,
    MARKER,
    Gap,
    PlaceholderRead,
    make_placeholder,
)
from digest.mail.messages.templates import render
from digest.mail.messages.values import ReaderLinks

#: values that all mails of an install share; every other text becomes a placeholder
_SHARED = ("product", "base_url")
#: the reader's links, in the order of their values
_LINKS = (
    "manage",
    "unsubscribe",
    "rate",
    "provenance",
    "browser",
    "archive",
    "unsubscribe_by_mail",
)
#: what stands around the token of each link; None = there is no such link
_Arounds = tuple[Around | None, ...]
#: language, folders, names of own values, shared values, links
_Shape = tuple[str, tuple[Path, ...], tuple[str, ...], tuple[tuple[str, Any], ...], _Arounds]


class MailValues:
    """The values of a mail's templates, parted into the reader's own and those that many share.

    Args:
        values: by name. A function stands for a text that is made where a template prints it.
    """

    def __init__(self, values: dict[str, Any], folders: tuple[Path, ...]) -> None:
        self._values, self._folders = values, folders
        self._own = {
            key: value
            for key, value in values.items()
            if (value and key not in _SHARED if type(value) is str else callable(value))
        }
        self._shared = tuple(
            [
                (key, value)
                for key, value in values.items()
                if key not in self._own and key not in ("links", "cards")
            ]
        )
        self._around: _Arounds = ()
        self._links: list[Value] = []
        if links := values["links"]:
            *parts, by_mail = [getattr(links, key) for key in _LINKS]
            split = [split_link(key, url) for key, url in zip(_LINKS, parts, strict=False)]
            split.append((("", ""), by_mail))
            self._around = tuple([part if value else None for part, value in split])
            self._links = [value for _, value in split]

    def add(self, name: str, text: str) -> None:
        """Add one of the reader's own values."""
        self._values = {**self._values, name: text}
        if text:
            self._own[name] = text
        else:
            self._shared = (*self._shared, (name, text))

    def render_line(self, name: str) -> str:
        """Render a template of one line, `name`.txt."""
        pieces = _prerender_line(name, *self._shape())
        if pieces is None:
            return render(f"{name}.txt", self._whole(), self._folders)
        own = self._own
        return "".join(
            [piece if place % 2 == 0 else to_text(own[piece]) for place, piece in enumerate(pieces)]
        )

    def render_part(self, name: str, lists: Lists, part_format: PartFormat) -> BodyPart:
        """A whole body part with the lists of papers."""
        frame = _prerender_frame(name, part_format, *self._shape())
        if frame is None:
            values = self._whole() | {
                key: _decode_list(pieces, part_format) for key, pieces in lists.pieces.items()
            }
            return BodyPart([encode(render_whole(name, values, self._folders, part_format))])
        filling = [*self._own.values(), *self._links]
        pieces = frame.fragments[0].fill(filling)
        for key, fragment in zip(frame.lists, frame.fragments[1:], strict=True):
            pieces += lists.pieces[key]
            pieces += fragment.fill(filling)
        return BodyPart(pieces, may_be_dense=lists.is_dense or frame.is_dense)

    def _shape(self) -> _Shape:
        """Return what is equal for mails that share a frame."""
        return current_language(), self._folders, tuple(self._own), self._shared, self._around

    def _whole(self) -> dict[str, Any]:
        """All values, as templates get them that are rendered for this mail alone."""
        return {key: value() if callable(value) else value for key, value in self._values.items()}


def _decode_list(pieces: Sequence[bytes], part_format: PartFormat) -> str:
    text = decode(pieces).removesuffix("\n")
    # `text` comes from an escaping template
    return Markup(text) if part_format is HTML else text  # noqa: S704


@lru_cache(maxsize=256)
def _prerender_frame(
    name: str,
    part_format: PartFormat,
    language: str,
    folders: tuple[Path, ...],
    own: tuple[str, ...],
    shared: tuple[tuple[str, Any], ...],
    around: _Arounds,
) -> Prerendered | None:
    """The fragments around the lists of papers.

    Args:
        language: the current one; it only distinguishes cached frames.
        own: names of the values that become placeholders.
        shared: the values that do not.
        around: what stands around the tokens of the reader's links; empty without links.
    """
    gaps: list[Gap] = []
    links = around and ReaderLinks(
        **{
            key: "" if parts is None else make_placeholder(key, gaps, parts)
            for key, parts in zip(_LINKS, around, strict=True)
        }
    )
    placeholders = {key: make_placeholder(key, gaps) for key in (*own, "cards", *LISTS)}
    values = {**dict(shared), **placeholders, "links": links or None}
    return prerender(name, values, gaps, (*own, *_LINKS), folders, part_format)


@lru_cache(maxsize=256)
def _prerender_line(
    name: str,
    language: str,
    folders: tuple[Path, ...],
    own: tuple[str, ...],
    shared: tuple[tuple[str, Any], ...],
    around: _Arounds,
) -> list[str] | None:
    """A line in pieces: text, the name of a value, text; None if it must be rendered each time."""
    gaps: list[Gap] = []
    placeholders = {key: make_placeholder(key, gaps) for key in (*own, "cards", "links")}
    try:
        text = render(f"{name}.txt", {**dict(shared), **placeholders}, folders)
    except (PlaceholderRead, TemplateError):
        return None
    pieces = MARKER.split(text)
    names = [gaps[int(number)] for number in pieces[1::2]]
    if any(gap.wrap_arguments or gap.name not in own for gap in names):
        return None
    pieces[1::2] = [gap.name for gap in names]
    return pieces
