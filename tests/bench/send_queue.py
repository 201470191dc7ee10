"""A store with a queue of digests, for what is measured of sending."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import digest.demo
from digest import config, pipeline, store
from digest.app import App
from digest.mail.messages import dkim
from digest.model import (
    Digest,
    Item,
    MessageKind,
    Part,
    Provenance,
    Score,
    Subscriber,
)
from digest.store.digests import Window

DAY = date(2026, 6, 12)
NOW = datetime(2026, 6, 12, 12, tzinfo=UTC)
PAPERS = 10
#: digests that are planned one by one; longer queues repeat them for further readers
DRAWN = 2000


def open_app(folder: Path, port: int, connections: int) -> App:
    key = folder / "dkim.pem"
    if not key.exists():
        key.write_bytes(dkim.generate_key())
    values = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(port),
        "DIGEST_SMTP__TLS": "none",
        "DIGEST_SMTP__CONNECTIONS": str(connections),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_MAIL__BOUNCE_DOMAIN": "bounces.example.org",
        "DIGEST_MAIL__DKIM_KEY_FILE": str(key),
        "DIGEST_WEB__BASE_URL": "https://digest.example.org",
    }
    return App.open(config.load(None, values), now=lambda: NOW)


def fill(app: App, queued: int) -> None:
    """Add readers with a planned digest each."""
    pipeline.ingest(app, sorted((Path(digest.demo.__file__).parent / "papers").glob("*.jsonl")))
    dice = random.Random(1)
    with app.store.writing() as tx:
        papers = store.papers.load(tx, range(1, store.papers.find_max_id(tx) + 1))
        words = {
            ident: [word for word in paper.title.split() if len(word) > 4] or ["new"]
            for ident, paper in papers.items()
        }
        provenance = Provenance(
            model="thumbs",
            features="words1",
            thumbs_up=21,
            thumbs_down=4,
            candidates=len(papers),
            dumps=(f"{DAY}.jsonl",),
            at=NOW,
        )
        for number in range(min(queued, DRAWN)):
            reader = Subscriber(
                id=0, email=f"reader.{number}@example.net", name=f"Reader {number}", created=NOW
            )
            reader = store.subscribers.add(tx, reader, origin="file", now=NOW)
            chosen = dice.sample(sorted(papers), PAPERS)
            items = tuple(
                Item(
                    position=place,
                    score=_score(
                        dice, paper, words[paper], papers[dice.choice(sorted(papers))].title
                    ),
                )
                for place, paper in enumerate(chosen, 1)
            )
            plan = Digest(
                subscriber_id=reader.id, local_date=DAY, items=items, provenance=provenance
            )
            window = Window(
                message_id=app.message_id(MessageKind.DIGEST, DAY.isoformat(), reader.id),
                not_before=NOW,
                expires_at=NOW + timedelta(hours=16),
            )
            store.digests.plan(tx, plan, max_paper_id=len(papers), window=window, now=NOW)
        if queued > DRAWN:
            _repeat(tx, queued)


def _score(dice: random.Random, paper: int, words: list[str], near: str) -> Score:
    parts = tuple(
        Part(kind="word", name=dice.choice(words), value=dice.uniform(0.2, 1)) for _ in range(8)
    )
    return Score(
        paper_id=paper,
        value=sum(part.value for part in parts),
        chance=dice.randrange(70, 100) / 100,
        parts=tuple(sorted(parts, key=lambda part: -part.value)),
        nearest=(near, 0.4) if dice.random() < 0.5 else None,
    )


def _repeat(tx: store.Connection, queued: int) -> None:
    """Give the digests of the first readers to the further ones, in the database."""
    for table, columns, key in (
        (
            "subscribers",
            {"id": ("id + {0}"), "email": "{0} || email", "email_key": "{0} || email_key"},
            "id",
        ),
        ("digests", {"id": "id + {0}", "subscriber_id": "subscriber_id + {0}"}, "id"),
        ("digest_items", {"digest_id": "digest_id + {0}"}, "digest_id"),
        (
            "messages",
            {
                "id": ("id + {0}"),
                "subscriber_id": "subscriber_id + {0}",
                "digest_id": "digest_id + {0}",
                "message_id": "'<' || {0} || substr(message_id, 2)",
            },
            "id",
        ),
    ):
        names = [row[1] for row in tx.exec_driver_sql(f"PRAGMA table_info({table})")]
        for shift in range(DRAWN, queued, DRAWN):
            values = ", ".join(columns.get(name, f'"{name}"').format(shift) for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            tx.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {key} <= "
                f"{min(DRAWN, queued - shift)}"
            )
