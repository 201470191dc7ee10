"""The commands `digest webhooks`: programs that are told what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, open_app, out, show_json
from digest.cli.tables import make_table

if TYPE_CHECKING:
    from digest.model import Webhook

commands = typer.Typer()
webhooks = typer.Typer(
    help="Tell other programs of sent digests, thumbs and leavers.", no_args_is_help=True
)
commands.add_typer(webhooks, name="webhooks")

Ident = Annotated[
    int,
    typer.Argument(metavar="ID", help="As `digest webhooks list` shows it.", show_default=False),
]


@webhooks.command()
def add(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where to post events.", show_default=False)
    ],
    event: Annotated[
        list[str],
        typer.Option(
            "--event",
            metavar="NAME",
            help="digest.sent, thumb, unsubscribed, alarm.started or alarm.ended; repeat it for "
            "several.",
            show_default=False,
        ),
    ],
    addresses: Annotated[
        bool,
        typer.Option(
            "--with-addresses", help="Send the readers' addresses too, not their ids alone."
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Add a webhook and show its secret, this one time.

    Events are signed as Standard Webhooks says (https://www.standardwebhooks.com), so the receiver
    can check that they come from here. An event may come twice, under the same webhook-id.
    """
    from digest import services

    with open_app(config) as app:
        webhook, secret = services.add_webhook(app, url, event, addresses=addresses)
    if as_json:
        show_json(_to_json(webhook, {}) | {"secret": secret}, exact=True)
        return
    out.print(f"webhook {webhook.id} is told of {', '.join(webhook.events)}", highlight=False)
    out.print("Keep its secret now: it is not shown again.", highlight=False)
    typer.echo(secret)  # `out` hides secrets


@webhooks.command(name="list")
def list_webhooks(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """List the webhooks, and how many events each waits for, took and missed."""
    from digest import services

    with open_app(config, existing=True) as app:
        listed = services.list_webhooks(app)
    if as_json:
        show_json([_to_json(webhook, counts) for webhook, counts in listed])
        return
    if not listed:
        out.print("no webhook; `digest webhooks add URL --event thumb` adds one", style="dim")
        return
    table = make_table(
        "id", "address", "events", "waiting", "delivered", "failed", "", numbers=("id",)
    )
    for webhook, counts in listed:
        state = webhook.error and f"failing: {webhook.error}"
        if webhook.disabled_at:
            state = f"turned off {webhook.disabled_at:%Y-%m-%d %H:%M} UTC: {webhook.error}"
        table.add_row(
            str(webhook.id),
            webhook.url,
            " ".join(webhook.events) + (" (with addresses)" if webhook.addresses else ""),
            *(str(counts.get(name, 0)) for name in ("waiting", "delivered", "failed")),
            state,
        )
    out.print(table)


@webhooks.command()
def remove(ident: Ident, config: ConfigPath = None) -> None:
    """Remove a webhook; what waits for it is not sent."""
    from digest import services

    with open_app(config, existing=True) as app:
        services.remove_webhook(app, ident)
    out.print(f"webhook {ident} is removed", highlight=False)


@webhooks.command()
def enable(ident: Ident, config: ConfigPath = None) -> None:
    """Turn a webhook on again that kept failing; what it missed is not sent."""
    from digest import services

    with open_app(config, existing=True) as app:
        services.enable_webhook(app, ident)
    out.print(f"webhook {ident} is on", highlight=False)


@webhooks.command(name="test")
def try_webhook(ident: Ident, as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Post an event of the type "test" now, and show what the receiver answers."""
    from digest import services

    with open_app(config, existing=True) as app:
        tested = services.try_webhook(app, ident)
    if as_json:
        show_json({"status": tested.status or None, "error": tested.error or None})
    elif tested.succeeded:
        out.print(f"webhook {ident} took the event ({tested.status})", highlight=False)
    else:
        out.print(
            f"webhook {ident} did not take the event: {tested.error}",
            style="red",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if not tested.succeeded:
        raise typer.Exit(1)


@webhooks.command()
def send(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Send the events that are due. `digest serve` does it by itself."""
    from digest import services

    with open_app(config, existing=True) as app:
        report = services.send_webhooks(app)
    if as_json:
        show_json(dict(sorted(report.outcomes.items())) | {"disabled": report.disabled})
        return
    counts = ", ".join(f"{n} {name}" for name, n in sorted(report.outcomes.items()))
    out.print(f"webhooks: {counts or 'nothing due'}", highlight=False)


def _to_json(webhook: Webhook, counts: dict[str, int]) -> dict[str, object]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "addresses": webhook.addresses,
        "created_at": webhook.created_at,
        "failing_since": webhook.failing_since,
        "disabled_at": webhook.disabled_at,
        "error": webhook.error or None,
        "counts": {name: counts.get(name, 0) for name in ("waiting", "delivered", "failed")},
    }
