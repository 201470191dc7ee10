"""Commands about feedback: rate, forget, explain."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, OnDate, open_app, out, show_json
from digest.model import Vote

commands = typer.Typer()


@commands.command()
def rate(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    paper: Annotated[str, typer.Argument(help="arXiv id, DOI, link, paper:ID or whole title.")],
    vote: Annotated[str, typer.Argument(help="up, down or clear.")],
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Record a reader's thumb on a paper."""

    from digest import services, subscriptions

    votes: dict[str, Vote] = {"up": 1, "down": -1, "clear": 0}
    if vote not in votes:
        raise typer.BadParameter(f"{vote!r} is no vote; use up, down or clear")
    with open_app(config, date, existing=True) as app:
        heard = services.rate(app, subscriptions.find(app, email), paper, votes[vote])
    if as_json:
        show_json(
            {
                "email": heard.subscriber.email,
                "paper": heard.paper.name,
                "vote": heard.vote,
                "before": heard.before,
            }
        )
    else:
        out.print(
            f"{heard.subscriber.email}: {vote} for {heard.paper.name} {heard.paper.title}",
            highlight=False,
            markup=False,
        )


@commands.command()
def explain(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    as_json: AsJson = False,
    date: OnDate = None,
    config: ConfigPath = None,
) -> None:
    """Show what the thumbs of a reader have taught.

    For each interest: words for and against, and the rated papers.
    """

    from digest import services, subscriptions

    with open_app(config, date, existing=True) as app:
        explanation = services.explain_profile(app, subscriptions.find(app, email))
    if as_json:
        show_json(explanation.json)
        return
    out.print(
        f"{email}: thumbs {explanation.thumbs_up} up, {explanation.thumbs_down} down, "
        f"ranked by {explanation.recipe}",
        highlight=False,
        markup=False,
    )
    labels = {1: "up", -1: "down", 0: "example"}
    for interest in explanation.interests:
        name = (
            f"{interest.interest}, {100 * interest.share:.0f} % of the digest"
            if interest.interest
            else "all"
        )
        out.print()
        out.print(f"{name} (from {interest.step})", style="bold", highlight=False, markup=False)
        for title, words in (("for", interest.words_for), ("against", interest.words_against)):
            if words:
                out.print(
                    f"  {title}: {', '.join(word.word for word in words)}",
                    highlight=False,
                    markup=False,
                )
        for keyword in interest.keywords:
            if keyword.sentence:
                out.print(f"  {keyword.sentence}", highlight=False, markup=False, soft_wrap=True)
        for rated in interest.papers:
            out.print(
                f"  {labels[rated.vote]:8}{rated.paper.name}  {rated.paper.title}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


@commands.command()
def forget(
    email: Annotated[str, typer.Argument(help="Address of the reader.")],
    paper: Annotated[
        str | None,
        typer.Argument(help="arXiv id, DOI, link, paper:ID or whole title.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All thumbs: start over.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before all is forgotten.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Forget a reader's thumb on a paper, or all their thumbs.

    An example paper stops being one, too.
    """

    from digest import services, subscriptions

    if (paper is None) == (not every):
        raise typer.BadParameter("give either one PAPER or --all")
    with open_app(config, existing=True) as app:
        reader = subscriptions.find(app, email)
        if paper is None:
            if not yes:
                typer.confirm(f"Forget all thumbs of {reader.email}?", abort=True)
            count = services.start_over(app, reader.id, via="command")
        else:
            count = int(
                services.forget(app, reader.id, services.find_paper(app, paper).id, via="command")
            )
    if as_json:
        show_json({"email": reader.email, "forgotten": count})
    else:
        out.print(f"{reader.email}: {count} forgotten", highlight=False, markup=False)
