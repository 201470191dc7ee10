"""Suppressions by the operator: add, release and list them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Suppression, SuppressionReason
from digest.subscriptions.requests import keep_or_normalise_address, normalise_address

#: suppressions in one transaction
_BATCH_SIZE = 500


def suppress(app: App, suppressions: Iterable[Suppression]) -> int:
    """Suppress addresses, each normalised; return how many were not suppressed before."""
    pending, added = iter(suppressions), 0
    while batch := list(islice(pending, _BATCH_SIZE)):
        with app.store.writing() as tx:
            added += sum(
                store.suppressions.add(tx, suppression, now=app.now()) for suppression in batch
            )
    return added


def release(app: App, email: str) -> Suppression:
    """Lift a suppression and restore the subscriber's status.

    Earlier bounces no longer count.

    Raises:
        NotFoundError: the address is not suppressed.
    """
    with app.store.writing() as tx:
        released = store.suppressions.release(tx, keep_or_normalise_address(email), now=app.now())
    if released is None:
        raise NotFoundError(
            f"{email} is not suppressed. `digest suppressions` lists the addresses that are"
        )
    return released


def list_suppressions(app: App) -> list[Suppression]:
    """List all suppressions, newest last."""
    with app.store.reading() as tx:
        return store.suppressions.list_all(tx)


def make_suppression(app: App, email: str, evidence: str) -> Suppression:
    """Build a suppression by the operator.

    Raises:
        AddressError: the text is not a valid address.
    """
    return Suppression(
        address=normalise_address(email),
        reason=SuppressionReason.OPERATOR,
        since=app.now(),
        evidence=evidence,
    )
