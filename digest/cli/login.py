"""The command login: the consent of a mail account's owner, once (OAuth 2.0)."""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import ConfigPath, err, load, out
from digest.errors import ConfigError, InputError, OAuthError

if TYPE_CHECKING:
    from digest.mail.oauth import Account, BrowserFlow, Grant

commands = typer.Typer()
#: seconds that the owner of the account has for the page of the provider
_PATIENCE = 900.0


@commands.command()
def login(
    account: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCOUNT",
            help="Username to log in anew; by default, all accounts without a working login.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser", help="Use a page in the browser, where the provider blocks codes."
        ),
    ] = False,
    config: ConfigPath = None,
) -> None:
    """Log in to mail accounts that take no password (OAuth 2.0).

    For every server with auth = "oauth2", such as Gmail or Microsoft 365. You agree once on a page
    of the provider; the login is renewed by itself from then on.
    """

    from digest.mail.oauth import store_grant
    from digest.mail_accounts import list_accounts

    accounts = list_accounts(load(config))
    if not accounts:
        raise ConfigError(
            'no server has auth = "oauth2", so nobody has to log in. Set it in [smtp], [mailbox] '
            "or a source of kind mailbox"
        )
    if account is not None:
        accounts = [known for known in accounts if known.username == account]
    if not accounts:
        raise InputError(f'{account!r}: no server has this username and auth = "oauth2"')
    for known in accounts:
        if account is None and _works(known):
            _say(f"{known.username} is logged in.")
            continue
        grant = _ask_in_browser(known) if browser else _ask(known)
        store_grant(known, grant)
        _say(f"{known.username} is logged in; the login is kept in {known.path}.")
    _say("Check it with: digest doctor", style="dim")


def _works(account: Account) -> bool:
    """Return whether an access token can be had; say why not."""
    from digest.mail.oauth import AccessTokens

    try:
        AccessTokens(account)("")
    except OAuthError as error:
        _say(str(error).partition(". ")[0] + ".")
        return False
    return True


def _ask(account: Account) -> Grant:
    """Get consent by the flow that the provider has."""
    from digest.mail.oauth import request_device_code, wait_for_consent

    if not account.client.device_url:
        return _ask_in_browser(account)
    code = request_device_code(account)
    _say(f"Open this page on any device, log in as {account.username}, and type the code:")
    _say("")
    _say(f"    {code.verification_url}")
    _say(f"    {code.user_code}")
    _say("")
    _say(f"Waiting for your consent, {code.expires_in / 60:.0f} minutes at most (Ctrl-C ends it).")
    return wait_for_consent(account, code)


def _ask_in_browser(account: Account) -> Grant:
    """Get consent on a page that sends the browser back to this machine."""
    from digest.mail.oauth import BrowserFlow

    if not account.client.authorize_url:
        raise ConfigError(
            "the provider has no page for this. Leave out --browser, or set [oauth] authorize_url"
        )
    with BrowserFlow(account) as flow:
        _say(f"Open this page in a browser, and log in as {account.username}:")
        _say("")
        typer.echo(f"    {flow.url}")
        _say("")
        _say(
            "If the browser runs on another machine, it ends at a page that does not load, "
            f"{flow.redirect_url}?... Paste its address here:"
        )
        return _wait_for_browser(flow)


def _wait_for_browser(flow: BrowserFlow) -> Grant:
    """Wait until the browser comes, or the owner pastes the address it ended at."""
    is_reading = True
    waited = 0.0
    while waited < _PATIENCE:
        if flow.wait(0.2):
            return flow.finish()
        waited += 0.2
        if not is_reading or not select.select([sys.stdin], [], [], 0)[0]:
            continue
        line = sys.stdin.readline()
        is_reading = bool(line)
        if not line.strip():
            continue
        try:
            return flow.finish(line)
        except InputError as error:
            err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise OAuthError("nobody agreed in time. Run `digest login` again")


def _say(text: str, style: str | None = None) -> None:
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
