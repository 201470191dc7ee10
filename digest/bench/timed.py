"""Run a command, and write what it used, as JSON, to a file descriptor.

It is a process of its own, as small as Python can be: Linux counts the memory of a process that
starts a command as the command's own.

    python -I -S timed.py DESCRIPTOR COMMAND...
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the command of this process's arguments; its output is that of this process."""
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    # macOS counts bytes, the others kilobytes
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    figures = {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": peak,
    }
    with os.fdopen(descriptor, "w") as file:
        json.dump(figures, file)


if __name__ == "__main__":
    main()
