"""A score -> one plain sentence that says why the paper is listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from digest.model import Paper, Part, PartKind, Score, format_day

#: between the day and the rank in the name of a pick
_RANK = ", no. "


def write_reason(score: Score) -> str:
    """Write one plain sentence, without markup, of the strongest positive parts.

    A part is named when it adds at least a third of what the strongest one adds. An encoder's part
    stands for a whole text where words are many, so it is compared with all others together.
    """
    positive = [part for part in score.parts if part.value > 0]
    if not positive:
        negative = [
            part
            for part in score.parts
            if part.value < 0 and part.kind in ("word", "keyword", "category", "author")
        ]
        if negative:
            return f'A new paper, though "{negative[0].name}" speaks against it.'
        return "A new paper; nothing speaks for it or against it."
    strong = _select_strong(positive)
    if any(part.kind != "recency" for part in strong):
        # Nearly all papers of the day are as new.
        strong = [part for part in strong if part.kind != "recency"]
    names: dict[PartKind, list[str]] = {}
    for part in strong:
        names.setdefault(part.kind, []).append(part.name)
    clauses = [_write_clause(kind, names[kind]) for kind in _ORDER if kind in names]
    near = names.get("near") or (
        [score.nearest[0]] if score.nearest is not None and "word" in names else []
    )
    if near:
        clauses.append(f"near {_quote(near[0])}, which you liked")
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


def lifting_words(score: Score) -> tuple[str, ...]:
    """Return the words and phrases that lift a paper, strongest first."""
    return tuple(
        part.name for part in score.parts if part.kind in ("word", "keyword") and part.value > 0
    )


def _select_strong(positive: Sequence[Part]) -> list[Part]:
    """Return the parts that are worth naming, strongest first."""
    near = [part for part in positive if part.kind == "near"]
    others = [part for part in positive if part.kind != "near"]
    strong = [part for part in others if part.value >= others[0].value / 3]
    if not near:
        return strong
    others_sum = sum(part.value for part in others)
    near_sum = sum(part.value for part in near)
    named = strong if others_sum >= near_sum / 3 else []
    return named + (near if near_sum >= others_sum / 3 else [])


#: kinds of parts in the order in which a sentence names them
_ORDER: tuple[PartKind, ...] = (
    "author",
    "keyword",
    "category",
    "word",
    "readers",
    "pick",
    "upvotes",
    "recency",
)


def _write_clause(kind: PartKind, names: Sequence[str]) -> str:
    if kind == "author":
        return f"by {_join(names)}, whom you follow"
    if kind == "keyword":
        return (
            f"matches your keyword{'s' if len(names) > 1 else ''} "
            f"{_join([_quote(name) for name in names[:3]])}"
        )
    if kind == "category":
        return f"in {_join(names)}, which you follow"
    if kind == "word":
        return f"about {_join([_quote(name) for name in _drop_repeated(names)[:3]])}"
    if kind == "pick":
        day, _, rank = names[0].partition(_RANK)
        return f"{f'no. {rank} ' if rank else ''}on Hugging Face Daily Papers, {day}"
    if kind == "readers":
        return f"liked by readers who liked {_quote(names[0])}, as you did"
    if kind == "upvotes":
        return f"{names[0]} upvote{'' if names[0] == '1' else 's'}"
    return f"new on {names[0]}"


def _quote(name: str) -> str:
    return f'"{name}"'


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _drop_repeated(names: Sequence[str]) -> list[str]:
    """Drop names whose words a stronger or longer name has already.

    "tactile sensing" includes "tactile", and "agent" includes "Agents".
    """
    words_by_name: dict[str, frozenset[str]] = {}
    used_words: set[str] = set()
    for name in names:
        words = _singular_words(name)
        # Most names share no word with another.
        if not words or not words.isdisjoint(used_words):
            if any(words <= others for others in words_by_name.values()):
                continue
            words_by_name = {
                other: others for other, others in words_by_name.items() if not others <= words
            }
        words_by_name[name] = words
        used_words |= words
    return list(words_by_name)


@lru_cache(maxsize=16384)
def _singular_words(name: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in name.lower().replace("-", " ").split())


def trending_fact(kind: PartKind, paper: Paper) -> str:
    """Return the name of a trending part: a number of upvotes, a pick, or a date."""
    if kind == "upvotes":
        return str(paper.upvotes)
    if kind == "recency" or paper.picked is None:
        return format_day(paper.first_seen)
    day = format_day(paper.picked)
    return day if paper.rank is None else f"{day}{_RANK}{paper.rank}"
