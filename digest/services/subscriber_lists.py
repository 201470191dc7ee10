"""List and count readers for the operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from digest import store
from digest.app import App
from digest.model import Interest, Subscriber, Suppression, address_key
from digest.store.subscriber_lists import Schedule, SubscriberFilter

#: readers whose origin and suppression are loaded at once
_BATCH = 500
#: weekdays by the word for them; other days are named one by one
_WEEKS = {(1, 2, 3, 4, 5, 6, 7): "daily", (1, 2, 3, 4, 5): "weekdays"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedReader:
    """A reader with everything that an export says of them."""

    subscriber: Subscriber
    #: how they joined
    origin: str
    #: why no mail goes to their address; None = it does
    suppression: Suppression | None


@dataclass(kw_only=True, slots=True)
class ReaderSummary:
    """How many readers there are, by what they have chosen."""

    total: int = 0
    states: Counter[str] = field(default_factory=Counter)
    schedules: Counter[str] = field(default_factory=Counter)
    #: by code; the service's own language counts for who chose none
    languages: Counter[str] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)

    @property
    def json(self) -> dict[str, object]:
        return {
            "subscribers": self.total,
            "states": dict(self.states.most_common()),
            "schedules": dict(self.schedules.most_common()),
            "languages": dict(self.languages.most_common()),
            "zones": dict(self.zones.most_common()),
        }


def list_readers(
    app: App,
    wanted: SubscriberFilter,
    *,
    word: str = "",
    after: Subscriber | None = None,
    limit: int | None = None,
) -> Iterator[ListedReader]:
    """Yield readers in order of joining, all as of one moment.

    Args:
        word: that stands in an interest; "" = any.
        after: the reader after whom to begin.
        limit: readers at most; None = all.
    """
    with app.store.reading() as tx:
        readers = store.subscriber_lists.iterate(tx, wanted, after=after.id if after else 0)
        matching = islice((r for r in readers if _has_word(r.interests, word)), limit)
        while batch := list(islice(matching, _BATCH)):
            origins = store.subscribers.load_origins(tx, [reader.id for reader in batch])
            stopped = store.suppressions.find_many(tx, [reader.email for reader in batch])
            for reader in batch:
                yield ListedReader(
                    subscriber=reader,
                    origin=origins[reader.id],
                    suppression=stopped.get(address_key(reader.email)),
                )


def summarise_readers(app: App, wanted: SubscriberFilter, *, word: str = "") -> ReaderSummary:
    """Count readers by state, schedule, language and time zone.

    Args:
        word: that stands in an interest; "" = any.
    """
    summary = ReaderSummary()
    with app.store.reading() as tx:
        schedules: Iterable[Schedule | Subscriber] = store.subscriber_lists.iterate_schedules(
            tx, wanted
        )
        if word:
            readers = store.subscriber_lists.iterate(tx, wanted)
            schedules = (reader for reader in readers if _has_word(reader.interests, word))
        for reader in schedules:
            summary.total += 1
            summary.states[reader.status.value] += 1
            summary.schedules[name_schedule(reader.days, reader.hour)] += 1
            summary.languages[reader.language or app.config.digest.language] += 1
            summary.zones[reader.timezone] += 1
    return summary


def name_schedule(days: tuple[int, ...], hour: int) -> str:
    """Name days and hour of a digest, such as "weekdays 7:00" or "Mon, Thu 8:00"."""
    names = _WEEKS.get(days) or ", ".join(_DAYS[day - 1] for day in days)
    return f"{names} {hour}:00"


def _has_word(interests: Iterable[Interest], word: str) -> bool:
    """Return whether a word stands in an interest, in any case and also within another word."""
    sought = word.casefold()
    return not sought or any(
        sought in text.casefold()
        for interest in interests
        for text in (
            interest.name,
            interest.text,
            *interest.keywords,
            *interest.categories,
            *interest.authors,
        )
    )
