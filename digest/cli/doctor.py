"""The command doctor: what is wrong or missing, with remedies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import AsJson, ConfigPath, load, out, require_settings, show_json
from digest.errors import StoreError

if TYPE_CHECKING:
    from digest.doctor import Finding

commands = typer.Typer()
_SYMBOLS = {
    "good": ("ok ", "green"),
    "note": ("-  ", "dim"),
    "warning": ("?  ", "yellow"),
    "bad": ("!  ", "bold red"),
}


@commands.command(name="doctor")
def examine(
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Contact no mail server, mailbox, name server or page."),
    ] = False,
    send: Annotated[
        str | None,
        typer.Option(
            "--send",
            metavar="ADDRESS",
            help="Send a test mail to it, over each mail server.",
            show_default=False,
        ),
    ] = None,
    ip: Annotated[
        str | None,
        typer.Option(
            "--ip",
            metavar="ADDRESS",
            help="IP address that mails leave from, if not the mail server's.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Check settings, files, database, mail, DNS, pages and clock.

    Changes nothing. The exit code is 1 when something does not work.
    """

    from digest import doctor, store, subscriptions
    from digest.doctor.resolver import Resolver

    _check_options(offline=offline, send=send, ip=ip)
    address = subscriptions.normalise_address(send) if send else ""
    settings = load(config)
    with suppress(StoreError):  # becomes a finding
        if store.schema.is_empty(settings.store.url):
            require_settings(config)
    default = Path("config.toml")
    path = config or (default if default.is_file() else None)
    findings = []
    for finding in doctor.examine(
        settings, path=path, resolver=Resolver(), offline=offline, send=address, ip=ip or ""
    ):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        show_json(
            {
                "sick": doctor.has_failures(findings),
                "findings": [finding.json for finding in findings],
            }
        )
    else:
        _show_failure_count(findings)
    if doctor.has_failures(findings):
        raise typer.Exit(1)


def _check_options(*, offline: bool, send: str | None, ip: str | None) -> None:
    """Raise BadParameter for options that exclude each other, or a malformed address."""
    if offline and send:
        raise typer.BadParameter("--offline and --send exclude each other")
    if ip is not None and not _is_ip(ip):
        raise typer.BadParameter(
            f"--ip {ip!r} is not an IP address such as 203.0.113.7 or 2001:db8::7"
        )


def _show_failure_count(findings: Sequence[Finding]) -> None:
    count = sum(finding.level == "bad" for finding in findings)
    if count:
        out.print(
            "one thing does not work" if count == 1 else f"{count} things do not work",
            style="bold red",
            highlight=False,
        )


def _show(finding: Finding) -> None:
    symbol, style = _SYMBOLS[finding.level]
    lines = [(f"{symbol}{finding.area:<12}{finding.what}", style)]
    if finding.remedy:
        lines.append((f"{'':15}{finding.remedy}", "dim"))
    for line, line_style in lines:
        out.print(line, style=line_style, markup=False, highlight=False, soft_wrap=True)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
