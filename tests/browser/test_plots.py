"""The plots in a browser: text inside the frame, readable on a phone.

Light and dark.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from digest.evaluate import plots
from digest.evaluate.plots import Bar, Line, Plot, Point
from digest.evaluate.svg import Value

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: of every text: how far it stands out of its picture, in pixels, and how high its letters are
MEASURE = """() => Array.from(document.querySelectorAll("svg text")).map(text => {
  const box = text.getBoundingClientRect(), frame = text.closest("svg").getBoundingClientRect();
  const out = Math.max(
    frame.left - box.left, box.right - frame.right,
    frame.top - box.top, box.bottom - frame.bottom);
  return [text.textContent, out, parseFloat(getComputedStyle(text).fontSize)];
})"""


def value(number: float) -> Value:
    return Value(value=number, low=number * 0.8, high=number * 1.1)


def draw(name: str) -> list[Plot]:
    bars = [Bar(label=name, value=value(number)) for number in (0.1, 0.5, 0.9)]
    line = Line(name=name, values=(value(0.2), value(0.9)))
    points = [Point(predicted=number, rate=Value(value=number), number=9) for number in (0, 1)]
    return [
        plots.draw_bars(name, bars, reference=(name, 0.4)),
        plots.draw_lines(name, name, [name, name], [line, line]),
        plots.draw_reliability(name, name, name, points),
    ]


def show(page: Page, plot: Plot) -> None:
    page.set_content(
        f"<!doctype html><html><body style='margin:0;color:#222'>{plot.svg}</body></html>"
    )


@pytest.mark.parametrize(
    "name",
    [
        "learned",
        "W" * 80,
        "mm@@" * 20,
        "i" * 200,
        "字典" * 30,
        "Ünïcödé " * 12,
        "٣٤٥ עברית " * 8,
        "<b>&amp;",
    ],
)
def test_no_text_leaves_its_plot(browser: Browser, name: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    for plot in draw(name):
        show(page, plot)
        boxes = page.evaluate(MEASURE)
        assert boxes
        for text, out, size in boxes:
            assert out <= 0.5, text
            assert size >= 11
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_of_its_own_takes_the_colours_that_the_viewer_prefers(
    browser: Browser, scheme: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.set_content(
        f"<!doctype html><html><body>{plots.draw_document(draw('learned'))}</body></html>"
    )
    colour, ground = page.evaluate(
        "() => ['color', 'background-color'].map(name => "
        "getComputedStyle(document.querySelector('svg')).getPropertyValue(name))"
    )
    channels = [
        int(part)
        for part in f"{colour} {ground}".replace("rgb(", "")
        .replace(")", "")
        .replace(",", " ")
        .split()
    ]
    ink, paper = sum(channels[:3]), sum(channels[3:])
    assert (ink > 600) == (scheme == "dark")
    assert (paper < 150) == (scheme == "dark")
    page.close()


def test_a_screen_reader_is_told_the_title_and_the_values(browser: Browser) -> None:
    page = browser.new_page()
    show(page, plots.draw_bars("How well", [Bar(label="learned", value=value(0.5))]))
    image = page.get_by_role("img", name="How well")
    assert image.count() == 1
    assert "learned 0.50 (0.40 to 0.55)" in (image.locator("> desc").text_content() or "")
    page.close()
