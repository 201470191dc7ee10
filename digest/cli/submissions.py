"""The commands `digest submissions`: papers that readers suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import make_table
from digest.cli.terminal import printable
from digest.errors import InputError

if TYPE_CHECKING:
    from digest.services import ListedSubmission

commands = typer.Typer()
submissions = typer.Typer(
    help="List the papers that readers suggest, and decide about them.", no_args_is_help=True
)
commands.add_typer(submissions, name="submissions")

Number = Annotated[int, typer.Argument(help="Number of the suggestion, as `list` shows it.")]
_STATES = ("waiting", "accepted", "refused", "all")


@submissions.command("list")
def list_submissions(
    state: Annotated[str, typer.Option(help="waiting, accepted, refused or all.")] = "waiting",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """List suggestions; those that wait longest come first."""

    from digest import services

    if state not in _STATES:
        raise InputError(f"--state {state}: must be one of {', '.join(_STATES)}")
    with open_app(config, existing=True) as app:
        chosen: Any = None if state == "all" else state
        listed = services.list_submissions(app, chosen, limit=limit)
    if as_json:
        show_json([_to_json(one) for one in listed])
        return
    if not listed:
        out.print(f"no suggestion is {state}" if state != "all" else "nothing was suggested yet")
        return
    table = make_table("id", "suggested", "by", "state", numbers=("id",))
    for one in listed:
        suggested = [one.paper.title if one.paper else one.submission.title, _name(one)]
        table.add_row(
            str(one.submission.id),
            Text("\n".join(printable(text) for text in suggested if text)),
            Text(f"{printable(one.email)}\n{one.submission.at:%Y-%m-%d}"),
            _describe_state(one),
        )
    out.print(table)


@submissions.command()
def accept(number: Number, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Accept a suggestion: its paper becomes public.

    Where no dump has brought it and the reader typed no title, the next fetch asks the sources.
    """
    _decide(number, config, accept=True, as_json=as_json)


@submissions.command()
def refuse(number: Number, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Refuse a suggestion; the reader sees that it was not taken."""
    _decide(number, config, accept=False, as_json=as_json)


def _decide(number: int, config: ConfigPath, *, accept: bool, as_json: bool) -> None:
    from digest import services

    with open_app(config, existing=True) as app:
        decided = services.decide_submission(app, number, accept=accept)
    if as_json:
        show_json(_to_json(decided))
        return
    name = decided.paper.title if decided.paper else decided.submission.title or _name(decided)
    out.print(printable(f"{_describe_state(decided)}: {name}"), highlight=False, markup=False)


def _name(one: ListedSubmission) -> str:
    identity = one.submission.identity
    return f"{identity.kind}:{identity.value}" if identity else one.submission.url


def _describe_state(one: ListedSubmission) -> str:
    if one.submission.state == "accepted" and one.paper is None:
        return "accepted, not found yet"
    if one.submission.state == "waiting" and one.paper is not None:
        return "waiting, stored since"
    return one.submission.state


def _to_json(one: ListedSubmission) -> dict[str, object]:
    submission = one.submission
    return {
        "id": submission.id,
        "state": submission.state,
        "at": submission.at,
        "email": one.email,
        "identifier": f"{submission.identity.kind}:{submission.identity.value}"
        if submission.identity
        else "",
        "url": submission.url,
        "title": submission.title,
        "paper_id": one.paper.id if one.paper else None,
    }
