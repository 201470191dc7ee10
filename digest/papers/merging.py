"""Which entries are one paper, and what that paper says: pure functions of all its entries, so the
order of arrival does not matter.

Rules. Identifier links merge transitively, but two identifiers of one kind never end in one paper.
An entry without identifier joins the one paper that has its normalised title (and first author,
where both name one); where several fit it stays by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.model import UNSEEN, Entry, Identity, Merged, Seen

#: identifiers by how far they can be trusted to name one paper, best first
TRUST = {"arxiv": 0, "doi": 1, "preprint": 2, "pmid": 3, "pmcid": 4, "openalex": 5, "s2": 6}


def cluster(entries: Sequence[Entry]) -> list[list[int]]:
    """Group the positions of entries by paper, in the order of their first position.

    The result is that of the whole store only if every entry is present that shares an identifier
    or a title with one of them.
    """
    parents = _link(entries)
    groups: dict[Identity, list[int]] = defaultdict(list)
    unidentified: dict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        if entry.identities:
            groups[_root(parents, _best_identity(entry))].append(position)
        else:
            unidentified[entry.title_key].append(position)
    title_groups = _group_by_title(entries, unidentified, groups)
    for root, members in title_groups.joining.items():
        groups[root] += members
    papers = [*groups.values(), *title_groups.separate]
    return sorted((sorted(members) for members in papers), key=lambda members: members[0])


def _best_identity(entry: Entry) -> Identity:
    return min(entry.identities, key=lambda identity: (TRUST[identity.kind], identity.value))


def _link(entries: Iterable[Entry]) -> dict[Identity, Identity]:
    """Union-find over identities; links are applied in an order that depends on nothing but
    themselves.
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

    def order(link: tuple[Identity, Identity]) -> tuple[int, int, str, str]:
        return TRUST[link[0].kind], TRUST[link[1].kind], link[0].value, link[1].value

    for left, right in sorted(links, key=order):
        a, b = _root(parents, left), _root(parents, right)
        if a == b or any(kinds[b].get(kind, value) != value for kind, value in kinds[a].items()):
            continue
        parents[b] = a
        kinds[a].update(kinds[b])
    return parents


def _root(parents: dict[Identity, Identity], identity: Identity) -> Identity:
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
    """Group entries without identifier by title and first author, then match identified papers.

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
    """The first author's last word, folded: what two spellings of one name most often share."""
    words = entry.authors[0].split() if entry.authors else []
    return words[-1].casefold() if words else ""


def merge(seen: Sequence[Seen]) -> Merged:
    """Derive the paper from all its entries: the highest version leads, then the latest word; what
    it lacks comes from the others.
    """
    if len(seen) == 1:
        return _alone(seen[0])
    ranked = [s.entry for s in sorted(seen, key=_precedence, reverse=True)]
    lead = next((e for e in ranked if e.title), ranked[0])  # a fragment has none
    latest = max((e.version or 0) for e in ranked)
    days = [s.day for s in seen if s.entry.title] or [s.day for s in seen]
    identities = sorted(
        {i for e in ranked for i in e.identities}, key=lambda i: (TRUST[i.kind], i.value)
    )
    return Merged(
        title=lead.title,
        abstract=next((e.abstract for e in ranked if e.abstract), ""),
        authors=next((e.authors for e in ranked if e.authors), ()),
        categories=next((e.categories for e in ranked if e.categories), ()),
        identities=tuple(identities),
        first_seen=min((day for day in days if day != UNSEEN), default=UNSEEN),
        submitted=min((e.submitted for e in ranked if e.submitted), default=None),
        announced=min((e.announced for e in ranked if e.announced), default=None),
        updated=max((e.updated for e in ranked if e.updated), default=None),
        version=latest or None,
        upvotes=max((e.upvotes or 0) for e in ranked),
        comment=next((e.comment for e in ranked if e.comment), ""),
        url=next((e.url for e in ranked if e.url), ""),
        withdrawn=any(e.withdrawn for e in ranked if (e.version or latest) == latest),
    )


def _alone(seen: Seen) -> Merged:
    """As `merge`, of the one entry that most papers have."""
    e = seen.entry
    several = len(e.identities) > 1
    return Merged(
        title=e.title,
        abstract=e.abstract,
        authors=e.authors,
        categories=e.categories,
        identities=tuple(sorted(set(e.identities), key=lambda i: (TRUST[i.kind], i.value)))
        if several
        else e.identities,
        first_seen=seen.day,
        submitted=e.submitted,
        announced=e.announced,
        updated=e.updated,
        version=e.version or None,
        upvotes=e.upvotes or 0,
        comment=e.comment,
        url=e.url,
        withdrawn=e.withdrawn,
    )


def _precedence(seen: Seen) -> tuple[object, ...]:
    """A total order whatever the order of arrival: what the entries say settles what is left."""
    e = seen.entry
    said = (e.title, e.abstract, e.authors, e.categories, e.comment, e.url, repr(e.identities))
    return (
        seen.day != UNSEEN,
        bool(e.identities),
        e.version or 0,
        e.updated or seen.day,
        bool(e.abstract),
        len(e.abstract),
        e.source,
        said,
    )
