"""A private PostgreSQL server on a local port, to be restarted and killed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.proofs.ports import find_lasting_port

_USER = "postgres"


def find_programs() -> Path | None:
    """Return the folder of the newest installed server's programs."""
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: int(path.parent.parent.name), default=None)
    return newest.parent if newest else None


class PostgresCluster:
    """A context manager; `url` names an empty database.

    The server refuses to run as root, so root starts it as the user postgres.
    """

    def __init__(self) -> None:
        programs = find_programs()
        if programs is None:
            raise FileNotFoundError("initdb: install Debian's package postgresql")
        self._programs = programs
        self.port = find_lasting_port()
        self.folder = Path(tempfile.mkdtemp(prefix="digest-postgres-"))
        self.url = f"postgresql://{_USER}@127.0.0.1:{self.port}/digest"

    def __enter__(self) -> Self:
        try:
            if os.geteuid() == 0:
                shutil.chown(self.folder, _USER, pwd.getpwnam(_USER).pw_gid)
            data = ["-D", str(self.folder / "data")]
            self._call("initdb", *data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
            # No test pulls the plug, so what is written need not reach the disk to outlive a kill.
            options = {
                "port": self.port,
                "listen_addresses": "'127.0.0.1'",
                "unix_socket_directories": f"'{self.folder}'",
                "fsync": "off",
            }
            with (self.folder / "data" / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = {value}\n" for name, value in options.items())
            self.start()
            host = ["-h", "127.0.0.1", "-p", str(self.port), "-U", _USER]
            self._call("createdb", *host, "digest")
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
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def start(self) -> None:
        self._control("start", "-l", str(self.folder / "log"))

    def stop(self, mode: Literal["fast", "immediate"]) -> None:
        """Stop it.

        Args:
            mode: "immediate" = as by a crash; it recovers at the next start.
        """
        self._control("stop", "-m", mode)

    def _control(self, verb: str, *words: str) -> None:
        self._call("pg_ctl", verb, "-D", str(self.folder / "data"), "-w", "-s", *words)

    def _call(self, program: str, *words: str) -> None:
        as_user = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*as_user, str(self._programs / program), *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {' '.join(words)}: {done.stderr}")
