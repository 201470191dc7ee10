"""Merging of the entries of a paper. The order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Sequence

from digest.model import UNSEEN, Entry, Merged, Seen
from digest.papers.grouping import reliability

#: ends of an abstract that is an excerpt, as in alerts and in some feeds
_EXCERPT_END = ("…", "...")


def merge(seen: Sequence[Seen]) -> Merged:
    """Merge all entries of a paper: the highest version leads, then the latest entry.

    What the leading entry lacks comes from the others.
    """
    if len(seen) == 1:
        return _merge_single(seen[0])
    ranked = [seen_entry.entry for seen_entry in sorted(seen, key=_precedence, reverse=True)]
    lead = next((entry for entry in ranked if entry.title), ranked[0])  # a fragment has no title
    latest_version = max((entry.version or 0) for entry in ranked)
    days = [seen_entry.day for seen_entry in seen if seen_entry.entry.title] or [
        seen_entry.day for seen_entry in seen
    ]
    identities = {identity for entry in ranked for identity in entry.identities}
    return Merged(
        title=lead.title,
        abstract=next(
            (
                entry.abstract
                for entry in sorted(ranked, key=_has_excerpt)  # else in the same order
                if entry.abstract
            ),
            "",
        ),
        authors=next((entry.authors for entry in ranked if entry.authors), ()),
        categories=next((entry.categories for entry in ranked if entry.categories), ()),
        identities=tuple(sorted(identities, key=reliability)),
        first_seen=min((day for day in days if day != UNSEEN), default=UNSEEN),
        submitted=min((entry.submitted for entry in ranked if entry.submitted), default=None),
        announced=min((entry.announced for entry in ranked if entry.announced), default=None),
        updated=max((entry.updated for entry in ranked if entry.updated), default=None),
        version=latest_version or None,
        upvotes=max((entry.upvotes or 0) for entry in ranked),
        comment=next((entry.comment for entry in ranked if entry.comment), ""),
        journal_ref=next((entry.journal_ref for entry in ranked if entry.journal_ref), ""),
        code_url=next((entry.code_url for entry in ranked if entry.code_url), ""),
        project_url=next((entry.project_url for entry in ranked if entry.project_url), ""),
        url=next((entry.url for entry in ranked if entry.url), ""),
        withdrawn=any(
            entry.withdrawn
            for entry in ranked
            if (entry.version or latest_version) == latest_version
        ),
    )


def _merge_single(seen: Seen) -> Merged:
    """Merge the only entry of a paper, as most papers have: `merge`, but faster."""
    entry = seen.entry
    return Merged(
        title=entry.title,
        abstract=entry.abstract,
        authors=entry.authors,
        categories=entry.categories,
        identities=tuple(sorted(set(entry.identities), key=reliability))
        if len(entry.identities) > 1
        else entry.identities,
        first_seen=seen.day,
        submitted=entry.submitted,
        announced=entry.announced,
        updated=entry.updated,
        version=entry.version or None,
        upvotes=entry.upvotes or 0,
        comment=entry.comment,
        journal_ref=entry.journal_ref,
        code_url=entry.code_url,
        project_url=entry.project_url,
        url=entry.url,
        withdrawn=entry.withdrawn,
    )


def _has_excerpt(entry: Entry) -> bool:
    return entry.abstract.endswith(_EXCERPT_END)


def _precedence(seen: Seen) -> tuple[object, ...]:
    """Return a sort key that is a total order of entries.

    It does not depend on the order of arrival. An entry with an excerpt yields to a whole one, also
    by its title and authors, which are often shortened with it.
    """
    entry = seen.entry
    content = (
        entry.title,
        entry.abstract,
        entry.authors,
        entry.categories,
        entry.comment,
        entry.journal_ref,
        entry.code_url,
        entry.project_url,
        entry.url,
        repr(entry.identities),
    )
    return (
        seen.day != UNSEEN,
        bool(entry.identities),
        entry.version or 0,
        not _has_excerpt(entry),
        entry.updated or seen.day,
        bool(entry.abstract),
        len(entry.abstract),
        entry.source,
        content,
    )
