"""Fixtures of all tests: a store on each database, an app, and the cast that the stories are told
with.

Where a server, a browser or the real dumps are absent, their tests are left out and say so; with
DIGEST_TEST_ALL=1, as in CI, that is a failure instead.
"""

from __future__ import annotations

import email
import email.policy
import functools
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from digest import config, subscriptions
from digest.app import App
from digest.model import Subscriber
from digest.store import Store, schema, tables
from digest.subscriptions import Wish

ROOT = Path(__file__).resolve().parents[1]
#: the day on which the stories play
TODAY = date(2026, 6, 9)
NOON = datetime(2026, 6, 9, 12, tzinfo=UTC)
#: the schema that databases of tests are of
HEAD = schema.head()
#: the server on which databases may be made, unless DIGEST_TEST_POSTGRES names another
POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


# A machine that is busy with other things fails no test; what CI asks for otherwise (the same
# examples each time) stays.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


def absent(reason: str) -> None:
    """Leave the test out, unless everything has to be there."""
    if os.environ.get("DIGEST_TEST_ALL"):
        pytest.fail(f"DIGEST_TEST_ALL is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DIGEST_") and not name.startswith("DIGEST_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real dumps, which users of the project do not have."""
    folder = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared"))
    if not (folder / "dumps").is_dir():
        absent(f"no real dumps at {folder}")
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
        absent(f"no PostgreSQL at {url}: {str(error).splitlines()[0]}")
    return url


def postgres_url(admin: str) -> Iterator[str]:
    """A database of its own, for as long as the generator lives."""
    import psycopg

    name = f"digest_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield admin.rsplit("/", 1)[0] + "/" + name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@functools.cache
def migrated() -> bytes:
    """A file of SQLite with the schema in it, to be written where a test wants one: migrating each
    anew took most of the time of the suite.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest.sqlite"
        made = Store(f"sqlite:///{path}")
        schema.require(made)
        with made.writing() as tx:
            # as on the other database, whose tables are emptied; and what is compared needs equal
            # names
            tx.execute(tables.installation.delete())
        with made.reading() as tx:
            tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        made.close()
        return path.read_bytes()


@pytest.fixture(scope="session")
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of the one database with the schema in it that the tests of a process use one after the
    other.

    To make and drop one for each test took most of their time: both wait for the disk. For the same
    reason commits do not: no test pulls the plug.
    """
    import psycopg

    for url in postgres_url(postgres):
        made = Store(url)
        schema.require(made)
        made.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off".encode()
            )
        yield url


def emptied(url: str) -> None:
    """Nobody is connected to the database any more, its tables hold nothing, numbers begin at 1,
    and its schema has its own version.
    """
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
        path.write_bytes(migrated())
        yield f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_database")
        yield url
        emptied(url)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store with the schema in it."""
    opened = Store(store_url)
    yield opened
    opened.close()


# ---------------------------------------------------------------------------------------------- the
# app and its cast


def make_app(folder: Path, url: str | None = None, **settings: str) -> App:
    """An app at noon of TODAY whose files are in a folder; settings as `smtp__port="25"`."""
    path = folder / "digest.sqlite"
    if url is None and not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(migrated())
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
    """On SQLite, mails go to tmp_path/outbox."""
    made = make_app(tmp_path)
    yield made
    made.close()


@pytest.fixture
def any_app(tmp_path: Path, store_url: str) -> Iterator[App]:
    """The same on each kind of database."""
    made = make_app(tmp_path, store_url)
    yield made
    made.close()


@pytest.fixture
def cast() -> Callable[[App], dict[str, Subscriber]]:
    """Subscribes alice (robots), bob (medicine) and carol (said nothing)."""

    def subscribe(app: App) -> dict[str, Subscriber]:
        wishes = {
            "alice": Wish(
                email="alice@example.org", keywords=("robot",), categories=("cs.RO",), size=3
            ),
            "bob": Wish(email="bob@example.org", keywords=("tumour", "MRI"), size=3),
            "carol": Wish(email="carol@example.org", size=3),
        }
        return {
            name: subscriptions.subscribe(app, wish, origin="command").subscriber
            for name, wish in wishes.items()
        }

    return subscribe


#: subject -> words that make up its invented abstracts
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


def invented(day: date, each: int = 4, start: int = 0) -> list[dict[str, Any]]:
    """Plain records of invented papers, `each` a topic, for one day."""
    rows = []
    for topic, (category, words) in TOPICS.items():
        some = words.split()
        for number in range(start, start + each):
            place = len(rows) + 1 + 100 * start
            twist = [some[(number + step) % len(some)] for step in range(5)]
            rows.append(
                {
                    "arxiv": f"{day:%y%m}.{day.day:02d}{place:03d}",
                    "title": (
                        f"A study of {topic} {twist[0]} and {twist[1]} number {number} of "
                        f"{day:%d %B}"
                    ),
                    "abstract": (
                        f"We look at {' '.join(twist)}. The {topic} case {number} shows how "
                        f"{twist[2]} changes {twist[3]} on {day:%A}."
                    ),
                    "authors": ["Jane Doe", f"Richard Roe {number}"],
                    "categories": [category, "cs.AI"],
                }
            )
    return rows


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """Writes a dump of invented papers and returns its path."""
    import msgspec

    def write(day: date = TODAY, rows: list[dict[str, Any]] | None = None, **how: int) -> Path:
        path = tmp_path / "dumps" / f"{day}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(
            b"".join(
                msgspec.json.encode(row) + b"\n"
                for row in (rows if rows is not None else invented(day, **how))
            )
        )
        return path

    return write


def mails(app: App) -> dict[str, EmailMessage]:
    """File name -> message, of everything that was delivered into the outbox."""
    found = {}
    for path in sorted(app.config.smtp.outbox.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found[path.name] = message
    return found
