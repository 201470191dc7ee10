"""A report -> pictures, and one HTML page that needs no other file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from digest.evaluate import plots
from digest.evaluate.comparison import CHANCE
from digest.evaluate.measures import TOP, Estimate
from digest.evaluate.plots import Bar, Line, Plot, Point
from digest.evaluate.rates import Rate
from digest.evaluate.report import Report, describe_exploration
from digest.evaluate.svg import Value
from digest.mail.messages.templates import render


def draw_pictures(report: Report) -> list[Plot]:
    """Draw the pictures that the history is large enough for."""
    pictures = []
    if report.rows:
        chance = next(row for row in report.rows if row.name == CHANCE)
        bars = [
            Bar(label=row.name, value=to_plot_value(row.ndcg))
            for row in report.rows
            if row is not chance
        ]
        pictures.append(
            plots.draw_bars(
                f"How well each recipe ranks (nDCG@{TOP})",
                bars,
                reference=(CHANCE, chance.ndcg.value),
            )
        )
    if len(report.steps) > 1:
        labels = [step.thumbs for step in report.steps]
        curves = [
            Line(name=name, values=tuple(to_plot_value(step.ndcg[name]) for step in report.steps))
            for name in report.steps[0].ndcg
        ]
        pictures.append(
            plots.draw_lines(
                f"Does it learn? (nDCG@{TOP})",
                "thumbs that the reader had given before",
                labels,
                curves,
            )
        )
    if report.positions:
        pictures.append(draw_rates("Thumbs up by position in the mail", report.positions))
    if len(report.slots) > 1:
        pictures.append(draw_rates("Thumbs up by slot", report.slots))
    if (picture := draw_matches(report.matches)) is not None:
        pictures.append(picture)
    return pictures


def draw_matches(matches: Sequence[Rate]) -> Plot | None:
    """Draw printed matches against thumbs; None where nothing was predicted."""
    points = [
        Point(
            predicted=group.predicted,
            rate=to_plot_value(group.estimate),
            number=group.estimate.units,
        )
        for group in matches
        if group.predicted is not None
    ]
    if not points:
        return None
    return plots.draw_reliability(
        "Is the printed match true?",
        "match as printed",
        "thumbs up among those rated",
        points,
    )


def draw_rates(title: str, rates: Sequence[Rate]) -> Plot:
    """Draw rates as bars with their intervals."""
    return plots.draw_bars(
        title,
        [Bar(label=rate.label, value=to_plot_value(rate.estimate)) for rate in rates],
        format_value=plots.percent,
    )


def to_plot_value(estimate: Estimate) -> Value:
    """Return an estimate as a picture shows it."""
    if math.isnan(estimate.low):
        return Value(value=estimate.value)
    # A bootstrap of equal numbers may miss them by rounding.
    return Value(
        value=estimate.value,
        low=min(estimate.low, estimate.value),
        high=max(estimate.high, estimate.value),
    )


def render_page(report: Report, *, service: str, folders: Sequence[Path] = ()) -> str:
    """Render the report as one HTML file: text, pictures and figures.

    Raises:
        TemplateError: the template is missing or broken.
    """
    values = {"service": service, **report_values(report)}
    return render("web/evaluation.html", values, tuple(folders))


def report_values(report: Report) -> dict[str, object]:
    """Return what `templates/web/evaluation_figures.html` shows of a report."""
    return {
        "report": report,
        "pictures": [plot.svg for plot in draw_pictures(report)],
        "rows": [
            {
                "name": row.name,
                "about": row.about,
                "ndcg": format_estimate(row.ndcg),
                "ahead": "" if row.ahead is None else format_estimate(row.ahead, signed=True),
                "reciprocal": format_estimate(row.reciprocal, ends=False),
                "auc": format_estimate(row.auc, ends=False),
                "among_all": ""
                if row.among_all is None
                else format_estimate(row.among_all, ends=False),
            }
            for row in report.rows
        ],
        "exploration": describe_exploration(report.exploration),
    }


def format_estimate(estimate: Estimate, *, signed: bool = False, ends: bool = True) -> str:
    """Format as "0.71 (0.59 to 0.82)", or "-" where nothing is known.

    A difference has its sign and a digit more.
    """
    if math.isnan(estimate.value):
        return "-"
    value, low, high = (
        _format_number(number, signed) for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})" if ends and not math.isnan(estimate.low) else value


def _format_number(number: float, signed: bool) -> str:
    text = f"{number:+.3f}" if signed else f"{number:.2f}"
    return "0.000" if text in ("+0.000", "-0.000") else text
