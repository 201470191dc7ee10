"""Pre-rendered template fragments, filled anew for each mail.

The reader sees the same as if the template were rendered with the real values. That is also the
fallback for templates that cannot be pre-rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from digest.errors import TemplateError
from digest.locales import current_language
from digest.mail.messages import texts
from digest.mail.messages.encoding import BodyPart, EncodedTemplate, FilledTemplate, encode, join
from digest.mail.messages.placeholders import (
    BEGIN,
    END,
    LISTS,
    Gap,
    PlaceholderRead,
    make_placeholder,
)
from digest.mail.messages.templates import escape_html, render
from digest.mail.messages.values import ReaderLinks

_MARKER = re.compile(rf"{BEGIN}([0-9]+){END}")
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
#: many mails say the same of a paper besides its reason
_wrap = lru_cache(maxsize=4096)(texts.wrap)
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

    def __init__(self, text: str, gaps: list[Gap], names: Sequence[str]) -> None:
        # every second piece is a number, since the pattern has a group
        pieces = _MARKER.split(text)
        self._template = EncodedTemplate(pieces[::2])
        positions = {name: position for position, name in enumerate(names)}
        used = [gaps[int(number)] for number in pieces[1::2]]
        self._gaps = [(positions[name], wrap_arguments) for name, wrap_arguments in used]

    def fill(self, values: Sequence[str]) -> FilledTemplate:
        """The text with the values of one mail."""
        filled = [
            _wrap(values[position], *wrap_arguments) if wrap_arguments else values[position]
            for position, wrap_arguments in self._gaps
        ]
        return FilledTemplate(self._template, [*filled, ""])


class Prerendered(NamedTuple):
    """A rendered template; a list of papers stands between each two fragments."""

    fragments: tuple[Fragment, ...]
    #: their names, in order
    lists: tuple[str, ...]


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
    return Prerendered(
        tuple(Fragment(piece, gaps, names) for piece in pieces[::2]), tuple(pieces[1::2])
    )


def render_whole(
    name: str, values: dict[str, Any], folders: tuple[Path, ...], part_format: PartFormat
) -> str:
    """Render a template with real values."""
    return part_format.tidy(render(f"{name}.{part_format.suffix}", values, folders))


def render_part(
    name: str,
    values: dict[str, Any],
    lists: Mapping[str, Sequence[FilledTemplate]],
    folders: tuple[Path, ...],
    part_format: PartFormat,
) -> BodyPart:
    """A whole body part; `lists` has the lists of papers in pieces, by name."""
    links = values["links"]
    own = {
        key: value
        for key, value in values.items()
        if type(value) is str and value and key not in _SHARED
    }
    shared = tuple(
        [
            (key, value)
            for key, value in values.items()
            if key not in own and key not in ("links", "cards")
        ]
    )
    urls = () if links is None else tuple(getattr(links, key) for key in _LINKS)
    frame = _prerender_frame(
        current_language(), name, folders, part_format, tuple(own), shared, tuple(map(bool, urls))
    )
    if frame is None:
        rendered_lists = {key: _render_list(lists.get(key, ()), part_format) for key in LISTS}
        whole = render_whole(name, values | rendered_lists, folders, part_format)
        return BodyPart(encode(whole))
    filling = [*own.values(), *urls]
    pieces = [frame.fragments[0].fill(filling)]
    for key, fragment in zip(frame.lists, frame.fragments[1:], strict=True):
        pieces += (*lists.get(key, ()), fragment.fill(filling))
    return BodyPart(join(pieces, part_format.escape))


def _render_list(pieces: Sequence[FilledTemplate], part_format: PartFormat) -> str:
    text = join(pieces, part_format.escape).text.removesuffix("\n")
    # `text` comes from an escaping template
    return Markup(text) if part_format is HTML else text  # noqa: S704


@lru_cache(maxsize=256)
def _prerender_frame(
    language: str,
    name: str,
    folders: tuple[Path, ...],
    part_format: PartFormat,
    own: tuple[str, ...],
    shared: tuple[tuple[str, Any], ...],
    has_links: tuple[bool, ...],
) -> Prerendered | None:
    """The fragments around the lists of papers.

    Args:
        language: the current one; it only distinguishes cached frames.
        own: names of the values that become placeholders.
        shared: the values that do not.
        has_links: which of the reader's links there are; empty without links.
    """
    gaps: list[Gap] = []
    links = has_links and ReaderLinks(
        **{
            key: make_placeholder(key, gaps) if given else ""
            for key, given in zip(_LINKS, has_links, strict=True)
        }
    )
    placeholders = {key: make_placeholder(key, gaps) for key in (*own, "cards", *LISTS)}
    values = {**dict(shared), **placeholders, "links": links or None}
    return prerender(name, values, gaps, (*own, *_LINKS), folders, part_format)
