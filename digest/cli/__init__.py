"""The command `digest`. Exit code 0: done, 1: failed, 2: wrong usage."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from digest import logs
from digest.cli.commands import app as app
from digest.cli.terminal import err
from digest.errors import AddressError, ConfigError, DigestError, InputError

#: no space, a quota, a limit on the size of files
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    except Exception as error:  # noqa: BLE001
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _exit_without_room(error)
        logs.write_crash(error)  # a bug
        sys.exit(1)


def _exit_without_room(error: OSError) -> None:
    """Say that the output, or a file that was being written, has no room; and exit."""
    where = error.filename or "the output"
    with suppress(OSError):
        sys.stderr.write(
            f"digest: {where}: cannot be written ({error.strerror}). What was stored stays; free "
            "some space and run it again\n"
        )
        sys.stderr.flush()
    # What stays in the buffers would fail once more at the end, with a traceback.
    os._exit(1)


def _exit(error: DigestError, code: int) -> None:
    """Print the error and exit."""
    # a ConfigError lists all wrong settings, one a line
    lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    for prefix, line in zip(("digest: ", *[""] * len(lines)), lines, strict=False):
        err.print(f"{prefix}{line}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
