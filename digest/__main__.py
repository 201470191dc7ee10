"""The command `digest`, and `python -m digest`.

Signals are handled before other imports.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from digest.signals import EndedBySignal, end_on_signals, ignore_hangups

#: of sysexits.h: the mail server tries again; after an unknown code it would return the mail
_TEMPFAIL = 75
#: libraries for matrices start a thread for each core, which wait for one another in our many small
#: products; work is parallel by processes and by readers instead
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Run the command line; a signal ends it at any time, also during imports."""
    if sys.argv[1:2] == ["serve"]:
        ignore_hangups()
    try:
        with end_on_signals(_TEMPFAIL if sys.argv[1:2] == ["bounce"] else None):
            for name in _ONE_THREAD:
                os.environ.setdefault(name, "1")
            from digest import cli

            cli.main()
    except EndedBySignal as ended:
        sys.stderr.write(f"digest: ended by {ended.name}\n")
        sys.stderr.flush()
        with suppress(OSError):  # the reader of a pipe may be gone
            sys.stdout.flush()
        os._exit(ended.code)  # everything is closed; do not wait for threads that still compute


if __name__ == "__main__":
    main()
