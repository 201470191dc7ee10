"""The commands `digest operator`: the way to the operator's pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import count_noun, make_table
from digest.errors import InputError

commands = typer.Typer()
operator = typer.Typer(
    help="Log in to the operator's pages, and end sessions.", no_args_is_help=True
)
commands.add_typer(operator, name="operator")


@operator.command()
def link(
    minutes: Annotated[
        int, typer.Option(help="How long the link may wait.", min=1, max=24 * 60)
    ] = 10,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Print a link that logs in to the operator's pages once.

    Whoever opens it first and presses the button is the operator for up to twelve hours.
    """

    from digest.services import operator_login

    with open_app(config) as app:
        url = operator_login.make_operator_link(app, timedelta(minutes=minutes))
    # not by `out`, which hides secrets
    if as_json:
        show_json({"link": url, "minutes": minutes}, exact=True)
        return
    typer.echo(url)
    out.print(f"It works once, within {count_noun(minutes, 'minute')}.", style="dim")


@operator.command()
def sessions(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List who is logged in to the operator's pages."""

    from digest.services import operator_login

    with open_app(config, existing=True) as app:
        open_sessions = operator_login.list_operator_sessions(app)
    if as_json:
        show_json(
            [
                {
                    "id": session.id,
                    "seen": session.seen_at,
                    "until": session.expires_at,
                    "browser": session.browser,
                }
                for session in open_sessions
            ]
        )
        return
    table = make_table("session", "last used", "until", "browser", numbers=("session",))
    for session in open_sessions:
        table.add_row(
            str(session.id),
            f"{session.seen_at:%Y-%m-%d %H:%M} UTC",
            f"{session.expires_at:%Y-%m-%d %H:%M} UTC",
            session.browser,
        )
    if open_sessions:
        out.print(table)
    out.print(count_noun(len(open_sessions), "session"), style="dim")


@operator.command()
def end(
    session: Annotated[
        int | None,
        typer.Argument(
            metavar="ID", help="As `digest operator sessions` shows it.", show_default=False
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="End all, and take back links that nobody used.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """End a session at once."""

    from digest.services import operator_login

    if every == (session is not None):
        raise InputError("name one session, or all: `digest operator end ID` or `... end --all`")
    with open_app(config, existing=True) as app:
        if session is None:
            ended = operator_login.end_all_operator_sessions(app)
        else:
            operator_login.end_operator_session(app, session)
            ended = 1
    show_json({"ended": ended}) if as_json else out.print(f"ended: {ended}", highlight=False)
