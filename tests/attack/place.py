"""A service under attack: a database and real `digest serve` processes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import httpx
import msgspec
from sqlalchemy import select

from digest import config, pipeline, store, subscriptions
from digest.app import App
from digest.demo.servers import free_port
from digest.model import Purpose, Subscriber
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import ROOT, invent_papers

#: seconds after which a process that does not answer has failed; a busy machine is slow
PATIENCE = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Attempts of an attack, and what got through or was lost."""

    name: str
    count: int
    #: empty if all held; else one line for each thing that went wrong
    lost: tuple[str, ...] = ()
    #: what was seen beside, for the table
    remark: str = ""


class Place:
    """An installation of its own in a folder.

    Args:
        folder: For config, outbox and, with SQLite, the database.
        url: An empty database; "" = SQLite in the folder.
        settings: Further lines of config.toml, by section.
    """

    def __init__(self, folder: Path, url: str = "", **settings: str) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder / 'digest.sqlite'}"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        sections = {
            "store": f'url = "{self.url}"',
            "web": f'bind = "127.0.0.1:{self.port}"\nbase_url = "{self.base_url}"',
            "mail": 'sender = "digest@example.org"',
            "schedule": "tick_seconds = 1",
        }
        for section, lines in settings.items():
            sections[section] = f"{sections.get(section, '')}\n{lines}"
        text = "".join(f"[{section}]\n{lines}\n" for section, lines in sections.items())
        self.config = folder / "config.toml"
        self.config.write_text(text, encoding="utf-8")

    @cached_property
    def app(self) -> App:
        """The same installation, to prepare it and to read its database."""
        return App.open(config.load(self.config, {}))

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        if "app" in self.__dict__:
            self.__dict__.pop("app").close()

    def add_papers(self, per_format: int = 2) -> None:
        """Store invented papers of today."""
        self.add_rows(invent_papers(datetime.now(UTC).date(), per_format))

    def add_rows(self, rows: Sequence[Mapping[str, object]], day: date | None = None) -> None:
        """Store papers as rows of a dump, first seen today or on a day."""
        path = self.folder / "papers.jsonl"
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        pipeline.ingest(self.app, [path], seen=day)

    def newest_paper(self) -> int:
        with self.app.store.reading() as tx:
            return store.papers.find_max_id(tx)

    def subscribe(self, local: str, /, **fields: object) -> Subscriber:
        request = SubscriptionRequest(email=f"{local}@example.org", **fields)  # type: ignore[arg-type]
        return subscriptions.subscribe(self.app, request, origin="command").subscriber

    def newest_message(self) -> int:
        with self.app.store.reading() as tx:
            ids = tx.execute(select(tables.messages.c.id)).scalars().all()
        return max(ids, default=0)

    def path(
        self,
        purpose: Purpose,
        subscriber: Subscriber,
        paper_id: int = 0,
        *,
        message_id: int = 0,
    ) -> str:
        url = self.app.url(purpose, subscriber.id, paper_id=paper_id, message_id=message_id)
        return url.removeprefix(self.base_url)

    def fingerprint(self, *without: str) -> dict[str, str]:
        """Hash the rows of each table, to see whether anything changed."""
        hashes = {}
        with self.app.store.reading() as tx:
            for table in tables.metadata.sorted_tables:
                if table.name not in without:
                    rows = sorted(repr(tuple(row)) for row in tx.execute(select(table)))
                    hashes[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return hashes

    def count_messages(self, kind: str) -> int:
        """Count the planned messages of a kind."""
        with self.app.store.reading() as tx:
            query = select(tables.messages.c.id).where(tables.messages.c.kind == kind)
            return len(tx.execute(query).all())

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    @contextmanager
    def serving(self, *only: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `digest serve` as a process that answers.

        It is stopped at the end, and killed if it does not stop.
        """
        words = [word for role in only for word in ("--only", role)]
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "digest", "serve", "--config", str(self.config), *words],
                cwd=ROOT,
                env=outside | environment,
                stdout=log,
                stderr=log,
            )
        try:
            if not only or "web" in only:
                self.wait_until_answering(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def wait_until_answering(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(
                    f"serve ended with {process.returncode}:\n{self.log.read_text()[-3000:]}"
                )
            try:
                if httpx.get(f"{self.base_url}/healthz", timeout=10).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise RuntimeError(f"serve did not answer:\n{self.log.read_text()[-3000:]}")

    def get(self, path: str, **sent: object) -> httpx.Response:
        return httpx.get(self.base_url + path, timeout=PATIENCE, **sent)  # type: ignore[arg-type]

    def post(self, path: str, **sent: object) -> httpx.Response:
        return httpx.post(self.base_url + path, timeout=PATIENCE, **sent)  # type: ignore[arg-type]


def run_digest(place: Place, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the installation, as its operator would."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    return subprocess.run(
        [sys.executable, "-m", "digest", *words, "--config", str(place.config)],
        cwd=place.folder,
        env=outside | {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
