"""Grouping of entries into papers, and merging of a group.

The order of arrival does not matter.

An entry connects its identifiers, and papers are the connected components, except that two
identifiers of one kind are never in one paper. An entry without identifier joins the only paper
with its normalised title, and its first author if both name one. If several papers match, it
becomes a paper of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.model import UNSEEN, Entry, Identity, Merged, Seen

#: kind of identifier -> rank of its reliability, best first
RELIABILITY = {"arxiv": 0, "doi": 1, "preprint": 2, "pmid": 3, "pmcid": 4, "openalex": 5, "s2": 6}

#: ends of an abstract that is an excerpt, as in alerts and in some feeds
_EXCERPT_END = ("…", "...")


def cluster(entries: Sequence[Entry]) -> list[list[int]]:
    """Group the positions of entries by paper, in the order of their first position.

    The result is that of the whole store only if every entry is present that shares an identifier
    or a title with one of them.
    """
    parents = _connect(entries)
    groups: dict[Identity, list[int]] = defaultdict(list)
    unidentified: dict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        if entry.identities:
            groups[_find_root(parents, _best_identity(entry))].append(position)
        else:
            unidentified[entry.title_key].append(position)
    title_groups = _group_by_title(entries, unidentified, groups)
    for root, members in title_groups.joining.items():
        groups[root] += members
    papers = [*groups.values(), *title_groups.separate]
    return sorted((sorted(members) for members in papers), key=lambda members: members[0])


def _best_identity(entry: Entry) -> Identity:
    return min(entry.identities, key=_reliability)


def _reliability(identity: Identity) -> tuple[int, str]:
    """Return a sort key, the most reliable identity first."""
    return RELIABILITY[identity.kind], identity.value


def _connect(entries: Iterable[Entry]) -> dict[Identity, Identity]:
    """Connect identities by union-find, in an order that depends only on the links.

    Returns:
        Identity -> its parent; a root is its own parent.
    """
    parents: dict[Identity, Identity] = {}
    links: set[tuple[Identity, Identity]] = set()
    for entry in entries:
        for identity in entry.identities:
            parents.setdefault(identity, identity)
        if len(entry.identities) > 1:
            best = _best_identity(entry)
            links.update((best, other) for other in entry.identities if other != best)
    if not links:
        return parents
    kinds: dict[Identity, dict[str, str]] = {
        identity: {identity.kind: identity.value} for identity in parents
    }

    def sort_key(link: tuple[Identity, Identity]) -> tuple[int, int, str, str]:
        return RELIABILITY[link[0].kind], RELIABILITY[link[1].kind], link[0].value, link[1].value

    for left, right in sorted(links, key=sort_key):
        left_root, right_root = _find_root(parents, left), _find_root(parents, right)
        if left_root == right_root or any(
            kinds[right_root].get(kind, value) != value for kind, value in kinds[left_root].items()
        ):
            continue
        parents[right_root] = left_root
        kinds[left_root].update(kinds[right_root])
    return parents


def _find_root(parents: dict[Identity, Identity], identity: Identity) -> Identity:
    while parents[identity] != identity:
        parents[identity] = parents[parents[identity]]
        identity = parents[identity]
    return identity


@dataclass(frozen=True, kw_only=True, slots=True)
class _TitleGroups:
    """Where the entries without identifier belong."""

    #: root of an identified paper -> positions of the entries that join it
    joining: dict[Identity, list[int]]
    #: positions of the entries of each further paper
    separate: list[list[int]]


def _group_by_title(
    entries: Sequence[Entry],
    unidentified: dict[str, list[int]],
    groups: dict[Identity, list[int]],
) -> _TitleGroups:
    """Group entries without identifier by title and author, then match papers.

    Only the identified entries say who wrote a paper. If an entry that joined it counted too, the
    title that is looked at first would decide where the entries of another title go.
    """
    roots_by_title: dict[str, set[Identity]] = defaultdict(set)
    for root, members in groups.items() if unidentified else ():
        for position in members:
            if entries[position].title_key in unidentified:
                roots_by_title[entries[position].title_key].add(root)
    authors = {
        root: {author_key(entries[position]) for position in groups[root]} - {""}
        for root in set().union(*roots_by_title.values())
    }
    joining: dict[Identity, list[int]] = defaultdict(list)
    separate: list[list[int]] = []
    for title_key, positions in unidentified.items():
        # An empty title key says nothing about the paper.
        candidates = roots_by_title[title_key] if title_key else set()
        for author, members in _group_by_author(entries, positions).items():
            matches = [
                root
                for root in candidates
                if not author or not authors[root] or author in authors[root]
            ]
            if len(matches) == 1:
                joining[matches[0]] += members
            else:
                separate.append(members)
    return _TitleGroups(joining=joining, separate=separate)


def _group_by_author(entries: Sequence[Entry], positions: list[int]) -> dict[str, list[int]]:
    """Group entries of one title by `author_key`.

    Entries without author join the only author that the others name.
    """
    by_author: dict[str, list[int]] = defaultdict(list)
    for position in positions:
        by_author[author_key(entries[position])].append(position)
    names = [name for name in by_author if name]
    if len(names) == 1 and "" in by_author:
        by_author[names[0]] += by_author.pop("")
    return by_author


def author_key(entry: Entry) -> str:
    """Fold the last word of the first author, which spellings of a name mostly share."""
    words = entry.authors[0].split() if entry.authors else []
    return words[-1].casefold() if words else ""


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
        identities=tuple(sorted(identities, key=_reliability)),
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
        identities=tuple(sorted(set(entry.identities), key=_reliability))
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
