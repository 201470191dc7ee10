"""The command deliveries: what became of messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.model import MessageState

commands = typer.Typer()
_RESOLVED: dict[str, Literal[MessageState.ACCEPTED, MessageState.REJECTED]] = {
    "accepted": MessageState.ACCEPTED,
    "rejected": MessageState.REJECTED,
}
_AS_IT_IS: dict[str, Any] = {"soft_wrap": True, "markup": False, "highlight": False}


@commands.command()
def deliveries(
    email: Annotated[
        str | None, typer.Argument(help="Only this reader's.", show_default=False)
    ] = None,
    state: Annotated[
        MessageState | None,
        typer.Option(
            metavar="STATE",
            help=f"Only messages in this state: {', '.join(MessageState)}.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many messages, the newest first.", min=1)] = 50,
    resolve: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="MESSAGE_ID accepted|rejected",
            help="Settle an unknown message: what the mail server's log says became of it.",
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """List messages with every attempt to deliver them.

    With --resolve, settle a message whose outcome is unknown.
    """

    from digest import services, subscriptions

    if resolve is not None and resolve[1] not in _RESOLVED:
        raise typer.BadParameter(
            f"{resolve[1]!r}: a message is resolved as accepted or rejected", param_hint="--resolve"
        )
    with open_app(config, existing=True) as app:
        if resolve is not None:
            services.resolve(app, resolve[0], _RESOLVED[resolve[1]])
            show_json({"message_id": resolve[0], "state": resolve[1]}) if as_json else out.print(
                f"{resolve[0]}: {resolve[1]}", markup=False
            )
            return
        subscriber = None if email is None else subscriptions.find(app, email)
        messages = services.deliveries(app, subscriber=subscriber, state=state, limit=limit)
    if as_json:
        show_json(messages)
        return
    for row in messages:
        _show(row)
    if not messages:
        out.print("no such messages", style="dim")


def _show(row: dict[str, Any]) -> None:
    state = row["state"] + (f" by {row['evidence']}" if row["evidence"] else "")
    # Soft, so that a Message-ID can be copied whole; and what a server said is no markup.
    out.print(
        f"{row['changed_at']:%Y-%m-%d %H:%M}  {row['email']}  {row['message_id']}  {state}",
        style="bold",
        **_AS_IT_IS,
    )
    for attempt in row["deliveries"]:
        out.print(f"    {_format_attempt(attempt)}", **_AS_IT_IS)


def _format_attempt(attempt: dict[str, Any]) -> str:
    reply = " ".join(filter(None, (str(attempt["code"] or ""), attempt["text"])))
    hours = f"{attempt['started_at']:%H:%M:%S}-{attempt['ended_at']:%H:%M:%S}"
    where = f"{attempt['server']} {attempt['phase']}"
    return f"{hours} {where}: {attempt['outcome']} {reply}".rstrip()
