"""A private Postfix on a local port, with its own folders.

It keeps mail for any address in a Maildir; mail for `gone.example` bounces as on the Internet. Or
it accepts, queues and discards everything.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from digest.demo.servers import free_port

#: a domain without addresses, as Postfix finds out only after it has accepted the mail
GONE = "gone.example"
_PATIENCE = 30.0


def why_not() -> str:
    """Return why Postfix cannot be started here, or ""."""
    if shutil.which("postfix") is None:
        return "no Postfix is installed"
    return "" if os.geteuid() == 0 else "Postfix is started by root alone"


class Postfix:
    """A context manager; `port` accepts mail from this machine.

    Args:
        discards: Discard all mail.
    """

    def __init__(self, *, discards: bool = False) -> None:
        self._transport = "discard" if discards else "virtual"
        # pytest's folders are closed to other users
        self.folder = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
        self.port = free_port()
        self.log = self.folder / "log"

    def __enter__(self) -> Self:
        try:
            self._lay_out()
            self._command("start")
            _wait(self._listens, "Postfix to listen", self.log)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._command("stop", check=False)
        shutil.rmtree(self.folder)

    def mails(self, count: int) -> list[bytes]:
        """Return the kept mails in order of arrival, once there are so many."""
        new = self.folder / "mail" / "all" / "new"
        _wait(lambda: len(list(new.glob("*"))) >= count, f"{count} mails", self.log)
        return [
            path.read_bytes()
            for path in sorted(new.glob("*"), key=lambda path: path.stat().st_mtime_ns)
        ]

    def wait_until_empty(self) -> None:
        """Wait until nothing is queued."""
        queues = [self.folder / "queue" / name for name in ("incoming", "active", "deferred")]
        _wait(
            lambda: not any(path.is_file() for queue in queues for path in queue.rglob("*")),
            "an empty queue",
            self.log,
        )

    def _lay_out(self) -> None:
        self.folder.chmod(0o755)
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        for name, owner in (("etc", None), ("queue", None), ("data", postfix), ("mail", nobody)):
            (self.folder / name).mkdir()
            if owner is not None:
                os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        (self.folder / "etc" / "main.cf").write_text(
            f"""compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.log}
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
disable_dns_lookups = yes
local_recipient_maps =
alias_maps =
smtpd_peername_lookup = no
default_transport = {self._transport}
virtual_mailbox_domains =
virtual_mailbox_maps = regexp:{self.folder}/etc/mailboxes
virtual_mailbox_base = {self.folder}/mail
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
"""
        )
        (self.folder / "etc" / "mailboxes").write_text(f"!/@{GONE}$/ all/\n")
        rows = [
            f"127.0.0.1:{self.port} inet n - n - - smtpd",
            "postlog unix-dgram n - n - 1 postlogd",
        ]
        rows += [
            f"{name} unix {private} {unprivileged} n {wakes} {most} {program}"
            for name, private, unprivileged, wakes, most, program in _SERVICES
        ]
        (self.folder / "etc" / "master.cf").write_text("\n".join(rows) + "\n")

    def _command(self, what: str, *, check: bool = True) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self.folder / "etc"), what],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"postfix {what} ended with {done.returncode}: {done.stderr}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


#: (service, private, unprivileged, wake-up, processes, program): Debian's master.cf without what
#: only commands and other hosts need
_SERVICES = (
    ("cleanup", "n", "-", "-", "0", "cleanup"),
    ("qmgr", "n", "-", "300", "1", "qmgr"),
    ("rewrite", "-", "-", "-", "-", "trivial-rewrite"),
    ("bounce", "-", "-", "-", "0", "bounce"),
    ("defer", "-", "-", "-", "0", "bounce"),
    ("trace", "-", "-", "-", "0", "bounce"),
    ("error", "-", "-", "-", "-", "error"),
    ("retry", "-", "-", "-", "-", "error"),
    ("virtual", "-", "n", "-", "-", "virtual"),
    ("discard", "-", "-", "-", "-", "discard"),
    ("anvil", "-", "-", "-", "1", "anvil"),
    ("scache", "-", "-", "-", "1", "scache"),
)


def _wait(come_true: Callable[[], bool], what: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not come_true():
        if time.monotonic() > end:
            raise TimeoutError(
                f"waited {_PATIENCE:.0f} s for {what}\n{log.read_text() if log.exists() else ''}"
            )
        time.sleep(0.02)
