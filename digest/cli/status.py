"""The command status: what happened, what is waiting, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from digest.cli.options import AsJson, ConfigPath, OnDate, open_app, out, show_json
from digest.cli.tables import count_noun, make_table

if TYPE_CHECKING:
    from digest import services

commands = typer.Typer()


@commands.command()
def status(as_json: AsJson = False, date: OnDate = None, config: ConfigPath = None) -> None:
    """Show what happened, what is waiting, and what is wrong."""

    from digest import services

    with open_app(config, date, existing=True) as app:
        report = services.status(app)
    if as_json:
        show_json(report.json)
        return
    _show_counts(report)
    if report.dumps:
        _show_dumps(report)
    if report.digests:
        _show_digests(report)
    for trouble in report.troubles:
        out.print(
            f"{trouble['outcome']}: {trouble['email']} {trouble['key']}: {trouble['code'] or ''} "
            f"{trouble['text']}",
            style="yellow",
            markup=False,
        )
    for alarm in report.alarms:
        out.print(f"! {alarm}", style="bold yellow", markup=False, highlight=False)


def _show_counts(report: services.Status) -> None:
    """Print how many papers, readers and messages there are, and the last rounds."""
    papers, up_down = report.papers, report.thumbs
    out.print(
        f"papers       {papers['papers']}, latest first seen {papers['latest'] or 'never'}",
        highlight=False,
    )
    out.print(
        f"subscribers  {_counts(report.subscribers)}; thumbs {up_down[0]} up, {up_down[1]} down",
        highlight=False,
    )
    for progress in report.calibration_progress:
        whose = f" of {progress.recipe}" if len(report.calibration_progress) > 1 else ""
        out.print(f"{'matches' + whose:<12} {progress.summary}", highlight=False)
    out.print(
        f"messages     {_counts(report.messages)}; {report.due} waiting, {report.later} later",
        highlight=False,
    )
    if day := report.day_limit:
        text = f"{day.used} of {day.limit} messages (UTC); {day.held_back} digests wait for later"
        out.print(f"today        {text}", highlight=False)
    if waiting := report.suggestions.get("waiting"):
        out.print(f"suggestions  {waiting} waiting: `digest submissions list`", highlight=False)
    for verb, last in report.rounds.items():
        text = (
            "never"
            if last is None
            else f"{last['at']:%Y-%m-%d %H:%M} UTC"
            + (f", stopped: {last['error']}" if last["error"] else "")
        )
        out.print(f"last {verb:<8}{text}", highlight=False, markup=False)
    if report.closed_until:
        text = "each reader's local date up to then is closed"
        out.print(f"restored     {report.closed_until:%Y-%m-%d %H:%M} UTC: {text}", highlight=False)
    for pause in report.pauses:
        out.print(
            f"{pause.name} is paused until {pause.until:%Y-%m-%d %H:%M} UTC: {pause.text}",
            style="yellow",
            markup=False,
            highlight=False,
        )


def _show_dumps(report: services.Status) -> None:
    columns = ("name", "format", "day", "read", "new", "rejected")
    table = make_table("dump", *columns[1:], numbers=columns[2:])
    for dump in report.dumps:
        table.add_row(*(str(dump[column]) for column in columns))
    out.print(table)


def _show_digests(report: services.Status) -> None:
    table = make_table("subscriber", "latest", "digest", "message", numbers=("latest",))
    for row in report.digests[:30]:
        if row["state"] == "planned":
            digest = count_noun(row["papers"], "paper")
        else:
            digest = f"quiet: {row['reason']}"
        if row["missed"]:
            digest += f" ({count_noun(row['missed'], 'date')} missed before)"
        table.add_row(row["email"], str(row["local_date"]), digest, row["message"] or "")
    out.print(table)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items())) or "none"
