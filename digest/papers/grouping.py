"""Grouping of entries into papers. The order of arrival does not matter.

1. An entry connects its identifiers, and papers are the connected components, except that two
   identifiers of one kind are never in one paper. A DOI that several papers carry, such as chapters
   that have their book's, connects none of them.
2. Papers with one telling title and the same authors are one, unless their identifiers contradict.
3. An entry without identifier joins the only paper that it can be (`digest.papers.unidentified`).

What an operator has split is never joined again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final

from msgspec.structs import replace

from digest.model import Entry, Identity
from digest.papers.names import Agreement, compare_authors, list_name_words
from digest.papers.titles import is_telling
from digest.papers.unidentified import Parts, group_unidentified

#: kind of identifier -> rank of its reliability, best first
RELIABILITY = {"arxiv": 0, "doi": 1, "preprint": 2, "pmid": 3, "pmcid": 4, "openalex": 5, "s2": 6}

#: a catalogue often has one paper twice
_CATALOGUES: Final = frozenset({"openalex", "s2"})
#: a title that more papers have names none of them
_MANY: Final = 20
_DOI_VERSION: Final = re.compile(r"[/.]?v[0-9]{1,3}$")

#: kind of identifier, or name of a split -> its values
Facts = dict[str, set[str]]


def cluster(entries: Sequence[Entry], parts: Sequence[Parts] = ()) -> list[list[int]]:
    """Group the positions of entries by paper, in the order of their first position.

    The result is that of the whole store only if every entry is present that shares an identifier
    or a title with one of them.

    Args:
        parts: for each entry, number of a split -> the part that it is in. Entries of different
            parts are different papers.
    """
    parts = parts or [{}] * len(entries)
    names = _tell_apart(entries, parts)
    papers = _connect(names, parts)
    groups: dict[Identity, list[int]] = defaultdict(list)
    unidentified: dict[str, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        if entry.identities:
            groups[papers.find(min(names[position], key=reliability))].append(position)
        else:
            unidentified[entry.title_key].append(position)
    identified = _join_by_title(entries, groups, parts)
    grouped = group_unidentified(entries, unidentified, identified, parts)
    return sorted((sorted(members) for members in grouped), key=lambda members: members[0])


def reliability(identity: Identity) -> tuple[int, str]:
    """Return a sort key, the most reliable identity first."""
    return RELIABILITY[identity.kind], identity.value


class _Components:
    """Union-find over identities; each component has the facts of its members."""

    def __init__(self) -> None:
        self._parents: dict[Identity, Identity] = {}
        self.facts: dict[Identity, Facts] = {}

    def add(self, identity: Identity, facts: Facts) -> None:
        self._parents.setdefault(identity, identity)
        _add_facts(self.facts.setdefault(identity, {}), facts)

    def find(self, identity: Identity) -> Identity:
        """Find the root of an identity's component."""
        while self._parents[identity] != identity:
            self._parents[identity] = self._parents[self._parents[identity]]
            identity = self._parents[identity]
        return identity

    def connect(
        self, links: Iterable[tuple[Identity, Identity]], conflict: Callable[[Facts, Facts], bool]
    ) -> None:
        """Connect identities, the most reliable links first, where nothing conflicts."""

        def sort_key(link: tuple[Identity, Identity]) -> tuple[int, int, str, str]:
            left, right = link
            return RELIABILITY[left.kind], RELIABILITY[right.kind], left.value, right.value

        for left, right in sorted(links, key=sort_key):
            left_root, right_root = self.find(left), self.find(right)
            if left_root != right_root and not conflict(
                self.facts[left_root], self.facts[right_root]
            ):
                self._parents[right_root] = left_root
                _add_facts(self.facts[left_root], self.facts[right_root])


def _add_facts(facts: Facts, more: Facts) -> None:
    for kind, values in more.items():
        facts.setdefault(kind, set()).update(values)


def _list_parts(parts: Parts) -> Facts:
    return {f"split {number}": {str(part)} for number, part in parts.items()}


# ----------------------------------------------------------------------------------------------
# by identifier


def _connect(names: Sequence[tuple[Identity, ...]], parts: Sequence[Parts]) -> _Components:
    """Connect the identities of each entry."""
    papers = _Components()
    links: set[tuple[Identity, Identity]] = set()
    for own, own_parts in zip(names, parts, strict=True):
        for identity in own:
            papers.add(identity, {identity.kind: {identity.value}} | _list_parts(own_parts))
        if len(own) > 1:
            best = min(own, key=reliability)
            links.update((best, other) for other in own if other != best)
    papers.connect(links, _differ)
    return papers


def _differ(left: Facts, right: Facts) -> bool:
    """Whether two components have different values of one kind."""
    return any(right.get(kind, values) != values for kind, values in left.items())


