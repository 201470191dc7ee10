"""The commands `digest picks` and `digest votes`: what readers say on the lists for everybody."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import count_noun, make_table
from digest.cli.terminal import printable

commands = typer.Typer()
picks = typer.Typer(help="List the picks of curators, and remove one.", no_args_is_help=True)
votes = typer.Typer(help="List who up-votes most, and drop a reader's votes.", no_args_is_help=True)
commands.add_typer(picks, name="picks")
commands.add_typer(votes, name="votes")

Email = Annotated[str, typer.Argument(help="Address of the reader.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1)]


@picks.command("list")
def list_picks(limit: Limit = 50, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the picks of curators, newest first."""

    from digest import services

    with open_app(config, existing=True) as app:
        listed = services.list_picks(app, limit=limit)
    if as_json:
        rows = [
            {
                "paper_id": one.paper.id,
                "paper": one.paper.name,
                "title": one.paper.title,
                "email": one.email,
                "at": one.pick.at,
                "name": one.pick.name,
                "note": one.pick.note,
            }
            for one in listed
        ]
        show_json(rows)
        return
    if not listed:
        out.print("nothing is picked; [web] curators names who may pick", style="yellow")
        return
    table = make_table("paper", "says", "picked", numbers=("picked",))
    for one in listed:
        says = Text(printable(one.pick.note) or "no note")
        says.append(f"\n{printable(one.pick.name) or 'unnamed'} ({printable(one.email)})")
        paper = Text(f"paper:{one.paper.id}\n{printable(one.paper.title)}")
        table.add_row(paper, says, f"{one.pick.at:%Y-%m-%d}")
    out.print(table)


@picks.command()
def remove(
    paper: Annotated[str, typer.Argument(help="arXiv id, DOI, link, paper:ID or whole title.")],
    email: Email,
    config: ConfigPath = None,
) -> None:
    """Remove the pick of a curator."""

    from digest import services, subscriptions

    with open_app(config, existing=True) as app:
        curator, picked = subscriptions.find(app, email), services.find_paper(app, paper)
        services.remove_pick(app, picked.id, curator.id)
    out.print(printable(f"removed: {picked.title}"), highlight=False, markup=False)


@votes.command("list")
def list_votes(limit: Limit = 50, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the readers who up-vote most."""

    from digest import services

    with open_app(config, existing=True) as app:
        voters = services.list_voters(app, limit=limit)
    if as_json:
        show_json(
            [{"email": one.email, "votes": one.votes, "newest": one.newest} for one in voters]
        )
        return
    table = make_table("reader", "votes", "newest", numbers=("votes", "newest"))
    for one in voters:
        table.add_row(printable(one.email), f"{one.votes:,}", f"{one.newest:%Y-%m-%d %H:%M}")
    out.print(table)


@votes.command()
def drop(email: Email, config: ConfigPath = None) -> None:
    """Drop all up-votes of a reader.

    They may vote again; `digest unsubscribe` ends that.
    """

    from digest import services, subscriptions

    with open_app(config, existing=True) as app:
        dropped = services.drop_votes(app, subscriptions.find(app, email).id)
    out.print(f"dropped {count_noun(dropped, 'vote')}", highlight=False)
