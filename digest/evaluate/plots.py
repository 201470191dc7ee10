"""Numbers -> pictures as SVG: bars, lines, and a reliability diagram.

Pure functions without a library. A picture takes the colour of the text around it, so it fits
light and dark pages; it is described in words for those who do not see it; at 360 units wide it
can be read on a phone. Nothing lies outside its frame, whatever the values and labels are; numbers
that are not finite are refused.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.evaluate.svg import (
    TEXT_SIZE,
    WIDTH,
    Format,
    Scale,
    Value,
    dash_attribute,
    draw_headline,
    draw_interval,
    draw_rule,
    draw_text,
    draw_tooltip,
    escape,
    format_number,
)

#: light enough for a dark page and dark enough for a light one: at least 3.9 to 1 on either
_COLOURS = ("#2f7fd1", "#c8641b", "#2e8b57", "#a05bc0")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")


def decimal(value: float) -> str:
    """Format as "0.71"."""
    return f"{value:.2f}"


def percent(value: float) -> str:
    """Format as "71 %"."""
    return f"{100 * value:.0f} %"


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
    """A predicted rate, 0-1, the observed one, and the number of cases."""

    predicted: float
    rate: Value
    number: int

    def __post_init__(self) -> None:
        for number in (self.predicted, *self.rate.ends):
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
        """An element to be placed in a page."""
        ident = f"plot-{zlib.crc32(self.body.encode()):08x}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="100%" role="img" '
            f'aria-labelledby="{ident}-title {ident}-desc" font-family="system-ui, sans-serif" '
            f'font-size="{TEXT_SIZE}" fill="currentColor">'
            f'<title id="{ident}-title">{escape(self.title)}</title><desc '
            f'id="{ident}-desc">{escape(self.description)}</desc>'
            f"{self.body}</svg>"
        )


def draw_document(plots: Sequence[Plot]) -> str:
    """Return one SVG file with the pictures under one another."""
    top, parts = 0, []
    for plot in plots:
        parts.append(
            f'<svg y="{top}" width="{WIDTH}" '
            f'height="{plot.height}">{draw_tooltip(plot.title)}{plot.body}</svg>'
        )
        top += plot.height
    description = " ".join(f"{plot.title}: {plot.description}" for plot in plots)
    style = (
        "svg{color:#1b1b1b;background:#fff}"
        "@media(prefers-color-scheme:dark){svg{color:#e8e8e8;background:#16181c}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {max(top, 1)}" '
        f'width="{2 * WIDTH}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="{TEXT_SIZE}" '
        f'fill="currentColor"><title>{escape(plots[0].title if plots else "")}</title>'
        f"<desc>{escape(description)}</desc><style>{style}</style>{''.join(parts)}</svg>\n"
    )


# ----------------------------------------------------------------------------------------------
# the three kinds


def draw_bars(
    title: str,
    bars: Sequence[Bar],
    *,
    format_value: Format = decimal,
    reference: tuple[str, float] | None = None,
) -> Plot:
    """Draw horizontal bars with intervals; a dashed line marks the reference."""
    left, right, row, top = 104, 308, 24, 30
    values = [end for bar in bars for end in bar.value.ends]
    if reference is not None:
        reference_label, reference_value = reference
        # `Value` refuses a number that cannot be drawn, such as infinity.
        values += Value(value=reference_value).ends
    scale = Scale(min([0.0, *values]), max([0.0, *values]), left, right)
    bottom = top + row * len(bars)
    parts = [draw_headline(title)]
    for tick in scale.ticks:
        parts += [
            draw_rule(scale(tick), top, scale(tick), bottom, faint=True),
            draw_text(format_value(tick), scale(tick), bottom + 14, 48, "middle", small=True),
        ]
    for number, bar in enumerate(bars):
        middle = top + row * number + row / 2
        zero, end = scale(0), scale(bar.value.value)
        parts.append(f"<g>{draw_tooltip(f'{bar.label}: {bar.value.describe(format_value)}')}")
        parts.append(draw_text(bar.label, left - 6, middle + 4, left - 10, "end"))
        parts.append(
            f'<rect x="{format_number(min(zero, end))}" y="{format_number(middle - 7)}" '
            f'width="{format_number(abs(end - zero))}" '
            f'height="14" fill="{_COLOURS[0]}" fill-opacity=".75"/>'
        )
        parts += draw_interval(bar.value, scale, middle, upright=False)
        parts.append(
            draw_text(
                format_value(bar.value.value), WIDTH - 2, middle + 4, WIDTH - right - 12, "end"
            )
            + "</g>"
        )
    height = bottom + 22
    if reference is not None:
        x = scale(reference_value)
        parts.append(draw_rule(x, top, x, bottom, dash="4 3"))
        parts.append(
            draw_text(
                f"- - - {reference_label}: {format_value(reference_value)}",
                left,
                height + 10,
                WIDTH - left - 4,
                "start",
                small=True,
            )
        )
        height += 18
    description = "; ".join(f"{bar.label} {bar.value.describe(format_value)}" for bar in bars)
    return Plot(
        title=title, description=description or "no values", height=height, body="".join(parts)
    )


def draw_lines(
    title: str,
    axis: str,
    places: Sequence[str],
    lines: Sequence[Line],
    *,
    format_value: Format = decimal,
) -> Plot:
    """Draw lines over named places, each point with its interval.

    Lines differ by colour and dashes, and are named below.

    Raises:
        ValueError: a line does not have one value for each place.
    """
    for line in lines:
        if len(line.values) != len(places):
            raise ValueError(
                f"the line {line.name!r} has {len(line.values)} values for {len(places)} places"
            )
    left, right, top, bottom = 46, WIDTH - 10, 34, 190
    ends = [
        end for line in lines for value in line.values if value is not None for end in value.ends
    ]
    scale = Scale(min([0.0, *ends]), max([0.0, *ends]), bottom, top)
    parts = [draw_headline(title)]
    for tick in scale.ticks:
        parts += [
            draw_rule(left, scale(tick), right, scale(tick), faint=True),
            draw_text(format_value(tick), left - 5, scale(tick) + 4, left - 7, "end", small=True),
        ]
    step = (right - left) / max(len(places), 1)
    every = max(1, math.ceil(len(places) * 34 / (right - left)))
    for number, place in enumerate(places):
        if number % every == 0:
            x, room = left + (number + 0.5) * step, min(step * every, right - left)
            parts.append(draw_text(place, x, bottom + 16, room, "middle", small=True))
    parts.append(
        draw_text(axis, (left + right) / 2, bottom + 32, right - left, "middle", small=True)
    )
    for number, line in enumerate(lines):
        # Lines stand beside one another, so that no interval hides another one.
        aside = min(6.0, step / (len(lines) + 1)) * (number - (len(lines) - 1) / 2)
        xs = [left + (place + 0.5) * step + aside for place in range(len(places))]
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        parts += _draw_line(line, places, xs, scale, (colour, dash), format_value)
        below = bottom + 52 + 18 * number
        parts.append(
            f'<line x1="{left}" y1="{below - 4}" x2="{left + 34}" y2="{below - 4}" '
            f'stroke="{colour}" stroke-width="2"{dash_attribute(dash)}/>'
        )
        parts.append(draw_text(line.name, left + 42, below, right - left - 42, "start"))
    return Plot(
        title=title,
        description=_describe_lines(lines, places, format_value) or "no values",
        height=bottom + 44 + 18 * len(lines),
        body="".join(parts),
    )


def _draw_line(
    line: Line,
    places: Sequence[str],
    xs: Sequence[float],
    scale: Scale,
    style: tuple[str, str],
    format_value: Format,
) -> list[str]:
    """Draw one line: its runs between gaps, then its points with their intervals.

    Args:
        xs: the horizontal coordinate of each place.
        style: colour and dashes.
    """
    colour, dash = style
    parts = []
    for run in _unbroken_runs(line.values):
        path = " ".join(
            f"{format_number(xs[place])},{format_number(scale(value.value))}"
            for place, value in run
        )
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="2"{dash_attribute(dash)}/>'
        )
    for x, value, place in zip(xs, line.values, places, strict=True):
        if value is None:
            continue
        tooltip = f"{line.name}, {place}: {value.describe(format_value)}"
        parts.append(f"<g>{draw_tooltip(tooltip)}")
        parts += draw_interval(value, scale, x, upright=True, colour=colour)
        parts.append(
            f'<circle cx="{format_number(x)}" cy="{format_number(scale(value.value))}" r="3.5" '
            f'fill="{colour}"/></g>'
        )
    return parts


def _describe_lines(lines: Sequence[Line], places: Sequence[str], format_value: Format) -> str:
    return "; ".join(
        f"{line.name}: "
        + ", ".join(
            f"{place} {value.describe(format_value)}"
            for place, value in zip(places, line.values, strict=True)
            if value is not None
        )
        for line in lines
    )


def draw_reliability(title: str, predicted: str, observed: str, points: Sequence[Point]) -> Plot:
    """Draw predicted against observed rates; both agree on the dashed diagonal.

    Larger points stand for more cases.
    """
    left, right, top, bottom = 50, WIDTH - 16, 46, 300
    across, up = Scale(0, 1, left, right), Scale(0, 1, bottom, top)
    parts = [draw_headline(title), draw_text(observed, 4, 36, WIDTH - 8, "start", small=True)]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [
            draw_rule(left, up(tick), right, up(tick), faint=True),
            draw_text(percent(tick), left - 5, up(tick) + 4, left - 7, "end", small=True),
        ]
        parts += [
            draw_rule(across(tick), top, across(tick), bottom, faint=True),
            draw_text(percent(tick), across(tick), bottom + 16, 46, "middle", small=True),
        ]
    parts.append(
        draw_text(predicted, (left + right) / 2, bottom + 34, right - left, "middle", small=True)
    )
    parts.append(draw_rule(left, bottom, right, top, dash="4 3"))
    most = max((point.number for point in points), default=1)
    for point in points:
        place = across(point.predicted)
        tooltip = (
            f"{percent(point.predicted)} predicted: {point.rate.describe(percent)} "
            f"of {point.number}"
        )
        parts.append(f"<g>{draw_tooltip(tooltip)}")
        parts += draw_interval(point.rate, up, place, upright=True, colour=_COLOURS[0])
        radius = 3 + 5 * math.sqrt(point.number / most)
        parts.append(
            f'<circle cx="{format_number(place)}" cy="{format_number(up(point.rate.value))}" '
            f'r="{format_number(radius)}" '
            f'fill="{_COLOURS[0]}"/></g>'
        )
    description = "; ".join(
        f"{percent(p.predicted)} predicted, {p.rate.describe(percent)} observed of {p.number}"
        for p in points
    )
    return Plot(
        title=title, description=description or "no values", height=bottom + 44, body="".join(parts)
    )


def _unbroken_runs(values: Sequence[Value | None]) -> Iterator[list[tuple[int, Value]]]:
    """Yield the places and values between the gaps."""
    run: list[tuple[int, Value]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
