"""The elements of a picture as SVG: scales, lines, intervals and labels."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

#: units; on a phone about a pixel each
WIDTH = 360
TEXT_SIZE = 12
_LARGEST, _SMALLEST = 1e12, 1e-9
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Format = Callable[[float], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A number and, where it has one, its interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        for number in (self.value, *ends):
            if not math.isfinite(number) or abs(number) > _LARGEST:
                raise ValueError(
                    f"a picture shows finite numbers up to {_LARGEST:g}, got {number!r}"
                )
        if len(ends) == 1:
            raise ValueError("an interval has two ends, got one")
        if ends and not ends[0] <= self.value <= ends[1]:
            raise ValueError(
                f"the value {self.value!r} lies outside its interval {ends[0]!r} to {ends[1]!r}"
            )

    def describe(self, format_value: Format) -> str:
        """Return it in words: 0.71 (0.59 to 0.82)."""
        if self.low is None or self.high is None:
            return format_value(self.value)
        return f"{format_value(self.value)} ({format_value(self.low)} to {format_value(self.high)})"

    @property
    def ends(self) -> tuple[float, float]:
        return (self.value if self.low is None else self.low), (
            self.value if self.high is None else self.high
        )


class Scale:
    """Maps values to coordinates, between round numbers."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        span = high - low
        rough_step = span / 4 if span > _SMALLEST else 0.25
        power = 10.0 ** math.floor(math.log10(rough_step))
        step = next(
            power * factor
            for factor in (1, 2, 2.5, 5, 10)
            if power * factor >= rough_step * (1 - 1e-9)
        )
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        self.ticks = [number * step for number in range(first, max(last, first + 1) + 1)]
        self.low, self.high, self.start, self.end = self.ticks[0], self.ticks[-1], start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def draw_interval(
    value: Value,
    scale: Scale,
    position: float,
    *,
    upright: bool,
    colour: str = "currentColor",
) -> list[str]:
    """Draw an interval as a line with two caps; nothing where the value has none."""
    if value.low is None or value.high is None:
        return []
    ends = (scale(value.low), scale(value.high))
    strokes = [
        ((position, ends[0]), (position, ends[1])),
        *(((position - 3, end), (position + 3, end)) for end in ends),
    ]
    style = f'stroke="{colour}" stroke-width="1.5"'
    return [
        _line(*(start if upright else start[::-1]), *(end if upright else end[::-1]), style)
        for start, end in strokes
    ]


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    start = f'x1="{format_number(x1)}" y1="{format_number(y1)}"'
    end = f'x2="{format_number(x2)}" y2="{format_number(y2)}"'
    return f"<line {start} {end} {style}/>"


def draw_headline(title: str) -> str:
    return draw_text(title, 4, 18, WIDTH - 8, "start", bold=True)


def draw_rule(
    x1: float, y1: float, x2: float, y2: float, *, faint: bool = False, dash: str = ""
) -> str:
    """Draw a straight line."""
    weight = 'stroke-opacity=".2"' if faint else 'stroke-opacity=".7" stroke-width="1.5"'
    return _line(x1, y1, x2, y2, f'stroke="currentColor" {weight}{dash_attribute(dash)}')


def dash_attribute(pattern: str) -> str:
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def draw_text(
    text: str,
    x: float,
    y: float,
    room: float,
    anchor: str,
    *,
    small: bool = False,
    bold: bool = False,
) -> str:
    size = TEXT_SIZE - 1 if small else TEXT_SIZE + 1 if bold else TEXT_SIZE
    more = f' font-size="{size}"' if size != TEXT_SIZE else ""
    more += ' font-weight="600"' if bold else ""
    # A centred label moves aside rather than over the edge.
    if anchor == "middle":
        half = min(estimate_width(text, size), room) / 2
        x = min(max(x, half), WIDTH - half)
    fitted = escape(_shorten(text, room, 1.1 * size if bold else size))
    return (
        f'<text x="{format_number(x)}" y="{format_number(y)}" '
        f'text-anchor="{anchor}"{more}>{fitted}</text>'
    )


def _shorten(text: str, room: float, size: float) -> str:
    plain = " ".join(_NOT_XML.sub("", text).split())
    if estimate_width(plain, size) <= room:
        return plain
    while plain and estimate_width(plain + "…", size) > room:
        plain = plain[:-1]
    return plain.rstrip() + "…"


def estimate_width(text: str, size: float) -> float:
    """Return an upper estimate of the width in common fonts."""
    return size * sum(_character_width(character) for character in text)


def _character_width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0x2FFF:
        return 1.1
    if character in "iljtfr.,;:'|!()[] -":
        return 0.42
    return 1.04 if character in "mwMW@%…—" else 0.75 if character.isupper() else 0.64


def draw_tooltip(text: str) -> str:
    """Draw a title element, which browsers show as a tooltip."""
    return f"<title>{escape(text)}</title>"


def escape(text: str) -> str:
    return html.escape(_NOT_XML.sub("", text))


def format_number(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
