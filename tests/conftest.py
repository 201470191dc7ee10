"""Fixtures of all tests: a store on each database, an app, and the cast.

Where a server, a browser or the real dumps are missing, their tests are skipped with the reason.
With DIGEST_TEST_ALL=1, as in CI, a missing one is a failure, tests marked `slow` run, and property
tests try all of their examples.
"""

from __future__ import annotations

import email
import email.policy
import functools
import logging
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import hypothesis
import msgspec
import pytest

from digest import config, subscriptions
from digest.app import App
from digest.model import Subscriber
from digest.store import Store, schema, tables
from digest.subscriptions import SubscriptionRequest
from tests.examples import FULL, examples

ROOT = Path(__file__).resolve().parents[1]
#: the day on which the stories play
TODAY = date(2026, 6, 9)
NOON = datetime(2026, 6, 9, 12, tzinfo=UTC)
#: the schema that databases of tests are of
HEAD = schema.get_head_revision()
#: the server on which databases may be made, unless DIGEST_TEST_POSTGRES names another
POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


# No deadline: a busy machine fails no test. Hypothesis sees by itself that it runs in CI and then
# tries the same examples each time; both profiles keep that.
for profile, count in (("full", 100), ("desk", examples(100))):
    hypothesis.settings.register_profile(
        profile,
        max_examples=count,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("full" if FULL else "desk")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip slow tests unless all are asked for, mark those that need real dumps, and order them."""
    for item in items:
        if not FULL and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: DIGEST_TEST_ALL=1 runs it"))
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)
    # These wait more than they work: at the end one worker would be left waiting alone.
    items.sort(key=lambda item: "test_kill" not in item.nodeid)


def skip_or_fail(reason: str) -> None:
    """Skip the test; fail it where DIGEST_TEST_ALL says that nothing may be missing."""
    if FULL:
        pytest.fail(f"DIGEST_TEST_ALL is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DIGEST_") and not name.startswith("DIGEST_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Undo what a command that ran in this process changed in logging.

    Its handler writes to the standard error of its test. A later test would log to a closed file.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real dumps, which users of the project do not have."""
    folder = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared"))
    if not (folder / "dumps").is_dir():
        skip_or_fail(f"no real dumps at {folder}")
    return folder


# ----------------------------------------------------------------------------------------------
# databases


@pytest.fixture(scope="session")
def postgres() -> str:
    """URL of a PostgreSQL server on which databases may be made."""
    url = os.environ.get("DIGEST_TEST_POSTGRES", POSTGRES)
    try:
        import psycopg

        psycopg.connect(url, connect_timeout=3).close()
    except (ImportError, OSError, psycopg.Error) as error:
        skip_or_fail(f"no PostgreSQL at {url}: {str(error).splitlines()[0]}")
    return url


def postgres_url(admin: str) -> Iterator[str]:
    """Make a database that lives as long as the generator."""
    import psycopg

    name = f"digest_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield admin.rsplit("/", 1)[0] + "/" + name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@functools.cache
def build_sqlite_file() -> bytes:
    """Build the bytes of an SQLite file with the schema in it.

    Tests write them where they need a database: migrating each anew took most of the suite's time.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest.sqlite"
        store = Store(f"sqlite:///{path}")
        schema.require(store)
        with store.writing() as tx:
            # PostgreSQL's tables are emptied between tests, so both kinds begin without this row.
            tx.execute(tables.installation.delete())
        return close_and_read(store, path)


def close_and_read(store: Store, path: Path) -> bytes:
    """Close a store on SQLite and read its whole file."""
    with store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path.read_bytes()


@pytest.fixture(scope="session")
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of one database with the schema in it, for one test after the other.

    Creating and dropping one for each test waits for the disk, which took most of their time. For
    the same reason its commits do not wait for the disk: no test pulls the plug.
    """
    import psycopg

    for url in postgres_url(postgres):
        store = Store(url)
        schema.require(store)
        store.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off".encode()
            )
        yield url


