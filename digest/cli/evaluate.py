"""The command evaluate: compare the recipes on readers' thumbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from digest.cli.options import (
    AsJson,
    ConfigPath,
    OnDate,
    OnlyEmail,
    err,
    open_app,
    out,
    parse_day,
    show_json,
    write_file,
)

if TYPE_CHECKING:
    from digest.evaluate.measures import Estimate
    from digest.evaluate.rates import Rate
    from digest.evaluate.report import Report

commands = typer.Typer()


@commands.command()
def evaluate(
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the report as a page with charts.", show_default=False
        ),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write only the charts.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="Only digests from this day on; all by default.",
            show_default=False,
        ),
    ] = None,
    readers: Annotated[
        int,
        typer.Option(min=1, help="Readers at most; a random sample if there are more."),
    ] = 100,
    digests: Annotated[
        int, typer.Option(min=1, help="Digests of each reader at most; the newest ones.")
    ] = 30,
    as_json: AsJson = False,
    only: OnlyEmail = None,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Compare the recipes on your readers' own thumbs.

    For each digest that was sent: how would each recipe have ranked its papers?
    """

    from digest import evaluate as evaluation
    from digest import subscriptions
    from digest.evaluate import pages, plots

    first = None if since is None else parse_day(since)
    with open_app(config, date, existing=True) as app, _bar(as_json) as progress:
        reader = None if only is None else subscriptions.find(app, only)
        report = evaluation.evaluate(
            app, since=first, only=reader, readers=readers, digests=digests, progress=progress
        )
        if html is not None:
            write_file(
                html,
                pages.render_page(report, service=app.mailing.name, folders=app.templates),
            )
        if svg is not None:
            write_file(svg, plots.draw_document(pages.draw_pictures(report)))
    if as_json:
        show_json(report.json)
    else:
        _show(report)


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    if quiet or not err.is_terminal:
        yield None
        return
    with Progress(console=err, transient=True) as bar:
        task = bar.add_task("replaying digests", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


# ------------------------------------------------------------------------- terminal output


def _show(report: Report) -> None:
    from digest.evaluate.report import describe_exploration

    out.print(report.verdict, style="bold", markup=False, highlight=False)
    for comparison in report.comparisons:
        out.print(comparison.verdict, style="bold", markup=False, highlight=False)
        out.print(comparison.counts, markup=False, highlight=False)
    if report.rows:
        out.print(_table(report))
    for name, rates in (
        ("position", report.positions),
        ("slot", report.slots if len(report.slots) > 1 else []),
        ("match, of those rated", report.matches),
    ):
        if rates:
            out.print(f"thumbs up by {name}: {_format_rates(rates)}", markup=False, highlight=False)
    if sentence := describe_exploration(report.exploration):
        out.print(sentence, markup=False, highlight=False)
    if report.enough:
        out.print()
        out.print("What this cannot say:", style="dim")
        for caveat in report.caveats:
            out.print(f"- {caveat}", style="dim", markup=False, highlight=False)


def _table(report: Report) -> Table:
    from digest.evaluate import pages
    from digest.evaluate.measures import TOP

    table = Table(
        "recipe",
        f"nDCG@{TOP}",
        f"{report.own} ahead by",
        "MRR",
        "AUC",
        "what it is",
        box=None,
        header_style="bold",
    )
    for column in table.columns[1:5]:
        column.no_wrap = True
    for row in report.rows:
        ahead = "" if row.ahead is None else pages.format_estimate(row.ahead, signed=True)
        figures = (
            pages.format_estimate(row.ndcg),
            ahead,
            pages.format_estimate(row.reciprocal, ends=False),
            pages.format_estimate(row.auc, ends=False),
        )
        table.add_row(
            row.name,
            figures[0],
            Text(ahead, style=_colour(row.ahead)),
            *figures[2:],
            Text(row.about, style="dim"),
        )
    return table


def _colour(ahead: Estimate | None) -> str:
    if ahead is None or not ahead.sure:
        return "dim"
    return "green" if ahead.value > 0 else "red"


def _format_rates(rates: list[Rate]) -> str:
    from digest.evaluate import plots

    return ", ".join(
        f"{rate.label}: {plots.percent(rate.estimate.value)} of {rate.estimate.units}"
        for rate in rates
    )