def _tell_apart(entries: Sequence[Entry], parts: Sequence[Parts]) -> Sequence[tuple[Identity, ...]]:
    """Return the identities of each entry; what several papers share is told apart.

    An identifier of several papers gets the name of the paper behind its value.
    """
    names = [entry.identities for entry in entries]
    is_split = any(parts)
    holders: dict[Identity, list[int]] = defaultdict(list)
    for position, own in enumerate(names):
        for identity in own:
            if identity.kind == "doi" or is_split:
                holders[identity].append(position)
    for identity, positions in holders.items():
        if len(positions) < 2:
            continue
        labels = _label_parts(entries, parts, positions)
        if identity.kind == "doi":
            for position, label in _label_works(entries, identity, positions).items():
                labels[position] = f"{labels.get(position, '')} {label}"
        for position, label in labels.items():
            shared = replace(identity, value=f"{identity.value} {label}")
            names[position] = tuple(
                shared if name == identity else name for name in names[position]
            )
    return names


def _label_parts(
    entries: Sequence[Entry], parts: Sequence[Parts], positions: Sequence[int]
) -> dict[int, str]:
    """Label the holders of an identifier by the parts of the splits that they are in.

    An entry that came after the split belongs to the only part with its title, else to the part
    that kept its id.
    """
    labels: dict[int, str] = defaultdict(str)
    for number in sorted({number for position in positions for number in parts[position]}):
        titles: dict[int, set[str]] = defaultdict(set)
        for position in positions:
            if number in parts[position]:
                titles[parts[position][number]].add(entries[position].title_key)
        if len(titles) < 2:
            continue
        for position in positions:
            like = [part for part, keys in titles.items() if entries[position].title_key in keys]
            part = parts[position].get(number, like[0] if len(like) == 1 else 0)
            labels[position] += f"{number}:{part} "
    return labels


def _label_works(
    entries: Sequence[Entry], identity: Identity, positions: Sequence[int]
) -> dict[int, str]:
    """Label the holders of a DOI by work: another title and other authors are another work.

    Who names no authors belongs to the only work, or to that of its title.

    Returns:
        Nothing for a single work.
    """
    if len({entries[position].title_key for position in positions}) < 2:
        return {}
    parents = {position: position for position in positions}

    def find(position: int) -> int:
        while parents[position] != position:
            position = parents[position]
        return position

    named: set[int] = set()
    first: dict[Hashable, int] = {}
    for position in positions:
        entry = entries[position]
        words = {word for word in list_name_words(entry.authors) if word.isascii()}
        others = set(entry.identities) - {identity}
        if words:
            named.add(position)
        for feature in (("title", entry.title_key), *words, *others):
            parents[find(position)] = find(first.setdefault(feature, position))
    works: dict[int, list[int]] = defaultdict(list)
    for position in positions:
        works[find(position)].append(position)
    signed = [members for members in works.values() if not named.isdisjoint(members)]
    if len(signed) < 2:
        return {}
    return {
        position: min(entries[member].title_key for member in members)
        for members in works.values()
        for position in members
    }


# ----------------------------------------------------------------------------------------------
# by title and authors


def _join_by_title(
    entries: Sequence[Entry], groups: Mapping[Identity, list[int]], parts: Sequence[Parts]
) -> list[list[int]]:
    """Join identified papers that have one telling title and the same authors."""
    by_title: dict[str, dict[Identity, list[int]]] = defaultdict(lambda: defaultdict(list))
    for root, members in groups.items():
        for position in members:
            by_title[entries[position].title_key][root].append(position)
    links: set[tuple[Identity, Identity]] = set()
    for title_key, papers in by_title.items():
        if 1 < len(papers) <= _MANY and is_telling(title_key):
            links.update(_list_title_links(entries, papers))
    if not links:
        return list(groups.values())
    components = _Components()
    for root in {root for link in links for root in link}:
        components.add(root, {})
        for position in groups[root]:
            components.add(root, _list_parts(parts[position]))
            for identity in entries[position].identities:
                components.add(root, {identity.kind: {identity.value}})
    components.connect(links, _contradict)
    joined: dict[Identity, list[int]] = defaultdict(list)
    for root, members in groups.items():
        joined[components.find(root) if root in components.facts else root] += members
    return list(joined.values())


def _list_title_links(
    entries: Sequence[Entry], papers: Mapping[Identity, list[int]]
) -> Iterable[tuple[Identity, Identity]]:
    authors = {
        root: {entries[position].authors for position in members}
        for root, members in papers.items()
    }
    for left, right in combinations(sorted(papers, key=reliability), 2):
        if any(
            compare_authors(ours, theirs) in (Agreement.SAME, Agreement.MEMBERS)
            for ours in authors[left]
            for theirs in authors[right]
        ):
            yield left, right


def _contradict(left: Facts, right: Facts) -> bool:
    """Whether the identifiers of two papers say that these are two.

    A preprint and its article have DOIs of different publishers, and a catalogue two entries.
    """
    for kind in (left.keys() & right.keys()) - _CATALOGUES:
        if kind not in ("doi", "preprint"):
            if left[kind] != right[kind]:
                return True
        elif any(_same_publisher(ours, theirs) for ours in left[kind] for theirs in right[kind]):
            return True
    return False


def _same_publisher(left: str, right: str) -> bool:
    """Whether two DOIs differ by more than a version, but not in their prefix."""
    return left.partition("/")[0] == right.partition("/")[0] and _DOI_VERSION.sub(
        "", left
    ) != _DOI_VERSION.sub("", right)
