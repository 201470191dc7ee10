"""The command `digest`: one sub-command per verb. Exit code 0 ok, 1 failed, 2 bad usage."""

from __future__ import annotations

import sys

from digest import logs
from digest.cli import (
    beginning,
    catch,
    database,
    deliveries,
    doctor,
    dumps,
    evaluation,
    fetch,
    library,
    mail,
    operate,
    people,
    rounds,
    signing,
    suppressions,
    vectors,
)
from digest.cli.base import app
from digest.cli.options import err
from digest.errors import AddressError, ConfigError, DigestError, InputError

__all__ = [
    "app",
    "beginning",
    "catch",
    "database",
    "deliveries",
    "doctor",
    "dumps",
    "evaluation",
    "fetch",
    "library",
    "mail",
    "main",
    "operate",
    "people",
    "rounds",
    "signing",
    "suppressions",
    "vectors",
]


def main() -> None:
    """Run the command line.

    The project's own errors become one line and an exit code, never a traceback. A bug's traceback
    is shown without secrets: Python's own would print whatever the error says.
    """
    logs.set_up("warning")  # until a command has read its settings
    logs.guard_threads()
    try:
        app()
    except (AddressError, InputError) as error:
        _fail(error, 2)
    except DigestError as error:
        _fail(error, 1)
    except Exception as error:  # noqa: BLE001  (everything else is a bug, and is shown as one)
        sys.stderr.write(f"{logs.report_crash(error, error.__traceback__)}\n")
        sys.exit(1)


def _fail(error: DigestError, code: int) -> None:
    # of settings all that is wrong is told at once, a line each
    told = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    for start, line in zip(("digest: ", *[""] * len(told)), told, strict=False):
        err.print(f"{start}{line}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
