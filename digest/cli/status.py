"""The command status: what happened, what is waiting, and what is wrong."""

from __future__ import annotations

import typer

from digest import services
from digest.cli.options import AsJson, ConfigPath, OnDate, opened, out, show_json
from digest.cli.tables import counted, listing

commands = typer.Typer()


@commands.command()
def status(as_json: AsJson = False, date: OnDate = None, config: ConfigPath = None) -> None:
    """Show what happened, what is waiting, and what is wrong."""
    with opened(config, date, existing=True) as service:
        found = services.status(service)
    if as_json:
        show_json(found.json)
        return
    papers, up_down = found.papers, found.thumbs
    out.print(
        f"papers       {papers['papers']}, latest first seen {papers['latest'] or 'never'}",
        highlight=False,
    )
    out.print(
        f"subscribers  {_counts(found.subscribers)}; thumbs {up_down[0]} up, {up_down[1]} down",
        highlight=False,
    )
    for one in found.calibration_progress:
        whose = f" of {one.recipe}" if len(found.calibration_progress) > 1 else ""
        out.print(f"{'matches' + whose:<12} {one.summary}", highlight=False)
    out.print(
        f"messages     {_counts(found.messages)}; {found.due} waiting, {found.later} later",
        highlight=False,
    )
    for verb, last in found.rounds.items():
        told = (
            "never"
            if last is None
            else f"{last['at']:%Y-%m-%d %H:%M} UTC"
            + (f", stopped: {last['error']}" if last["error"] else "")
        )
        out.print(f"last {verb:<8}{told}", highlight=False, markup=False)
    if found.closed_until:
        told = "each reader's local date up to then is closed"
        out.print(f"restored     {found.closed_until:%Y-%m-%d %H:%M} UTC: {told}", highlight=False)
    for pause in found.pauses:
        out.print(
            f"{pause.name} is paused until {pause.until:%Y-%m-%d %H:%M} UTC: {pause.text}",
            style="yellow",
            markup=False,
            highlight=False,
        )
    if found.dumps:
        table = listing(
            "dump",
            "format",
            "day",
            "read",
            "new",
            "rejected",
            numbers=("day", "read", "new", "rejected"),
        )
        for dump in found.dumps:
            table.add_row(
                dump["name"],
                dump["format"],
                str(dump["day"]),
                str(dump["read"]),
                str(dump["new"]),
                str(dump["rejected"]),
            )
        out.print(table)
    if found.digests:
        table = listing("subscriber", "latest", "digest", "message", numbers=("latest",))
        for row in found.digests[:30]:
            what = (
                counted(row["papers"], "paper")
                if row["state"] == "planned"
                else f"quiet: {row['reason']}"
            )
            what += f" ({counted(row['missed'], 'date')} missed before)" if row["missed"] else ""
            table.add_row(row["email"], str(row["local_date"]), what, row["message"] or "")
        out.print(table)
    for trouble in found.troubles:
        out.print(
            f"{trouble['outcome']}: {trouble['email']} {trouble['key']}: {trouble['code'] or ''} "
            f"{trouble['text']}",
            style="yellow",
            markup=False,
        )
    for alarm in found.alarms:
        out.print(f"! {alarm}", style="bold yellow", markup=False, highlight=False)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items())) or "none"
