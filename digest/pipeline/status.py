"""status: what happened, what waits, and what is wrong. Silence is an alarm."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from digest import store
from digest.app import App
from digest.model import Fault, MessageState, Standing
from digest.pipeline.fetch import only_arxiv, overdue

#: where files are put into the inbox by hand, or other sources are fetched beside arXiv; for arXiv alone its calendar decides
_SILENT = timedelta(days=5)
#: how far back refusals are counted
_RECENT = timedelta(days=1)


@dataclass(kw_only=True, slots=True)
class Status:
    """The state of the service, as plain values; `alarms` are what an operator should look at."""

    now: datetime
    papers: dict[str, Any]
    dumps: list[dict[str, Any]]
    subscribers: dict[str, int]
    thumbs: tuple[int, int]
    messages: dict[str, int]
    due: int
    later: int
    #: each reader's newest digest or quiet day
    digests: list[dict[str, Any]]
    troubles: list[dict[str, Any]]
    #: who was to blame for refusals of the last day, what a server last said of it, and how many there were
    faults: list[tuple[Fault, str, int]]
    #: the newest round of each verb
    rounds: dict[str, dict[str, Any] | None]
    alarms: list[str] = field(default_factory=list)

    @property
    def json(self) -> dict[str, Any]:
        return {
            "now": self.now,
            "papers": self.papers,
            "dumps": self.dumps,
            "subscribers": self.subscribers,
            "thumbs": {"up": self.thumbs[0], "down": self.thumbs[1]},
            "messages": self.messages,
            "waiting": self.due,
            "later": self.later,
            "digests": self.digests,
            "troubles": self.troubles,
            "faults": [{"fault": fault, "said": said, "deliveries": n} for fault, said, n in self.faults],
            "rounds": self.rounds,
            "alarms": self.alarms,
        }


def status(app: App) -> Status:
    """Read it all in one view of the database."""
    now = app.now()
    with app.store.reading() as tx:
        people = {s.id: s for s in store.subscribers.by_standing(tx)}
        due, later = store.deliveries.waiting(tx, now=now)
        found = Status(
            now=now,
            papers=store.papers.totals(tx),
            dumps=store.dumps.latest(tx),
            subscribers={standing.value: n for standing, n in store.subscribers.count(tx).items()},
            thumbs=store.feedback.totals(tx),
            messages={state.value: n for state, n in store.deliveries.count(tx).items()},
            due=due,
            later=later,
            digests=[row | {"email": people[row["subscriber_id"]].email} for row in store.digests.latest(tx)],
            troubles=store.deliveries.troubles(tx),
            faults=store.deliveries.faults(tx, since=datetime.now(UTC) - _RECENT),
            rounds={verb: store.rounds.latest(tx, verb) for verb in ("fetch", "ingest", "compose", "send")},
        )
        states = store.sources.every(tx)
    found.alarms = [*_source_alarms(app, states), *_alarms(found, app)]
    return found


def _source_alarms(app: App, states: dict[str, dict[str, Any]]) -> list[str]:
    enabled = {entry.name for entry in app.config.sources if entry.enabled}
    failing = [(name, state["error"]) for name, state in states.items() if name in enabled and state.get("error")]
    return [f"source {name}: {error}" for name, error in failing]


def _alarms(found: Status, app: App) -> list[str]:
    alarms = []
    now = app.now()
    last = found.dumps[0] if found.dumps else None
    if last is None:
        alarms.append("no dump was ever read: run `digest ingest PATH`, or put files into the inbox")
    elif overdue(app, last["started_at"]) is not None if only_arxiv(app) else now - last["started_at"] > _SILENT:
        alarms.append(f"no dump since {last['started_at']:%Y-%m-%d}: is the source still fetched?")
    for dump in found.dumps:
        if dump["finished_at"] is None:
            alarms.append(
                f"dump {dump['name']} was not read to its end (the process was stopped, or still runs): ingest it again, nothing doubles"
            )
        elif dump["format"] != "empty" and not dump["new"] + dump["updated"] + dump["duplicate"] + dump["skipped"]:
            alarms.append(f"dump {dump['name']} gave no paper at all ({dump['rejected']} rejected)")
    if not found.subscribers.get(Standing.ACTIVE.value):
        alarms.append("nobody is subscribed: run `digest subscribe EMAIL`")
    sent = found.rounds["send"]
    if sent and sent["error"]:
        alarms.append(f"the last send stopped: {sent['error']}")
    if found.due:
        alarms.append(f"{found.due} messages wait to be sent: run `digest send`")
    for fault, said, n in found.faults:
        if fault == "ours":
            alarms.append(
                f"{n} times in a day a mail server refused our mail for a fault of ours, and it waits: {said}. Mend the login, the sender's "
                "domain (SPF, DKIM, PTR) or the policy that it names"
            )
    if unknown := found.messages.get(MessageState.UNKNOWN.value):
        alarms.append(
            f"{unknown} messages ended as unknown: the server never said whether it took them; they are not sent again, their papers compete again. "
            "`digest deliveries --state unknown` lists them, and --resolve settles what the server's log knows"
        )
    return alarms
