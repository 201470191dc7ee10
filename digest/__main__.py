"""The command `digest`, and `python -m digest`: nothing is imported before signals are minded."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from digest.signals import Ended, ending

#: of sysexits.h: a mail server brings the mail again; a code that it does not know returns the mail
_TEMPFAIL = 75


def main() -> None:
    """Run the command line; a signal ends it at any moment, also while it loads."""
    try:
        with ending(_TEMPFAIL if sys.argv[1:2] == ["bounce"] else None):
            from digest import cli

            cli.main()
    except Ended as ended:
        sys.stderr.write(f"digest: ended by {ended.name}\n")
        sys.stderr.flush()
        with suppress(OSError):  # who read it may be gone
            sys.stdout.flush()
        os._exit(ended.code)  # all is closed; threads that still compute are not waited for


if __name__ == "__main__":
    main()
