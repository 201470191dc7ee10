"""The command doctor: what is wrong or missing, with remedies."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from digest import store, subscriptions
from digest.cli.options import AsJson, ConfigPath, load, out, require_settings, show_json
from digest.errors import StoreError

commands = typer.Typer()
_MARKS = {
    "good": ("ok ", "green"),
    "note": ("-  ", "dim"),
    "warning": ("?  ", "yellow"),
    "bad": ("!  ", "bold red"),
}


@commands.command(name="doctor")
def examine(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no mail server, mailbox, name server or page.")
    ] = False,
    send: Annotated[
        str | None,
        typer.Option(
            "--send",
            metavar="ADDRESS",
            help="Send a test mail there, over each mail server.",
            show_default=False,
        ),
    ] = None,
    ip: Annotated[
        str | None,
        typer.Option(
            "--ip",
            metavar="ADDRESS",
            help="Address that mails leave from, where it is not the mail server's.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Check settings, files, database, mail, DNS, pages and clock.

    Changes nothing. The exit code is 1 when something does not work.
    """
    from digest import doctor
    from digest.doctor.resolver import Resolver

    if offline and send:
        raise typer.BadParameter("--offline and --send exclude each other")
    if ip is not None and not _is_ip(ip):
        raise typer.BadParameter(
            f"--ip {ip!r} is no address of the internet, such as 203.0.113.7 or 2001:db8::7"
        )
    address = subscriptions.normalise_address(send) if send else ""
    settings = load(config)
    with suppress(StoreError):  # which is a finding
        if store.schema.is_empty(settings.store.url):
            require_settings(config)
    default = Path("config.toml")
    path = config or (default if default.is_file() else None)
    found = []
    for one in doctor.examine(
        settings, path=path, resolver=Resolver(), offline=offline, send=address, ip=ip or ""
    ):
        found.append(one)
        if not as_json:
            mark, style = _MARKS[one.level]
            out.print(
                f"{mark}{one.area:<12}{one.what}",
                style=style,
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            if one.remedy:
                out.print(
                    f"{'':15}{one.remedy}",
                    style="dim",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
    if as_json:
        show_json({"sick": doctor.has_failures(found), "findings": [one.json for one in found]})
    elif doctor.has_failures(found):
        count = sum(one.level == "bad" for one in found)
        out.print(
            "one thing does not work" if count == 1 else f"{count} things do not work",
            style="bold red",
            highlight=False,
        )
    if doctor.has_failures(found):
        raise typer.Exit(1)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
