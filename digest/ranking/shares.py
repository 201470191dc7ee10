"""Shares of several interests -> how many places of a digest each gets."""

from __future__ import annotations

from collections.abc import Mapping


def allocate_places(
    size: int, shares: Mapping[str, float], available: Mapping[str, int]
) -> dict[str, int]:
    """Allocate places to interests by the largest remainder method.

    No interest gets more places than it has papers; places that it cannot fill go to the others by
    their shares. All places are given while there are papers. Ties go by name, so the order of the
    interests does not matter.

    Args:
        shares: interest -> its share, at least 0.
        available: interest -> number of its papers.
    """
    places = dict.fromkeys(sorted(shares), 0)
    while (left := size - sum(places.values())) > 0:
        unfilled = [
            name for name in places if available.get(name, 0) > places[name] and shares[name] > 0
        ]
        if not unfilled:
            break
        total = sum(shares[name] for name in unfilled)
        quotas = {name: left * shares[name] / total for name in unfilled}
        more = {name: int(quotas[name]) for name in unfilled}
        by_remainder = sorted(unfilled, key=lambda name: (more[name] - quotas[name], name))
        for name in by_remainder[: left - sum(more.values())]:
            more[name] += 1
        for name in unfilled:
            places[name] = min(places[name] + more[name], available[name])
    return places
