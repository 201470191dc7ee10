"""How the ledger tells that the process of a sender is dead."""

from __future__ import annotations

import os
import subprocess
import sys

from digest import store as rows


def test_only_a_process_that_is_gone_is_dead() -> None:
    me = rows.owners.identify_process("x")
    gone = "/".join([*me.split("/")[:2], "999999", "1", "x"])
    rebooted = "/".join([me.split("/")[0], "another-boot", *me.split("/")[2:]])
    elsewhere = "/".join(["another-host", *me.split("/")[1:]])
    assert rows.owners.find_dead([me, gone, rebooted, elsewhere, "garbage"]) == {gone, rebooted}


def test_a_process_of_another_container_is_not_dead() -> None:
    """Check containers on the host's network.

    They share its name and boot id, and each counts its processes from 1.
    """
    host, where, *rest = rows.owners.identify_process("x").split("/")
    boot = where.partition(":")[0]
    neighbours = {
        "/".join([host, f"{boot}:{namespace}", pid, *rest[1:]])
        for namespace in ("4026599999", "")
        for pid in ("999999", "7")
    }
    assert rows.owners.find_dead(neighbours) == set()


def test_a_zombie_process_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = "/".join(
        [
            *rows.owners.identify_process().split("/")[:2],
            str(child.pid),
            rows.owners._read_start(child.pid) or "",
            "x",
        ]
    )
    assert rows.owners.find_dead([owner]) == set()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert rows.owners.find_dead([owner]) == {owner}
    child.communicate()
    assert rows.owners.find_dead([owner]) == {owner}
