"""Addresses that get no mail: stopped and released on the operator's word."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Suppression, SuppressionReason
from digest.subscriptions.settings_form import keep_or_normalise_address, normalise_address

#: suppressions in one transaction
_MANY = 500


def suppress(app: App, suppressions: Iterable[Suppression]) -> int:
    """Stop all mail to addresses, on the operator's word; returns how many were not suppressed
    before. Each address must be in its normal form.
    """
    pending, made = iter(suppressions), 0
    while some := list(islice(pending, _MANY)):
        with app.store.writing() as tx:
            made += sum(store.suppressions.add(tx, one, now=app.now()) for one in some)
    return made


def release(app: App, email: str) -> Suppression:
    """Let mail go to an address again; its subscriber stands as before, and what came back so far
    no longer counts.

    Raises:
        NotFoundError: it is not suppressed.
    """
    with app.store.writing() as tx:
        gone = store.suppressions.release(tx, keep_or_normalise_address(email), now=app.now())
    if gone is None:
        raise NotFoundError(
            f"{email} is not suppressed. `digest suppressions` lists the addresses that are"
        )
    return gone


def list_suppressions(app: App) -> list[Suppression]:
    """All of them, the newest last."""
    with app.store.reading() as tx:
        return store.suppressions.list_all(tx)


def make_suppression(app: App, email: str, evidence: str) -> Suppression:
    """What the operator's own word makes of an address.

    Raises:
        AddressError: it is none.
    """
    return Suppression(
        address=normalise_address(email),
        reason=SuppressionReason.OPERATOR,
        since=app.now(),
        evidence=evidence,
    )
