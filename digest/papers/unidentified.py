"""Where entries without identifier belong: title, authors and link decide.

Different links on one host are different papers. A title of common words ("Editorial") joins only
with the same authors or the same link, and where date and journal agree.

If an entry can be several papers, it becomes a paper of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec.structs import replace

from digest.model import Entry
from digest.papers.names import Agreement, compare_authors
from digest.papers.titles import is_generic, is_telling

#: number of a split -> the part that an entry is in
Parts = Mapping[int, int]
#: a title of more different entries names no paper
_MANY: Final = 50


class _Claim(NamedTuple):
    """What an entry says about which paper of its title it is."""

    authors: tuple[str, ...]
    host: str
    #: path and query on that host; "" = the host's home page
    page: str
    journal_ref: str
    day: date | None
    parts: tuple[tuple[int, int], ...]
    #: what names no paper at all is one only with what says the very same
    content: Entry | None


#: claims of entries that are one paper, or may be -> whether they are; None = nothing tells
_Judge = Callable[[Sequence[_Claim], Sequence[_Claim]], bool | None]


def group_unidentified(
    entries: Sequence[Entry],
    unidentified: Mapping[str, list[int]],
    identified: Sequence[list[int]],
    parts: Sequence[Parts],
) -> list[list[int]]:
    """Group entries without identifier by paper, and join them to identified papers.

    Only the identified entries say what a paper is. If an entry that joined it counted too, the
    title that is looked at first would decide where the entries of another title go.

    Args:
        unidentified: normalised title -> positions.
        identified: positions of each identified paper.

    Returns:
        All papers, identified and others.
    """
    if not unidentified:
        return list(identified)
    papers_by_title: dict[str, set[int]] = defaultdict(set)
    for number, members in enumerate(identified):
        for position in members:
            if entries[position].title_key in unidentified:
                papers_by_title[entries[position].title_key].add(number)
    papers = [list(members) for members in identified]
    for title_key, positions in unidentified.items():
        by_claim: dict[_Claim, list[int]] = defaultdict(list)
        for position in positions:
            by_claim[_read_claim(entries[position], parts[position])].append(position)
        if not title_key or len(by_claim) > _MANY:  # an empty one says nothing
            papers += by_claim.values()
            continue
        judge = _make_judge(title_key)
        candidates = {
            number: [
                _read_claim(entries[position], parts[position]) for position in identified[number]
            ]
            for number in papers_by_title[title_key]
        }
        groups = _group_claims(by_claim, judge)
        targets = _choose_targets(groups, candidates, judge)
        for number, claims in enumerate(groups):
            members = [position for claim in claims for position in by_claim[claim]]
            if number in targets:
                papers[targets[number]] += members
            else:
                papers.append(members)
    return papers


def _read_claim(entry: Entry, parts: Parts) -> _Claim:
    host, page = _split_link(entry.url)
    return _Claim(
        authors=entry.authors,
        host=host,
        page=page,
        journal_ref=entry.journal_ref.casefold(),
        day=entry.submitted or entry.announced,
        parts=tuple(sorted(parts.items())),
        content=None
        if entry.authors or page or not is_generic(entry.title_key)
        else replace(entry, upvotes=None),
    )


def _split_link(url: str) -> tuple[str, str]:
    """Split a link into host and page, without what only counts visits."""
    try:
        link = urlsplit(url)
        host = (link.hostname or "").removeprefix("www.")
        query = [pair for pair in parse_qsl(link.query) if not pair[0].startswith("utm_")]
    except ValueError:
        return "", ""
    return host, link.path.rstrip("/") + (f"?{urlencode(query)}" if query else "")


def _make_judge(title_key: str) -> _Judge:
    generic, telling = is_generic(title_key), is_telling(title_key)

    def judge_pair(left: _Claim, right: _Claim) -> bool | None:
        agreement = compare_authors(left.authors, right.authors)
        same_page = bool(left.page) and (left.host, left.page) == (right.host, right.page)
        if agreement is Agreement.OTHER:
            return False
        agree = agreement is Agreement.SAME or (telling and agreement is Agreement.MEMBERS)
        if (
            left.page
            and right.page
            and not same_page
            and (left.host == right.host or not (telling or agree))
        ):
            return False
        if generic:
            return (
                (agree or same_page)
                and _may_equal(left.journal_ref, right.journal_ref)
                and _may_equal(left.day, right.day)
            )
        return True if agree or same_page else None

    def judge(left: Sequence[_Claim], right: Sequence[_Claim]) -> bool | None:
        if any(_are_split(ours, theirs) for ours in left for theirs in right):
            return False
        verdicts = {judge_pair(ours, theirs) for ours in left for theirs in right}
        return True if True in verdicts else False if False in verdicts else None

    return judge


def _may_equal(left: str | date | None, right: str | date | None) -> bool:
    return not left or not right or left == right


def _are_split(left: _Claim, right: _Claim) -> bool:
    if not left.parts or not right.parts:
        return False
    ours, theirs = dict(left.parts), dict(right.parts)
    return any(theirs.get(number, part) != part for number, part in ours.items())


def _group_claims(claims: Iterable[_Claim], judge: _Judge) -> list[list[_Claim]]:
    """Group the claims of one title.

    Those without authors join the only group that they can be, else one another.
    """
    groups = _unite([[claim] for claim in claims], judge, certain=True)
    signed = [group for group in groups if any(claim.authors for claim in group)]
    unsigned = [group for group in groups if not any(claim.authors for claim in group)]
    targets = _choose_targets(unsigned, dict(enumerate(signed)), judge)
    remaining = [group for number, group in enumerate(unsigned) if number not in targets]
    for number, target in targets.items():
        signed[target] = signed[target] + unsigned[number]
    return signed + _unite(remaining, judge, certain=False)


def _unite(groups: Sequence[list[_Claim]], judge: _Judge, *, certain: bool) -> list[list[_Claim]]:
    """Unite groups that are one paper; where two of a chain are not, each stays alone.

    Args:
        certain: only where something says that they are one; else also where nothing tells.
    """
    verdicts = {
        (left, right): judge(groups[left], groups[right])
        for left, right in combinations(range(len(groups)), 2)
    }
    chain_of = list(range(len(groups)))
    for (left, right), verdict in verdicts.items():
        if (verdict is True or (verdict is None and not certain)) and chain_of[left] != chain_of[
            right
        ]:
            gone, kept = chain_of[right], chain_of[left]
            chain_of = [kept if chain == gone else chain for chain in chain_of]
    chains: dict[int, list[int]] = defaultdict(list)
    for number, chain in enumerate(chain_of):
        chains[chain].append(number)
    united: list[list[_Claim]] = []
    for members in chains.values():
        if any(verdicts[pair] is False for pair in combinations(members, 2)):
            united += (groups[number] for number in members)
        else:
            united.append([claim for number in members for claim in groups[number]])
    return united


def _choose_targets(
    groups: Sequence[list[_Claim]], papers: Mapping[int, Sequence[_Claim]], judge: _Judge
) -> dict[int, int]:
    """Choose the only paper that each group can be.

    Of groups that choose one paper and contradict each other, those that only may be it stay away.

    Returns:
        Number of a group -> key of its paper; nothing for those that join none.
    """
    certain: dict[int, list[int]] = defaultdict(list)
    possible: dict[int, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        verdicts = {key: judge(group, paper) for key, paper in papers.items()}
        sure = [key for key, verdict in verdicts.items() if verdict is True]
        unsure = [key for key, verdict in verdicts.items() if verdict is None]
        if len(sure) == 1:
            certain[sure[0]].append(number)
        elif not sure and len(unsure) == 1:
            possible[unsure[0]].append(number)
    targets: dict[int, int] = {}
    for key in papers:
        for joining in (certain[key] + possible[key], certain[key]):
            if not any(
                judge(groups[left], groups[right]) is False
                for left, right in combinations(joining, 2)
            ):
                targets |= dict.fromkeys(joining, key)
                break
    return targets
