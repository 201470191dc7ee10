"""The command serve: run the service."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from digest.cli.options import ConfigPath, load, open_app
from digest.signals import without_time_limit

commands = typer.Typer()


@commands.command()
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
    """Run the service: pages, API, scheduler and sender.

    The scheduler reads dumps and composes digests for the readers who are due.
    """
    from digest import serve as server

    roles = [part.strip() for value in only or () for part in value.split(",") if part.strip()]
    unknown = sorted(set(roles) - set(server.ROLES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no role; there are: {', '.join(server.ROLES)}")
    # Messages on their way end in order.
    events = server.Events()
    with (
        server.note_hangups(events),
        open_app(config, migrate=True) as app,
        without_time_limit(),
    ):
        finished = server.run(app, only=roles, load=lambda: load(config), events=events)
    if not finished:
        logging.shutdown()
        os._exit(0)  # a thread that still computes would be waited for
