"""The command `digest`. Exit code 0: done, 1: failed, 2: wrong usage."""

from __future__ import annotations

import sys

from digest import logs
from digest.cli.commands import app as app
from digest.cli.terminal import err
from digest.errors import AddressError, ConfigError, DigestError, InputError


def main() -> None:
    """Run the command line.

    The project's own errors become one line and an exit code. Any other error is a bug: its
    traceback is printed, with secrets hidden.
    """
    logs.set_up("warning")  # until a command has read its settings
    logs.log_thread_errors()
    try:
        app()
    except (AddressError, InputError) as error:
        _exit(error, 2)
    except DigestError as error:
        _exit(error, 1)
    except Exception as error:  # noqa: BLE001  (a bug)
        logs.write_crash(error)
        sys.exit(1)


def _exit(error: DigestError, code: int) -> None:
    """Print the error and exit."""
    # a ConfigError lists all wrong settings, one a line
    lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    for prefix, line in zip(("digest: ", *[""] * len(lines)), lines, strict=False):
        err.print(f"{prefix}{line}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
