"""The identity of a sender: host, boot, process and its start time.

A new sender on the same host can tell from it which old ones are certainly dead.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path


def identify_process(nonce: str = "") -> str:
    """Return host/boot:namespace/pid/start/nonce of this process."""
    return "/".join(
        (
            socket.gethostname(),
            f"{_read_boot_id()}:{_read_pid_namespace()}",
            str(os.getpid()),
            _read_start(os.getpid()) or "",
            nonce,
        )
    )


def find_dead(owners: Iterable[str]) -> set[str]:
    """Find the owners on this host whose process is certainly gone."""
    return {owner for owner in owners if _is_dead(owner)}


def _is_dead(owner: str) -> bool:
    parts = owner.split("/")
    if len(parts) != 5 or not _read_boot_id():
        return False
    host, (boot, _, namespace), pid, start = parts[0], parts[1].partition(":"), parts[2], parts[3]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if boot != _read_boot_id():
        return True
    if namespace != _read_pid_namespace() or _read_start(1) is None:
        return False
    return _read_start(int(pid)) != start


def _read_pid_namespace() -> str:
    """Return the namespace of process ids.

    Two containers may share host name and boot, and neither sees the other's processes.
    """
    try:
        return Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return ""


def _read_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""  # no /proc: the lease alone decides


def _read_start(pid: int) -> str | None:
    """Return a process's start in clock ticks since boot (proc(5), field 22).

    None when there is no such process, when it is a zombie, or when it is hidden. Where processes
    of other users are hidden (hidepid), so is number 1.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()  # the name in brackets may hold any character
    return None if state in "ZX" else rest[18]
