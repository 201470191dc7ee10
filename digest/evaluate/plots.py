"""Numbers -> pictures: bars with intervals, lines, and a reliability diagram, as SVG text.

Pure: values in, text out, no library. A picture takes the colour of the text around it, so it fits
a light page and a dark one; it says what it shows to those who do not see it; at 360 units wide it
can be read on a phone. Nothing lies outside its frame, whatever the values and labels are; numbers
that are not finite are refused.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: units; on a phone about a pixel each
WIDTH = 360
_LARGEST, _SMALLEST = 1e12, 1e-9
_TEXT = 12
#: light enough for a dark page and dark enough for a light one: at least 3.9 to 1 on either
_COLOURS = ("#2f7fd1", "#c8641b", "#2e8b57", "#a05bc0")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Format = Callable[[float], str]


def decimal(value: float) -> str:
    """0.71"""
    return f"{value:.2f}"


def percent(value: float) -> str:
    """71 %"""
    return f"{100 * value:.0f} %"


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

    def told(self, shown: Format) -> str:
        """As words: 0.71 (0.59 to 0.82)."""
        if self.low is None or self.high is None:
            return shown(self.value)
        return f"{shown(self.value)} ({shown(self.low)} to {shown(self.high)})"

    @property
    def ends(self) -> tuple[float, float]:
        return (self.value if self.low is None else self.low), (
            self.value if self.high is None else self.high
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    label: str
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    name: str
    #: one for each place of the axis, None = a gap
    values: tuple[Value | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What was foretold, 0-1, how often it came true, and of how many."""

    foretold: float
    rate: Value
    number: int

    def __post_init__(self) -> None:
        for number in (self.foretold, *self.rate.ends):
            if not 0 <= number <= 1:
                raise ValueError(f"a rate lies between 0 and 1, got {number!r}")
        if self.number < 1:
            raise ValueError(f"a point stands for at least one case, got {self.number!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """A finished picture."""

    title: str
    #: the same in words
    description: str
    height: int
    body: str

    @property
    def svg(self) -> str:
        """One element to stand in a page."""
        ident = f"plot-{zlib.crc32(self.body.encode()):08x}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="100%" role="img" '
            f'aria-labelledby="{ident}-title {ident}-desc" font-family="system-ui, sans-serif" '
            f'font-size="{_TEXT}" fill="currentColor">'
            f'<title id="{ident}-title">{_escape(self.title)}</title><desc '
            f'id="{ident}-desc">{_escape(self.description)}</desc>'
            f"{self.body}</svg>"
        )


def document(plots: Sequence[Plot]) -> str:
    """A file of its own: the pictures under one another, in the colours that the viewer prefers."""
    top, parts = 0, []
    for plot in plots:
        parts.append(
            f'<svg y="{top}" width="{WIDTH}" '
            f'height="{plot.height}">{_title(plot.title)}{plot.body}</svg>'
        )
        top += plot.height
    told = " ".join(f"{plot.title}: {plot.description}" for plot in plots)
    style = (
        "svg{color:#1b1b1b;background:#fff}"
        "@media(prefers-color-scheme:dark){svg{color:#e8e8e8;background:#16181c}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {max(top, 1)}" '
        f'width="{2 * WIDTH}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="{_TEXT}" '
        f'fill="currentColor"><title>{_escape(plots[0].title if plots else "")}</title>'
        f"<desc>{_escape(told)}</desc><style>{style}</style>{''.join(parts)}</svg>\n"
    )


# ---------------------------------------------------------------------------------------------- the
# three kinds


def bars(
    title: str,
    some: Sequence[Bar],
    *,
    shown: Format = decimal,
    reference: tuple[str, float] | None = None,
) -> Plot:
    """Horizontal bars under one another, each with its interval; a dashed line marks the reference,
    named below.
    """
    left, right, row, top = 104, 308, 24, 30
    values = [end for bar in some for end in bar.value.ends] + (
        [] if reference is None else [Value(value=reference[1]).value]
    )
    scale = _Scale(min([0.0, *values]), max([0.0, *values]), left, right)
    bottom = top + row * len(some)
    parts = [_headline(title)]
    for tick in scale.ticks:
        parts += [
            _rule(scale(tick), top, scale(tick), bottom, faint=True),
            _text(shown(tick), scale(tick), bottom + 14, 48, "middle", small=True),
        ]
    for number, bar in enumerate(some):
        middle = top + row * number + row / 2
        zero, end = scale(0), scale(bar.value.value)
        parts.append(f"<g>{_title(f'{bar.label}: {bar.value.told(shown)}')}")
        parts.append(_text(bar.label, left - 6, middle + 4, left - 10, "end"))
        parts.append(
            f'<rect x="{_n(min(zero, end))}" y="{_n(middle - 7)}" width="{_n(abs(end - zero))}" '
            f'height="14" fill="{_COLOURS[0]}" fill-opacity=".75"/>'
        )
        parts += _whisker(bar.value, scale, middle, upright=False)
        parts.append(
            _text(shown(bar.value.value), WIDTH - 2, middle + 4, WIDTH - right - 12, "end") + "</g>"
        )
    height = bottom + 22
    if reference is not None:
        parts.append(_rule(scale(reference[1]), top, scale(reference[1]), bottom, dash="4 3"))
        parts.append(
            _text(
                f"- - - {reference[0]}: {shown(reference[1])}",
                left,
                height + 10,
                WIDTH - left - 4,
                "start",
                small=True,
            )
        )
        height += 18
    told = "; ".join(f"{bar.label} {bar.value.told(shown)}" for bar in some)
    return Plot(title=title, description=told or "no values", height=height, body="".join(parts))


def lines(
    title: str, axis: str, places: Sequence[str], some: Sequence[Line], *, shown: Format = decimal
) -> Plot:
    """Lines over named places, each point with its interval; a line is told by colour, dashes and
    its name below.

    Raises ValueError where a line has not one value for each place.
    """
    for line in some:
        if len(line.values) != len(places):
            raise ValueError(
                f"the line {line.name!r} has {len(line.values)} values for {len(places)} places"
            )
    left, right, top, bottom = 46, WIDTH - 10, 34, 190
    values = [
        end for line in some for value in line.values if value is not None for end in value.ends
    ]
    scale = _Scale(min([0.0, *values]), max([0.0, *values]), bottom, top)
    parts = [_headline(title)]
    for tick in scale.ticks:
        parts += [
            _rule(left, scale(tick), right, scale(tick), faint=True),
            _text(shown(tick), left - 5, scale(tick) + 4, left - 7, "end", small=True),
        ]
    step = (right - left) / max(len(places), 1)
    every = max(1, math.ceil(len(places) * 34 / (right - left)))
    for number, place in enumerate(places):
        if number % every == 0:
            parts.append(
                _text(
                    place,
                    left + (number + 0.5) * step,
                    bottom + 16,
                    min(step * every, right - left),
                    "middle",
                    small=True,
                )
            )
    parts.append(_text(axis, (left + right) / 2, bottom + 32, right - left, "middle", small=True))
    for number, line in enumerate(some):
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        # Beside one another, so that no interval hides another one.
        aside = min(6.0, step / (len(some) + 1)) * (number - (len(some) - 1) / 2)
        points = [
            (left + (place + 0.5) * step + aside, value, places[place])
            for place, value in enumerate(line.values)
            if value is not None
        ]
        for run in _runs(line.values):
            path = " ".join(
                f"{_n(left + (place + 0.5) * step + aside)},{_n(scale(value.value))}"
                for place, value in run
            )
            parts.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" '
                f'stroke-width="2"{_dash(dash)}/>'
            )
        for across, value, place in points:
            parts.append(f"<g>{_title(f'{line.name}, {place}: {value.told(shown)}')}")
            parts += _whisker(value, scale, across, upright=True, colour=colour)
            parts.append(
                f'<circle cx="{_n(across)}" cy="{_n(scale(value.value))}" r="3.5" '
                f'fill="{colour}"/></g>'
            )
        below = bottom + 52 + 18 * number
        parts.append(
            f'<line x1="{left}" y1="{below - 4}" x2="{left + 34}" y2="{below - 4}" '
            f'stroke="{colour}" stroke-width="2"{_dash(dash)}/>'
        )
        parts.append(_text(line.name, left + 42, below, right - left - 42, "start"))
    told = "; ".join(
        f"{line.name}: "
        + ", ".join(
            f"{place} {value.told(shown)}"
            for place, value in zip(places, line.values, strict=True)
            if value is not None
        )
        for line in some
    )
    return Plot(
        title=title,
        description=told or "no values",
        height=bottom + 44 + 18 * len(some),
        body="".join(parts),
    )


def reliability(title: str, foretold: str, came: str, some: Sequence[Point]) -> Plot:
    """What was foretold against how often it came true: on the dashed diagonal both agree; larger
    points stand for more cases.
    """
    left, right, top, bottom = 50, WIDTH - 16, 46, 300
    across, up = _Scale(0, 1, left, right), _Scale(0, 1, bottom, top)
    parts = [_headline(title), _text(came, 4, 36, WIDTH - 8, "start", small=True)]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [
            _rule(left, up(tick), right, up(tick), faint=True),
            _text(percent(tick), left - 5, up(tick) + 4, left - 7, "end", small=True),
        ]
        parts += [
            _rule(across(tick), top, across(tick), bottom, faint=True),
            _text(percent(tick), across(tick), bottom + 16, 46, "middle", small=True),
        ]
    parts.append(
        _text(foretold, (left + right) / 2, bottom + 34, right - left, "middle", small=True)
    )
    parts.append(_rule(left, bottom, right, top, dash="4 3"))
    most = max((point.number for point in some), default=1)
    for point in some:
        place = across(point.foretold)
        tooltip = (
            f"{percent(point.foretold)} foretold: {point.rate.told(percent)} of {point.number}"
        )
        parts.append(f"<g>{_title(tooltip)}")
        parts += _whisker(point.rate, up, place, upright=True, colour=_COLOURS[0])
        radius = 3 + 5 * math.sqrt(point.number / most)
        parts.append(
            f'<circle cx="{_n(place)}" cy="{_n(up(point.rate.value))}" r="{_n(radius)}" '
            f'fill="{_COLOURS[0]}"/></g>'
        )
    told = "; ".join(
        f"{percent(p.foretold)} foretold, {p.rate.told(percent)} came true of {p.number}"
        for p in some
    )
    return Plot(
        title=title, description=told or "no values", height=bottom + 44, body="".join(parts)
    )


# ----------------------------------------------------------------------------------------------
# pieces


class _Scale:
    """Values to places on the page, from round number to round number."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        span = high - low
        rough = span / 4 if span > _SMALLEST else 0.25
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(
            power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9)
        )
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        self.ticks = [number * step for number in range(first, max(last, first + 1) + 1)]
        self.low, self.high, self.start, self.end = self.ticks[0], self.ticks[-1], start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def _runs(values: Sequence[Value | None]) -> Iterator[list[tuple[int, Value]]]:
    run: list[tuple[int, Value]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _whisker(
    value: Value, scale: _Scale, at: float, *, upright: bool, colour: str = "currentColor"
) -> list[str]:
    if value.low is None or value.high is None:
        return []
    ends = (scale(value.low), scale(value.high))
    strokes = [((at, ends[0]), (at, ends[1])), *(((at - 3, end), (at + 3, end)) for end in ends)]
    flipped = [tuple(point if upright else point[::-1] for point in stroke) for stroke in strokes]
    return [
        f'<line x1="{_n(a[0])}" y1="{_n(a[1])}" x2="{_n(b[0])}" y2="{_n(b[1])}" stroke="{colour}" '
        f'stroke-width="1.5"/>'
        for a, b in flipped
    ]


def _headline(title: str) -> str:
    return _text(title, 4, 18, WIDTH - 8, "start", bold=True)


def _rule(
    x1: float, y1: float, x2: float, y2: float, *, faint: bool = False, dash: str = ""
) -> str:
    weight = 'stroke-opacity=".2"' if faint else 'stroke-opacity=".7" stroke-width="1.5"'
    return (
        f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="currentColor" '
        f"{weight}{_dash(dash)}/>"
    )


def _dash(pattern: str) -> str:
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def _text(
    text: str,
    x: float,
    y: float,
    room: float,
    anchor: str,
    *,
    small: bool = False,
    bold: bool = False,
) -> str:
    size = _TEXT - 1 if small else _TEXT + 1 if bold else _TEXT
    more = f' font-size="{size}"' if size != _TEXT else ""
    more += ' font-weight="600"' if bold else ""
    # A label in the middle moves aside rather than over the edge.
    if anchor == "middle":
        half = min(_width(text, size), room) / 2
        x = min(max(x, half), WIDTH - half)
    fitted = _escape(_fitting(text, room, 1.1 * size if bold else size))
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{more}>{fitted}</text>'


def _fitting(text: str, room: float, size: float) -> str:
    plain = " ".join(_NOT_XML.sub("", text).split())
    if _width(plain, size) <= room:
        return plain
    while plain and _width(plain + "…", size) > room:
        plain = plain[:-1]
    return plain.rstrip() + "…"


def _width(text: str, size: float) -> float:
    """An upper guess of the width in common fonts, since nothing here can measure one."""
    return size * sum(_sign(sign) for sign in text)


def _sign(sign: str) -> float:
    if unicodedata.east_asian_width(sign) in "WF" or ord(sign) > 0x2FFF:
        return 1.1
    if sign in "iljtfr.,;:'|!()[] -":
        return 0.42
    return 1.04 if sign in "mwMW@%…—" else 0.75 if sign.isupper() else 0.64


def _title(text: str) -> str:
    return f"<title>{_escape(text)}</title>"


def _escape(text: str) -> str:
    return html.escape(_NOT_XML.sub("", text))


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
