"""What a reader wrote: keywords, categories and authors, and what each counts beside the thumbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.ranking.rows import Phrase

#: thumbs up (examples count half) after which the words of keywords say nothing more
FADE = 3.0
#: what the words of each keyword weigh, and what is added for a paper that holds the word or the
#: whole phrase, without thumbs
KEYWORD, HOLDS, HOLDS_PHRASE = 0.45, 0.02, 0.06
#: what stays of the last with many thumbs: who names a field by a phrase wants to see it on; of
#: single words nothing, which likes tell better
PHRASE_LEFT = 0.03
#: added for a followed category or author without thumbs, and what stays of it with many
CATEGORY, CATEGORY_LEFT = 0.06, 0.02
AUTHOR, AUTHOR_LEFT = 0.3, 0.15
#: what is always added for a paper that holds a keyword with a "+"
MUST = 0.15
#: what an unwanted keyword, category or author takes away: more than any words add
UNWANTED = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Keyword:
    """What a keyword does to a paper: `weight` times its words' product with the paper, and `bonus`
    where the whole phrase stands.
    """

    phrase: Phrase
    weight: float
    bonus: float


def fading(known: float) -> float:
    """What the words of keywords count beside `known` thumbs up: 1 without any, 0 from
    `FADE` on."""
    return min(1.0, 2 / (1 + known)) * max(0.0, 1 - known / FADE)


def of_several_words(text: str) -> bool:
    """Whether a keyword is more than one plain word: a sign before it, or a hyphen in it, makes it
    more.
    """
    return not text.isalnum()


def keywords_of(phrases: Sequence[Phrase], known: float) -> tuple[Keyword, ...]:
    share = fading(known)
    pulls = []
    for phrase in phrases:
        if phrase.against:
            pulls.append(Keyword(phrase=phrase, weight=0.0, bonus=-UNWANTED))
        elif share or phrase.must or of_several_words(phrase.text):
            bonus = (
                max(share * HOLDS_PHRASE, PHRASE_LEFT)
                if of_several_words(phrase.text)
                else share * HOLDS
            )
            pulls.append(
                Keyword(
                    phrase=phrase,
                    weight=share * KEYWORD,
                    bonus=max(bonus, MUST if phrase.must else 0.0),
                )
            )
    return tuple(pulls)


def named(
    names: Sequence[str], alone: float, left: float, known: float
) -> tuple[tuple[str, float], ...]:
    value = left + (alone - left) / (1 + known)
    found: dict[str, float] = {}
    for name in names:
        bare = " ".join(name.strip().removeprefix("-").split())
        if bare:
            found.setdefault(bare, -UNWANTED if name.strip().startswith("-") else value)
    return tuple(found.items())
