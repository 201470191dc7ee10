"""The list of attacks, with their number of attempts in both forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.attack import delivery, links, sockets
from tests.attack.place import Place, Result
from tests.attack.suites import run_suite


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """A way to attack the service."""

    name: str
    short: int
    long: int
    #: given a folder, an empty database's URL ("" = SQLite in the folder) and a count
    run: Callable[[Path, str, int], Result]
    #: whether it tells anything else on another kind of database
    uses_database: bool = True


def _at_place(
    attack: Callable[[Place, int], Result], **settings: str
) -> Callable[[Path, str, int], Result]:
    """Return an attack that runs on an installation of its own."""

    def run(folder: Path, url: str, count: int) -> Result:
        place = Place(folder, url, **settings)
        try:
            return attack(place, count)
        finally:
            place.close()

    return run


ATTACKS = (
    Attack(name="forged tokens", short=300, long=5400, run=_at_place(links.forge_tokens)),
    Attack(name="links merely opened", short=2, long=40, run=_at_place(links.open_everything)),
    Attack(name="hostile text", short=6, long=30, run=_at_place(links.inject_text)),
    Attack(
        name="sign-ups from one client",
        short=30,
        long=300,
        run=_at_place(sockets.flood_signups, web="trusted_proxies = []"),
    ),
    Attack(
        name="connections that stay half open",
        short=150,
        long=1100,
        run=_at_place(sockets.hold_sockets),
        uses_database=False,
    ),
    Attack(
        name="connections that break",
        short=21,
        long=700,
        run=_at_place(sockets.break_connections),
        uses_database=False,
    ),
    Attack(
        name="huge bodies",
        short=7,
        long=70,
        run=_at_place(sockets.send_huge_bodies),
        uses_database=False,
    ),
    Attack(
        name="heavy pages at once",
        short=12,
        long=60,
        run=_at_place(sockets.ask_heavy_pages),
        uses_database=False,
    ),
    Attack(
        name="odd addresses",
        short=9,
        long=90,
        run=_at_place(sockets.ask_odd_addresses),
        uses_database=False,
    ),
    Attack(
        name="robots that press every button",
        short=2,
        long=60,
        run=_at_place(delivery.press_everything),
    ),
    Attack(
        name="backups restored after the round",
        short=1,
        long=20,
        run=_at_place(delivery.restore_after_round),
    ),
    Attack(name="clock steps", short=0, long=30, run=_at_place(delivery.step_clock)),
    Attack(
        name="database taken away", short=1, long=20, run=_at_place(delivery.take_database_away)
    ),
    Attack(
        name="readers' lives with outages",
        short=0,
        long=150,
        run=run_suite(
            "readers' lives with outages",
            "tests/integration/test_windows_simulated.py",
            counted="DIGEST_TEST_EXAMPLES",
        ),
        uses_database=False,
    ),
    Attack(
        name="damaged dumps",
        short=0,
        long=120,
        run=run_suite(
            "damaged dumps",
            "tests/unit/dumps/test_fuzz.py",
            "tests/unit/dumps/test_hostile.py",
            "tests/unit/dumps/test_balance.py",
            counted="DIGEST_TEST_FUZZ_SECONDS",
        ),
        uses_database=False,
    ),
    Attack(
        name="planted secrets, hostile names",
        short=0,
        long=1,
        run=run_suite(
            "planted secrets, hostile names",
            "tests/acceptance/test_secrets.py",
            "tests/acceptance/test_hostile_names.py",
        ),
        uses_database=False,
    ),
    Attack(
        name="signals, databases on bad days",
        short=0,
        long=1,
        run=run_suite(
            "signals, databases on bad days",
            "tests/integration/test_signals.py",
            "tests/integration/test_stopping.py",
            "tests/integration/store/test_failures.py",
        ),
        uses_database=False,
    ),
    Attack(name="senders killed", short=0, long=60, run=delivery.kill_senders),
)
