"""The command `digest`: one sub-command per verb. Exit code 0 ok, 1 failed, 2 bad usage."""

from __future__ import annotations

import sys

from digest.cli import (
    catch,
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
from digest.errors import AddressError, DigestError, InputError

__all__ = [
    "app",
    "catch",
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
    """Run the command line; the project's own errors become one line and an exit code, never a traceback."""
    try:
        app()
    except (AddressError, InputError) as error:
        _fail(error, 2)
    except DigestError as error:
        _fail(error, 1)


def _fail(error: DigestError, code: int) -> None:
    err.print(f"digest: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
