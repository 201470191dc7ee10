"""A store made by version 0.1.0, for tests of later versions.

tests/data/store-0.1.0 says what is in it.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "store-0.1.0"
#: when its second round had been sent
EVENING = datetime(2026, 6, 9, 20, tzinfo=UTC)
#: settings that it was made with
SETTINGS = {
    "mail__sender": "digest@example.org",
    "mail__bounce_domain": "bounces.example.org",
    "web__base_url": "https://papers.example.org",
}


def write_old_sqlite(path: Path) -> dict[str, Any]:
    """Write the file of SQLite; return what it holds."""
    path.write_bytes(gzip.decompress((FOLDER / "sqlite.gz").read_bytes()))
    return _read_contents("sqlite")


def fill_old_postgres(url: str) -> dict[str, Any]:
    """Fill an empty database of PostgreSQL; return what it holds."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(gzip.decompress((FOLDER / "postgres.sql.gz").read_bytes()))
    return _read_contents("postgres")


def fill_old_store(url: str) -> dict[str, Any]:
    """Fill an empty database of either kind; return what it holds."""
    if url.startswith("sqlite:///"):
        return write_old_sqlite(Path(url.removeprefix("sqlite:///")))
    return fill_old_postgres(url)


def _read_contents(kind: str) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
    return contents
