"""A report -> pictures, and a page of its own that needs nothing beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from digest.evaluate import plots
from digest.evaluate.measures import TOP, Estimate
from digest.evaluate.plots import Bar, Line, Plot, Point, Value
from digest.evaluate.report import CHANCE, Rate, Report, exploration_told
from digest.mail.messages.templates import render


def pictures(report: Report) -> list[Plot]:
    """Those that the history is large enough for."""
    found = []
    if report.rows:
        chance = next(row for row in report.rows if row.name == CHANCE)
        some = [
            Bar(label=row.name, value=_value(row.ndcg)) for row in report.rows if row is not chance
        ]
        found.append(
            plots.bars(
                f"How well each recipe ranks (nDCG@{TOP})",
                some,
                reference=(CHANCE, chance.ndcg.value),
            )
        )
    if len(report.steps) > 1:
        places = [step.thumbs for step in report.steps]
        names = list(report.steps[0].ndcg)
        curves = [
            Line(name=name, values=tuple(_value(step.ndcg[name]) for step in report.steps))
            for name in names
        ]
        found.append(
            plots.lines(
                f"Does it learn? (nDCG@{TOP})",
                "thumbs that the reader had given before",
                places,
                curves,
            )
        )
    if report.positions:
        found.append(_rates("Thumbs up by position in the mail", report.positions))
    if len(report.slots) > 1:
        found.append(_rates("Thumbs up by slot", report.slots))
    points = [
        Point(foretold=one.foretold, rate=_value(one.rate), number=one.rate.units)
        for one in report.matches
        if one.foretold is not None
    ]
    if points:
        found.append(
            plots.reliability(
                "Is the printed match true?",
                "match as printed",
                "thumbs up among those rated",
                points,
            )
        )
    return found


def _rates(title: str, some: Sequence[Rate]) -> Plot:
    return plots.bars(
        title, [Bar(label=one.label, value=_value(one.rate)) for one in some], shown=plots.percent
    )


def _value(estimate: Estimate) -> Value:
    if math.isnan(estimate.low):
        return Value(value=estimate.value)
    # A bootstrap of equal numbers may miss them by a rounding error.
    return Value(
        value=estimate.value,
        low=min(estimate.low, estimate.value),
        high=max(estimate.high, estimate.value),
    )


def page(report: Report, *, service: str, folders: Sequence[Path] = ()) -> str:
    """The report as one HTML file: text, pictures and figures.

    Raises:
        TemplateError: the template is missing or broken.
    """
    values = {
        "service": service,
        "report": report,
        "pictures": [plot.svg for plot in pictures(report)],
        "rows": [
            {
                "name": row.name,
                "about": row.about,
                "ndcg": told(row.ndcg),
                "ahead": "" if row.ahead is None else told(row.ahead, signed=True),
                "reciprocal": told(row.reciprocal, ends=False),
                "auc": told(row.auc, ends=False),
                "among_all": "" if row.among_all is None else told(row.among_all, ends=False),
            }
            for row in report.rows
        ],
        "exploration": exploration_told(report.exploration),
    }
    return render("web/evaluation.html", values, tuple(folders))


def told(estimate: Estimate, *, signed: bool = False, ends: bool = True) -> str:
    """0.71 (0.59 to 0.82), or a dash where nothing is known; a difference has its sign and a digit
    more.
    """
    if math.isnan(estimate.value):
        return "-"
    value, low, high = (
        _number(number, signed) for number in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})" if ends and not math.isnan(estimate.low) else value


def _number(number: float, signed: bool) -> str:
    text = f"{number:+.3f}" if signed else f"{number:.2f}"
    return "0.000" if text in ("+0.000", "-0.000") else text
