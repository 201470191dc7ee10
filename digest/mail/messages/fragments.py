"""Pre-rendered template fragments, filled anew for each mail.

The reader sees the same as if the template were rendered with the real values. That is also the
fallback for templates that cannot be pre-rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from digest.errors import TemplateError
from digest.mail.messages import encoding, texts
from digest.mail.messages.encoding import encode
from digest.mail.messages.placeholders import (
    BEGIN,
    END,
    LISTS,
    MARKER,
    Gap,
    PlaceholderRead,
    Wrapping,
)
from digest.mail.messages.templates import escape_html, render

#: encoded values that are kept: reasons come again within a mail and from mail to mail
_MAX_VALUES = 16384
#: fills a gap: a text, how to make one where a template prints it, or lines encoded already
Value = str | Callable[[], str] | bytes
#: where the lists of papers stand in a rendered text
_LIST_MARKER = re.compile(rf"{BEGIN}({'|'.join(LISTS)}){END}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PartFormat:
    """How the text or the HTML part is written."""

    #: of its template files
    suffix: str
    #: removes superfluous blanks and empty lines
    tidy: Callable[[str], str]
    #: escapes foreign text
    escape: Callable[[str], str]


def _tidy_text(text: str) -> str:
    """Remove blanks at line ends and repeated empty lines; end with one line break."""
    lines = [""]
    for line in text.splitlines():
        line = line.rstrip()
        if line or lines[-1]:
            lines.append(line)
    return "\n".join(lines).strip("\n") + "\n"


def _tidy_html(html: str) -> str:
    return "\n".join(filter(None, html.split("\n"))) + "\n"


TEXT = PartFormat(suffix="txt", tidy=_tidy_text, escape=str)
HTML = PartFormat(suffix="html", tidy=_tidy_html, escape=escape_html)


class Fragment:
    """Rendered, encoded text with placeholders; `names` orders their values."""

    __slots__ = ("_format", "_gaps", "_pieces", "is_dense")

    def __init__(
        self, text: str, gaps: list[Gap], names: Sequence[str], part_format: PartFormat
    ) -> None:
        # every second piece is a number, since the pattern has a group
        pieces = MARKER.split(text)
        self._format = part_format
        positions = {name: position for position, name in enumerate(names)}
        #: place in `_pieces`, position of its value, how it is wrapped
        self._gaps: list[tuple[int, int, Wrapping]] = []
        for place in range(1, len(pieces), 2):
            gap = gaps[int(pieces[place])]
            self._gaps.append((place, positions[gap.name], gap.wrap_arguments))
            pieces[place] = ""
        self._pieces = [encode(piece) for piece in pieces]
        #: whether base64 would be shorter
        self.is_dense = encoding.is_dense(b"".join(self._pieces))

    def fill(self, values: Sequence[Value]) -> list[bytes]:
        """The encoded text with the values of one mail, in pieces."""
        pieces = self._pieces.copy()
        for place, position, wrap_arguments in self._gaps:
            value = values[position]
            pieces[place] = (
                value
                if type(value) is bytes
                else _encode_value(to_text(value), self._format, wrap_arguments)
            )
        return pieces


def to_text(value: Any) -> str:
    """Return a value as text; a function makes it."""
    return value if type(value) is str else value()


@lru_cache(maxsize=_MAX_VALUES)
def _encode_value(text: str, part_format: PartFormat, wrap_arguments: Wrapping) -> bytes:
    if wrap_arguments:
        text = texts.wrap(text, *wrap_arguments)
    return encode(part_format.escape(text))


class Prerendered(NamedTuple):
    """A rendered template; a list of papers stands between each two fragments."""

    fragments: tuple[Fragment, ...]
    #: their names, in order
    lists: tuple[str, ...]
    #: whether base64 would be shorter for one of the fragments
    is_dense: bool


def prerender(
    name: str,
    values: dict[str, Any],
    gaps: list[Gap],
    names: Sequence[str],
    folders: tuple[Path, ...],
    part_format: PartFormat,
) -> Prerendered | None:
    """Render a template whose values hold placeholders.

    Args:
        name: of the template, without its suffix.
        gaps: collects the places of the placeholders in `values`.
        names: the order of values for `Fragment.fill`.

    Returns:
        None if the template must be rendered with real values.
    """
    try:
        text = part_format.tidy(render(f"{name}.{part_format.suffix}", values, folders))
    except (PlaceholderRead, TemplateError):
        # a real error is reported when the template gets the real values
        return None
    for number, gap in enumerate(gaps):
        if gap.name in LISTS:
            # a list ends its own last line
            marker = f"{BEGIN}{number}{END}"
            text = text.replace(f"{marker}\n", marker).replace(marker, f"{BEGIN}{gap.name}{END}")
    pieces = _LIST_MARKER.split(text)
    fragments = tuple(Fragment(piece, gaps, names, part_format) for piece in pieces[::2])
    is_dense = any(fragment.is_dense for fragment in fragments)
    return Prerendered(fragments, tuple(pieces[1::2]), is_dense)


def render_whole(
    name: str, values: dict[str, Any], folders: tuple[Path, ...], part_format: PartFormat
) -> str:
    """Render a template with real values."""
    return part_format.tidy(render(f"{name}.{part_format.suffix}", values, folders))
