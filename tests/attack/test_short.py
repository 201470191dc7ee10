"""The short form of every attack, on both kinds of database where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.every import ATTACKS, Attack
from tests.attack.links import PAYLOADS, find_markup
from tests.conftest import postgres_url

pytestmark = pytest.mark.slow

TRIED = [
    pytest.param(attack, kind, id=f"{attack.name.replace(' ', '-')}-{kind}", marks=marks)
    for attack in ATTACKS
    if attack.short
    for kind, marks in (("sqlite", ()), ("postgres", (pytest.mark.postgres,)))
    if kind == "sqlite" or attack.uses_database
]


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of a kind; "" = SQLite, in the attack's folder."""
    if kind == "sqlite":
        yield ""
    else:
        yield from postgres_url(request.getfixturevalue("postgres"))


@pytest.mark.parametrize(("attack", "kind"), TRIED)
def test_nothing_is_lost(attack: Attack, url: str, tmp_path: Path) -> None:
    result = attack.run(tmp_path, url, attack.short)
    assert result.lost == ()
    assert result.count > 0


def test_markup_that_was_not_escaped_is_found() -> None:
    running = [
        payload
        for payload in PAYLOADS
        if "<" in payload and not payload.startswith(("&", "<link", "<form", "<!["))
    ]
    for payload in running:
        page = (
            "<html><body><p "
            f"title='a'>{payload}</p><textarea>{payload}</textarea><title>{payload}</title></body><"
            f"/html>"
        )
        assert find_markup(page), payload
