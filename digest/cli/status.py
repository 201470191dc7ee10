"""The command status: what happened, what is waiting, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from digest.cli.options import AsJson, ConfigPath, OnDate, load, open_app, out, show_json
from digest.cli.tables import count_noun, make_table
from digest.errors import DigestError, StoreError
from digest.escaping import escape_to_one_line

if TYPE_CHECKING:
    from digest import services

commands = typer.Typer()


@commands.command()
def status(
    as_json: AsJson = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For monitors such as Nagios: one line for each alarm, and the exit code 0 = no "
            "alarm, 1 = something to look at, 2 = an alarm that lasts, 3 = not known.",
        ),
    ] = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Show what happened, what is waiting, and what is wrong."""

    from digest import services

    if check:
        _check(config, date, as_json=as_json)
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


def _check(config: Path | None, date: str | None, *, as_json: bool) -> NoReturn:
    """Print the alarms, the first line as Nagios shows it, and exit with its code."""
    from digest import services, store

    try:
        if store.schema.is_empty(load(config).store.url):
            raise StoreError("there is no database yet. `digest ingest PATH` makes it")
        with open_app(config, date) as app:
            report = services.status(app)
    except DigestError as error:
        # Wherever the error is, nobody knows how the service is.
        if as_json:
            show_json({"state": "unknown", "error": str(error), "alarms": []})
        else:
            _print_line(f"DIGEST UNKNOWN - {error}")
        raise typer.Exit(3) from None
    urgent = [alarm for alarm in report.alarms if alarm.urgent]
    code, word = (2, "CRITICAL") if urgent else (1, "WARNING") if report.alarms else (0, "OK")
    if as_json:
        show_json({"state": word.lower(), "alarms": report.json["alarms"]})
        raise typer.Exit(code)
    first = urgent or report.alarms
    summary = first[0].what if first else "no alarms"
    more = f", and {len(report.alarms) - 1} more" if len(report.alarms) > 1 else ""
    numbers = f"alarms={len(report.alarms)} urgent={len(urgent)} waiting={report.due}"
    for line in (f"DIGEST {word} - {summary}{more} | {numbers}", *map(str, report.alarms)):
        _print_line(line)
    raise typer.Exit(code)


def _print_line(text: str) -> None:
    out.print(escape_to_one_line(text), markup=False, highlight=False, soft_wrap=True)


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
