"""Plots of any numbers and labels: well-formed, in their frame, with a text."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.evaluate import plots, svg
from digest.evaluate.plots import Bar, Line, Plot, Point
from digest.evaluate.svg import Value

SVG = "{http://www.w3.org/2000/svg}"

numbers = st.floats(-1e12, 1e12)
rates = st.floats(0, 1)
#: any text, including surrogates and control characters
names = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["<script>alert(1)</script>", 'a"b&c', "\x00\ud800", "字" * 30, "W" * 60]
)


@st.composite
def values(draw: st.DrawFn, floats: st.SearchStrategy[float] = numbers) -> Value:
    three = sorted(draw(st.lists(floats, min_size=3, max_size=3)))
    return (
        Value(value=three[1], low=three[0], high=three[2])
        if draw(st.booleans())
        else Value(value=three[1])
    )


@st.composite
def curves(draw: st.DrawFn) -> Plot:
    places = draw(st.lists(names, max_size=12))
    line_values = st.lists(values() | st.none(), min_size=len(places), max_size=len(places)).map(
        tuple
    )
    lines = draw(st.lists(st.builds(Line, name=names, values=line_values), max_size=6))
    return plots.draw_lines(draw(names), draw(names), places, lines)


@st.composite
def diagrams(draw: st.DrawFn) -> Plot:
    points = st.builds(Point, predicted=rates, rate=values(rates), number=st.integers(1, 10**6))
    return plots.draw_reliability(
        draw(names), draw(names), draw(names), draw(st.lists(points, max_size=10))
    )


@st.composite
def charts(draw: st.DrawFn) -> Plot:
    bars = draw(st.lists(st.builds(Bar, label=names, value=values()), max_size=12))
    return plots.draw_bars(draw(names), bars, reference=draw(st.none() | st.tuples(names, numbers)))


def assert_inside(element: ET.Element, width: float, height: float) -> None:
    """Assert that every point of an element lies in the frame."""
    across = [
        float(element.get(name, "0")) for name in ("x", "x1", "x2", "cx") if name in element.attrib
    ]
    down = [
        float(element.get(name, "0")) for name in ("y", "y1", "y2", "cy") if name in element.attrib
    ]
    radius = float(element.get("r", "0"))
    for pair in element.get("points", "").split():
        x, y = pair.split(",")
        across.append(float(x))
        down.append(float(y))
    if element.tag == f"{SVG}rect":
        across.append(across[0] + float(element.get("width", "0")))
        down.append(down[0] + float(element.get("height", "0")))
        assert float(element.get("width", "0")) >= 0
    if element.tag == f"{SVG}text":
        room = svg.estimate_width(
            "".join(element.itertext()), float(element.get("font-size", "12"))
        )
        shift = {"start": 0.0, "middle": -room / 2, "end": -room}[
            element.get("text-anchor", "start")
        ]
        across = [across[0] + shift, across[0] + shift + room]
    assert all(math.isfinite(number) for number in (*across, *down, radius))
    assert all(-0.01 <= number - radius <= number + radius <= width + 0.01 for number in across), (
        ET.tostring(element)
    )
    assert all(-0.01 <= number - radius <= number + radius <= height + 0.01 for number in down), (
        ET.tostring(element)
    )


@given(plot=st.one_of(charts(), curves(), diagrams()))
def test_any_picture_is_well_formed_inside_its_frame_and_described(plot: Plot) -> None:
    for text in (plot.svg, plots.draw_document([plot, plot])):
        root = ET.fromstring(text)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert root.find(f"{SVG}title") is not None
        assert (root.findtext(f"{SVG}desc") or "").strip()
        assert {element.tag for element in root.iter()} <= {
            f"{SVG}{name}"
            for name in (
                "svg",
                "title",
                "desc",
                "style",
                "g",
                "line",
                "rect",
                "circle",
                "polyline",
                "text",
            )
        }
    root = ET.fromstring(plot.svg)
    left, top, width, height = map(float, (root.get("viewBox") or "").split())
    assert (left, top, height) == (0, 0, plot.height)
    for element in root.iter():
        assert_inside(element, width, height)
    named = (root.get("aria-labelledby") or "").split()
    assert named == [child.get("id") for child in list(root)[:2]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e13])
def test_a_number_that_is_not_finite_is_refused(bad: float) -> None:
    for make in (
        lambda: Value(value=bad),
        lambda: Value(value=0, low=bad, high=0),
        lambda: Value(value=0, low=0, high=bad),
        lambda: Point(predicted=bad, rate=Value(value=0.5), number=1),
        lambda: plots.draw_bars("x", [], reference=("y", bad)),
    ):
        with pytest.raises(ValueError, match="got"):
            make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Value(value=1, low=0),
        lambda: Value(value=1, low=2, high=3),
        lambda: Value(value=1, low=0.5, high=0.9),
        lambda: Point(predicted=0.5, rate=Value(value=1.2), number=1),
        lambda: Point(predicted=0.5, rate=Value(value=0.2), number=0),
        lambda: plots.draw_lines("x", "y", ["a", "b"], [Line(name="z", values=(Value(value=1),))]),
    ],
)
def test_an_inconsistent_plot_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError):  # noqa: PT011  (each says something else)
        make()


def test_longer_bars_are_larger_numbers_from_one_zero() -> None:
    root = ET.fromstring(
        plots.draw_bars(
            "x", [Bar(label=str(n), value=Value(value=n)) for n in (-2.0, 0.0, 1.0, 4.0)]
        ).svg
    )
    boxes = [
        (float(box.get("x", "")), float(box.get("width", ""))) for box in root.iter(f"{SVG}rect")
    ]
    (minus, two_width), (nought, zero_width), (one_at, one_width), (four_at, four_width) = boxes
    assert (
        minus + two_width
        == pytest.approx(nought, abs=0.02)
        == pytest.approx(one_at, abs=0.02)
        == pytest.approx(four_at, abs=0.02)
    )
    assert zero_width == 0
    assert four_width == pytest.approx(4 * one_width, abs=0.05)
    assert two_width == pytest.approx(2 * one_width, abs=0.05)


def test_a_gap_divides_a_line() -> None:
    line = Line(
        name="z", values=(Value(value=1), Value(value=2), None, Value(value=2), Value(value=1))
    )
    root = ET.fromstring(plots.draw_lines("x", "y", list("abcde"), [line]).svg)
    assert [len((run.get("points") or "").split()) for run in root.iter(f"{SVG}polyline")] == [2, 2]
    assert len(list(root.iter(f"{SVG}circle"))) == 4


def test_a_larger_point_stands_for_more_cases_and_the_diagonal_for_truth() -> None:
    points = [
        Point(predicted=0.2, rate=Value(value=0.2), number=10),
        Point(predicted=0.8, rate=Value(value=0.8), number=1000),
    ]
    root = ET.fromstring(plots.draw_reliability("x", "y", "z", points).svg)
    small, large = root.iter(f"{SVG}circle")
    assert float(small.get("r", "")) < float(large.get("r", ""))
    (diagonal,) = [line for line in root.iter(f"{SVG}line") if line.get("stroke-dasharray")]
    x1, y1, x2, y2 = (float(diagonal.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    for point in (small, large):
        share = (float(point.get("cx", "")) - x1) / (x2 - x1)
        assert float(point.get("cy", "")) == pytest.approx(y1 + share * (y2 - y1), abs=0.05)


def test_text_is_escaped_and_cut_to_its_room() -> None:
    text = plots.draw_bars("<b>&", [Bar(label="<i>" + "x" * 99, value=Value(value=1))]).svg
    assert "<b>" not in text
    assert "<i>" not in text
    assert "…" in text
    assert plots.draw_bars("x", [Bar(label="words", value=Value(value=1))]).svg.count("…") == 0


@pytest.mark.parametrize("colour", plots._COLOURS)
def test_the_colours_stand_out_from_light_and_dark_pages(colour: str) -> None:
    def light(code: str) -> float:
        parts = [int(code[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for page in ("#ffffff", "#16181c"):
        pair = sorted((light(colour), light(page)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 3
