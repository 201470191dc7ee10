"""Commands for incoming mail: bounce (a pipe), mailbox."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest import private
from digest.cli.options import AsJson, ConfigPath, err, make_folder, open_app, out, show_json
from digest.cli.tables import count_noun
from digest.errors import ConfigError, DigestError, InputError, StoreError
from digest.kept import holds_mails, restrict_mails

if TYPE_CHECKING:
    from digest import services
    from digest.services import inbound

commands = typer.Typer()
log = logging.getLogger("digest.inbound")

#: codes of sysexits.h for mail servers: try later, unknown recipient, wrong settings
_TEMPFAIL, _NOUSER, _CONFIG = 75, 67, 78


@commands.command()
def bounce(
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="Recipient of the envelope, if the mail server gives it.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FOLDER",
            help="Keep mails for people as .eml files here.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Read one mail from standard input: bounce or request.

    For the pipe of a mail server. Exit codes are those of sysexits.h: 0 handled or kept, 67 not
    for this service (and no --keep), 75 try again later, 78 wrong settings.
    """

    from digest.services import inbound

    try:
        data = sys.stdin.buffer.read()
        with open_app(config) as app:
            received = inbound.receive_mail(app, data, recipients=tuple(to or ()))
        if not received.handled and keep is not None:
            _keep_mail(keep, data)
    except ConfigError as error:
        raise _exit_with(error, _CONFIG) from error
    except (StoreError, InputError, OSError) as error:
        raise _exit_with(error, _TEMPFAIL) from error
    except DigestError as error:
        raise _exit_with(error, _CONFIG) from error
    except Exception as error:
        # a bug must not lose a mail: the mail server tries again
        log.exception("mail not processed: a bug")
        raise typer.Exit(_TEMPFAIL) from error
    if as_json:
        show_json(received.json)
    else:
        _show_received(received)
    if not received.handled and keep is None:
        raise typer.Exit(_NOUSER)


def _show_received(received: inbound.Received) -> None:
    reader = f"{received.subscriber.email}: " if received.subscriber else ""
    stopped = (
        f"; no more mail goes there ({received.suppressed.value})" if received.suppressed else ""
    )
    out.print(
        f"{reader}{received.outcome} ({received.why}){stopped}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _exit_with(error: Exception, code: int) -> typer.Exit:
    err.print(f"digest: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def _keep_mail(folder: Path, data: bytes) -> None:
    """Write the mail completely or not at all, under a unique name."""
    make_folder(folder)
    part = folder / f".{secrets.token_hex(8)}.part"
    if holds_mails(folder):
        private.restrict_to_owner(folder)
    if private.is_open_to_others(folder):
        restrict_mails(folder)
    with private.create_file(part, exclusive=True) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(folder / f"{part.stem.lstrip('.')}.eml")


@commands.command()
def mailbox(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Read new mail in the mailbox: bounces, complaints, requests.

    Deletes nothing.
    """

    from digest import services

    with open_app(config) as app:
        report = services.poll_mailbox(app)
        if report.not_configured:
            raise ConfigError(
                "no mailbox is configured. Set [mailbox] host, username and password_file"
            )
    if as_json:
        show_json(report.json)
    else:
        show_polled(report)
    if report.error or report.failed:
        raise typer.Exit(1)


def show_polled(report: services.MailboxReport) -> None:
    """Print what was read from the mailbox."""
    summary = (
        ", ".join(f"{n} {outcome}" for outcome, n in sorted(report.outcomes.items()))
        or "nothing new"
    )
    more = "; there may be more, run it again" if report.more else ""
    out.print(f"mailbox: {summary}{more}", highlight=False)
    if report.failed:
        err.print(
            f"digest: {count_noun(report.failed, 'mail')} could not be read; the log says why",
            style="red",
            highlight=False,
        )
    if report.error:
        err.print(
            f"digest: {report.error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
