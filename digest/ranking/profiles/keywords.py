"""Weights of the keywords, categories and authors that a reader wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features.spellings import lower_units
from digest.ranking.profiles.contexts import find_contexts
from digest.ranking.rows import Phrase, Spelling

#: likes (an example counts half) after which the words of keywords add nothing
FADE_LIKES = 3.0
#: without likes: the weight of a keyword's words
KEYWORD_WEIGHT = 0.45
#: without likes: the bonus of a paper that contains the single word, or the whole phrase
WORD_BONUS, PHRASE_BONUS = 0.02, 0.06
#: what remains of the phrase bonus with many likes; single words keep nothing, likes tell better
PHRASE_FLOOR = 0.03
#: bonus of a followed category without likes, and with many
CATEGORY_BONUS, CATEGORY_FLOOR = 0.06, 0.02
#: bonus of a followed author without likes, and with many
AUTHOR_BONUS, AUTHOR_FLOOR = 0.3, 0.15
#: least bonus of a paper that contains a keyword with a "+"
PINNED_BONUS = 0.15
_NO_PAPERS = np.empty((0, 0), np.float32)
#: a sign that no keyword reaches across
_SEPARATOR = " . "
#: thumbs down, less the thumbs up, on titles with a keyword after which it has no strength left
STRENGTH_DOWNS = 3
#: penalty of an unwanted keyword, category or author: more than any words add
UNWANTED_PENALTY = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Keyword:
    """What a keyword adds to a paper's score.

    `weight` times the product of its words with the paper, and `bonus` where the whole phrase
    occurs. Both are 0 for a word that many likes have faded: its papers are still found.
    """

    phrase: Phrase
    weight: float
    bonus: float
    #: what thumbs leave of it, 0-1; 0 = a paper is no longer listed for having it in the title
    strength: float = 1.0
    #: of a lone word: only papers near this count as holding it, see `contexts`; None = all
    context: NDArray[np.float32] | None = None


def keyword_fade(likes: float) -> float:
    """Compute the share that keywords keep beside `likes` likes.

    It is 1 without likes, and 0 from `FADE_LIKES` on.
    """
    return min(1.0, 2 / (1 + likes)) * max(0.0, 1 - likes / FADE_LIKES)


def has_several_words(text: str) -> bool:
    """Tell whether a keyword is more than one plain word.

    A hyphen or a sign makes it more.
    """
    return not text.isalnum()


def keyword_strength(
    phrase: Phrase, liked_titles: Sequence[str], disliked_titles: Sequence[str]
) -> float:
    """Compute what thumbs leave of a keyword, 0-1.

    Each thumb down on a paper with the keyword in its title, beyond the thumbs up on such papers,
    takes a third. Words written with "-" or "+" are orders and stay in full.
    """
    if phrase.muted or phrase.pinned:
        return 1.0
    occurs_in = phrase.spelling.occurs_in
    downs = sum([occurs_in(title, "") for title in disliked_titles])
    if not downs:
        return 1.0
    ups = sum([occurs_in(title, "") for title in liked_titles])
    return min(max(1 - (downs - ups) / STRENGTH_DOWNS, 0.0), 1.0)


def _may_occur(spelling: Spelling, titles: Sequence[str], units: str) -> bool:
    """Tell whether any title may hold a keyword; most are in none, which is told fast.

    Args:
        units: all titles, as the variants of a spelling are written.
    """
    if spelling.variants is None:
        return spelling.occurs_in(_SEPARATOR.join(titles), "")
    return bool([variant for variant in spelling.variants if variant in units])


def weigh_keywords(
    phrases: Sequence[Phrase],
    likes: float,
    liked_titles: Sequence[str] = (),
    disliked_titles: Sequence[str] = (),
    liked_dense: NDArray[np.float32] = _NO_PAPERS,
) -> tuple[Keyword, ...]:
    """Weigh the keywords of a reader, in order.

    Args:
        phrases: the keywords.
        likes: how many papers the reader likes.
        liked_titles, disliked_titles: titles of the rated papers, see `keyword_strength`.
        liked_dense: dense columns of the liked papers, see `contexts.find_contexts`.
    """
    share = keyword_fade(likes)
    keywords = []
    contexts = find_contexts(phrases, liked_dense)
    disliked_units = "\n".join([lower_units(title, "") for title in disliked_titles])
    for phrase, context in zip(phrases, contexts, strict=True):
        if phrase.muted:
            keywords.append(Keyword(phrase=phrase, weight=0.0, bonus=-UNWANTED_PENALTY))
            continue
        strength = 1.0
        if disliked_titles and _may_occur(phrase.spelling, disliked_titles, disliked_units):
            strength = keyword_strength(phrase, liked_titles, disliked_titles)
        is_phrase = has_several_words(phrase.text)
        bonus = max(share * PHRASE_BONUS, PHRASE_FLOOR) if is_phrase else share * WORD_BONUS
        if phrase.pinned:
            bonus = max(bonus, PINNED_BONUS)
        keywords.append(
            Keyword(
                phrase=phrase,
                weight=strength * share * KEYWORD_WEIGHT,
                bonus=strength * bonus,
                strength=strength,
                context=context,
            )
        )
    return tuple(keywords)


def weigh_names(
    names: Sequence[str], bonus: float, floor: float, likes: float
) -> tuple[tuple[str, float], ...]:
    """Weigh followed and unwanted categories or authors.

    Returns (name, amount), each name once.

    Args:
        names: as the reader wrote them, unwanted ones with a leading "-".
        bonus: what a followed one adds without likes.
        floor: what it adds with very many likes.
        likes: how many papers the reader likes.
    """
    amount = floor + (bonus - floor) / (1 + likes)
    weighed: dict[str, float] = {}
    for name in names:
        unwanted = name.strip().startswith("-")
        plain_name = " ".join(name.strip().removeprefix("-").split())
        if plain_name:
            weighed.setdefault(plain_name, -UNWANTED_PENALTY if unwanted else amount)
    return tuple(weighed.items())
