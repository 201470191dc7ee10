"""The command dev-mail: a mail server for development."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import make_folder, out
from digest.cli.tables import count_noun
from digest.signals import EndedBySignal, wait_for_signal

commands = typer.Typer()


@commands.command("dev-mail")
def dev_mail(
    port: Annotated[
        int,
        typer.Option(
            help="Port that takes mails on this machine; 0 = any free one.", min=0, max=65535
        ),
    ] = 2525,
    web_port: Annotated[
        int, typer.Option(help="Port of the inbox page; 0 = any free one.", min=0, max=65535)
    ] = 8026,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps each mail; a new temporary one by default.", show_default=False
        ),
    ] = None,
) -> None:
    """Run a mail server that only shows mails in the browser.

    It is for development and delivers nothing. Ctrl-C ends it.
    """
    from digest.demo.dev_mail import run_dev_mail

    folder_path = make_folder(folder) if folder else Path(tempfile.mkdtemp(prefix="digest-mail-"))
    with (
        run_dev_mail(folder_path, port=port, web_port=web_port) as (mail_sink, address),
        contextlib.suppress(EndedBySignal),
    ):
        out.print(
            f'Set in config.toml:\n\n    [smtp]\n    host = "{mail_sink.host}"\n    port = '
            f'{mail_sink.port}\n    tls = "none"\n',
            highlight=False,
            markup=False,
        )
        out.print(
            f"Mails are shown at {address}/inbox and kept in {folder_path}. Nothing is delivered. "
            f"Ctrl-C ends it.",
            highlight=False,
            soft_wrap=True,
        )
        wait_for_signal()
    out.print(f"{count_noun(len(mail_sink.mails), 'mail')} received", highlight=False)