def empty_postgres(url: str) -> None:
    """Disconnect all clients, empty the tables, reset sequences and version."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
            "current_database() AND pid <> pg_backend_pid()"
        )
        filled = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables.metadata.tables
        )
        numbered = (
            "SELECT d.refobjid::regclass::text FROM pg_depend d JOIN pg_sequences s ON "
            "s.sequencename::regclass = d.objid"
            " WHERE d.deptype IN ('a', 'i') AND s.last_value IS NOT NULL"
        )
        used = {name for (name,) in connection.execute(f"{filled} UNION {numbered}".encode())}
        connection.execute("UPDATE alembic_version SET version_num = %s", (HEAD,))
        if used:
            connection.execute(
                f"TRUNCATE {', '.join(sorted(used))} RESTART IDENTITY CASCADE".encode()
            )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind that is supported."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
    else:
        yield from postgres_url(request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind, with the schema in it."""
    if request.param == "sqlite":
        path = tmp_path / "digest.sqlite"
        path.write_bytes(build_sqlite_file())
        yield f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_database")
        yield url
        empty_postgres(url)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with the schema in it."""
    opened = Store(store_url)
    yield opened
    opened.close()


# ----------------------------------------------------------------------------------------------
# the app and its cast


def make_app(folder: Path, url: str | None = None, **settings: str) -> App:
    """Make an app at noon of TODAY whose files are in a folder.

    Args:
        settings: such as `smtp__port="25"`.
    """
    path = folder / "digest.sqlite"
    if url is None and not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(build_sqlite_file())
    values = {
        "DIGEST_STORE__URL": url or f"sqlite:///{path}",
        "DIGEST_INGEST__INBOX": str(folder / "inbox"),
        "DIGEST_SMTP__OUTBOX": str(folder / "outbox"),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        **{f"DIGEST_{name.upper()}": value for name, value in settings.items()},
    }
    return App.open(config.load(None, values), now=lambda: NOON)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """An app on SQLite; mails go to tmp_path/outbox."""
    app = make_app(tmp_path)
    yield app
    app.close()


@pytest.fixture
def any_app(tmp_path: Path, store_url: str) -> Iterator[App]:
    """An app on each kind of database."""
    app = make_app(tmp_path, store_url)
    yield app
    app.close()


def subscribe_cast(app: App) -> dict[str, Subscriber]:
    """Subscribe alice (robots), bob (medicine) and carol (no interests)."""
    requests = {
        "alice": SubscriptionRequest(
            email="alice@example.org", keywords=("robot",), categories=("cs.RO",), size=3
        ),
        "bob": SubscriptionRequest(email="bob@example.org", keywords=("tumour", "MRI"), size=3),
        "carol": SubscriptionRequest(email="carol@example.org", size=3),
    }
    return {
        name: subscriptions.subscribe(app, request, origin="command").subscriber
        for name, request in requests.items()
    }


@pytest.fixture
def cast() -> Callable[[App], dict[str, Subscriber]]:
    """The function that subscribes the cast."""
    return subscribe_cast


#: topic -> category, and the words that make up its abstracts
TOPICS = {
    "robot": (
        "cs.RO",
        "robot arm grasping gripper manipulation policy tactile contact trajectory controller",
    ),
    "tumour": (
        "eess.IV",
        "tumour MRI scan segmentation lesion radiology contrast voxel patient volume",
    ),
    "court": (
        "cs.CY",
        "court legal ruling judge statute appeal citation contract clause precedent",
    ),
    "galaxy": (
        "astro-ph.GA",
        "galaxy redshift survey star formation halo spectrum telescope cluster dust",
    ),
}


def invent_papers(day: date, per_topic: int = 4, start: int = 0) -> list[dict[str, Any]]:
    """Invent plain records of papers for one day, `per_topic` of each topic."""
    rows = []
    for topic, (category, text) in TOPICS.items():
        vocabulary = text.split()
        for number in range(start, start + per_topic):
            serial = len(rows) + 1 + 100 * start
            words = [vocabulary[(number + step) % len(vocabulary)] for step in range(5)]
            rows.append(
                {
                    "arxiv": f"{day:%y%m}.{day.day:02d}{serial:03d}",
                    "title": (
                        f"A study of {topic} {words[0]} and {words[1]} number {number} of "
                        f"{day:%d %B}"
                    ),
                    "abstract": (
                        f"We look at {' '.join(words)}. The {topic} case {number} shows how "
                        f"{words[2]} changes {words[3]} on {day:%A}."
                    ),
                    "authors": ["Jane Doe", f"Richard Roe {number}"],
                    "categories": [category, "cs.AI"],
                }
            )
    return rows


def write_dump(folder: Path, day: date, rows: list[dict[str, Any]]) -> Path:
    """Write a dump of plain records, named by its day, into a folder."""
    path = folder / f"{day}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a dump of invented papers and returns its path."""

    def write(day: date = TODAY, rows: list[dict[str, Any]] | None = None, **options: int) -> Path:
        rows = invent_papers(day, **options) if rows is None else rows
        return write_dump(tmp_path / "dumps", day, rows)

    return write


def read_mails(app: App) -> dict[str, EmailMessage]:
    """Read every message in the outbox, by file name."""
    messages = {}
    for path in sorted(app.config.smtp.outbox.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        messages[path.name] = message
    return messages
