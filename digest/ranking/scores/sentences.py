"""A score -> one plain sentence that says why the paper is listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from digest.locales import gettext, join_names, ngettext, translate_day
from digest.model import Paper, Part, PartKind, Score, format_day

#: between the day and the rank in the name of a pick
_RANK = ", no. "


def write_reason(score: Score) -> str:
    """Write one plain sentence, without markup, that says why a paper is listed.

    It names what a person would name: a followed author or a keyword that the reader typed, else
    the liked paper that it resembles, else its topic, else categories, other readers and trends. A
    part is named when it adds at least a third of what the strongest one adds; a keyword with
    less, an author with anything. A recommender of others says it in its own words.
    """
    if score.told:
        return score.told
    positive = [part for part in score.parts if part.value > 0]
    if not positive:
        return _write_without_reason(score)
    names = _strong_names(positive)
    typed = [_write_clause(kind, names[kind]) for kind in _TYPED if kind in names]
    if typed:
        return _finish("; ".join(typed))
    if "near" in names or (score.nearest and names.keys() & {"topic", "word"}):
        title = names["near"][0] if "near" in names else score.nearest[0] if score.nearest else ""
        if score.nearest_is_example:
            return _finish(gettext("like “%(title)s”, one of your examples", title=title))
        return _finish(gettext("like “%(title)s”, which you liked", title=title))
    if "topic" in names:
        return _finish(gettext("about %(topics)s", topics=join_names(names["topic"])))
    return _finish("; ".join(_write_clause(kind, names[kind]) for kind in _OTHERS if kind in names))


def thin_score(score: Score) -> Score:
    """Leave out of a score what its sentence does not need; the sentence stays the same."""
    sentence = write_reason(score)
    for part in reversed(score.parts):
        thinner = replace(score, parts=tuple([kept for kept in score.parts if kept is not part]))
        if write_reason(thinner) == sentence:
            score = thinner
    without_nearest = replace(score, nearest=None, nearest_is_example=False)
    return without_nearest if write_reason(without_nearest) == sentence else score


#: a keyword is named when it adds this share of what the strongest part adds
_KEYWORD_SHARE = 0.2
#: kinds that the reader typed, and kinds that are named where no paper or topic is
_TYPED: tuple[PartKind, ...] = ("author", "keyword")
_OTHERS: tuple[PartKind, ...] = ("category", "word", "readers", "pick", "upvotes", "recency")


def _write_without_reason(score: Score) -> str:
    against = [
        part.name
        for part in score.parts
        if part.value < 0 and part.kind in ("word", "topic", "keyword", "category", "author")
    ]
    if against:
        return gettext("A new paper, though “%(word)s” speaks against it.", word=against[0])
    return gettext("A new paper; nothing speaks for it or against it.")


def _finish(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}."


def lifting_words(score: Score) -> tuple[str, ...]:
    """Return the words and phrases that lift a paper, strongest first."""
    return tuple(
        part.name
        for part in score.parts
        if part.kind in ("word", "topic", "keyword") and part.value > 0
    )


def _strong_names(positive: Sequence[Part]) -> dict[PartKind, list[str]]:
    """Return the names of the parts that are worth naming by kind, strongest first."""
    if len(positive) == 1:
        return {positive[0].kind: [positive[0].name]}
    names: dict[PartKind, list[str]] = {}
    for part in _select_strong(positive):
        names.setdefault(part.kind, []).append(part.name)
    kinds = {part.kind for part in positive}
    shares: dict[PartKind, float] = {"author": 0.0, "keyword": _KEYWORD_SHARE}
    for kind, share in shares.items():
        if kind not in kinds:
            continue
        least = share * positive[0].value
        if typed := [part.name for part in positive if part.kind == kind and part.value >= least]:
            names[kind] = typed
    if len(names) > 1:
        # Nearly all papers of the day are as new.
        names.pop("recency", None)
    return names


def _select_strong(positive: Sequence[Part]) -> list[Part]:
    """Return the parts that add at least a third of the strongest one.

    An encoder's part stands for a whole text, so it is compared with all others together.
    """
    near = [part for part in positive if part.kind == "near"]
    others = [part for part in positive if part.kind != "near"]
    strong = [part for part in others if part.value >= others[0].value / 3]
    if not near:
        return strong
    others_sum = sum(part.value for part in others)
    near_sum = sum(part.value for part in near)
    named = strong if others_sum >= near_sum / 3 else []
    return named + (near if near_sum >= others_sum / 3 else [])


def _write_clause(kind: PartKind, names: Sequence[str]) -> str:
    if kind == "author":
        authors = join_names(names)
        return ngettext(
            "by %(names)s, whom you follow",
            "by %(names)s, whom you follow",
            len(names),
            names=authors,
        )
    if kind == "keyword":
        return ngettext(
            "matches your keyword %(words)s",
            "matches your keywords %(words)s",
            len(names),
            words=join_names(names[:3]),
        )
    if kind == "category":
        return ngettext(
            "in %(names)s, which you follow",
            "in %(names)s, which you follow",
            len(names),
            names=join_names(names),
        )
    if kind == "word":
        # No phrase has it, or the explanation was stored before there were topics.
        words = _drop_repeated(names)
        phrases = [name for name in words if " " in name]
        if phrases:
            return gettext("about %(topics)s", topics=join_names(phrases[:2]))
        return gettext("mentions “%(word)s”", word=words[0])
    if kind == "pick":
        day, _, rank = names[0].partition(_RANK)
        day = translate_day(day)
        if rank:
            return gettext("no. %(rank)s on Hugging Face Daily Papers, %(day)s", rank=rank, day=day)
        return gettext("on Hugging Face Daily Papers, %(day)s", day=day)
    if kind == "readers":
        return gettext("liked by readers who liked “%(title)s”, as you did", title=names[0])
    if kind == "upvotes":
        # older digests may hold something else than a number
        count = int(names[0]) if names[0].isdecimal() else 0
        return ngettext("%(count)s upvote", "%(count)s upvotes", count, count=names[0])
    return gettext("new on %(day)s", day=translate_day(names[0]))


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
