"""Commands of the operator: serve, status, config, demo."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from digest import config as settings
from digest import services
from digest.cli.base import app
from digest.cli.options import AsJson, ConfigPath, OnDate, load, make_folder, opened, out, show_json
from digest.cli.tables import counted, listing
from digest.signals import unhurried


@app.command()
def serve(
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            help=(
                "One role: web, scheduler (dumps, mailbox, composing) or sender; may be given "
                "twice. Default: all."
            ),
        ),
    ] = None,
    config: ConfigPath = None,
) -> None:
    """Run the service: pages and API, the scheduler that reads dumps and composes for the readers
    who are due, and the sender.
    """
    from digest import serve as server

    roles = [part.strip() for given in only or () for part in given.split(",") if part.strip()]
    unknown = sorted(set(roles) - set(server.ROLES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no role; there are: {', '.join(server.ROLES)}")
    # Messages on their way end in order.
    with opened(config, migrate=True) as service, unhurried():
        ended = server.run(service, only=roles)
    if not ended:
        logging.shutdown()
        os._exit(0)  # a thread that still computes would be waited for


@app.command()
def status(as_json: AsJson = False, date: OnDate = None, config: ConfigPath = None) -> None:
    """What happened, what waits, and what is wrong."""
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
        out.print(f"{'matches' + whose:<12} {one.told}", highlight=False)
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


@app.command(name="config")
def show_config(
    example: Annotated[
        bool,
        typer.Option("--example", help="Print the example file instead: every key at its default."),
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """What is in force, from the file, the environment and the defaults; secrets are hidden."""
    if example:
        typer.echo(settings.example(), nl=False)
        return
    values = settings.shown(load(config))
    if as_json:
        show_json(values)
        return
    for section in settings.SECTIONS:
        out.print(f"[{section}]", markup=False, style="bold")
        for key, value in values[section].items():
            out.print(f"{key} = {value!r}", markup=False, highlight=False)
    for section in settings.LISTS:
        out.print(f"{len(values[section])} [[{section}]]", markup=False, highlight=False)


@app.command()
def demo(
    serving: Annotated[
        bool,
        typer.Option(
            "--serve/--no-serve",
            help="Afterwards serve the inbox of the caught mails until Ctrl-C.",
        ),
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder to work in; a new temporary one by default.", show_default=False),
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Port of the pages on this machine; 0 = any free one.", min=0, max=65535),
    ] = 0,
) -> None:
    """Everything once, offline: papers in, mails out, thumbs, and the mails that
    learned from them."""
    from digest import demo as showing

    if folder is not None:
        make_folder(folder)
    showing.run(folder, serving=serving, port=port)
