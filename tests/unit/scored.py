"""Papers of few words, the profile of a reader, and the scores that one gives the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from digest.model import Interest, Paper, Part, Score
from digest.ranking import features, profiles, scores

TODAY = date(2026, 5, 4)
_WORDS = (
    "robot grasping tactile sensing climate rainfall glacier poetry rhyme market auction price "
    "neural network survey"
)
WORDS = _WORDS.split()


def paper(number: int, title: str = "", abstract: str = "", **more: object) -> Paper:
    made = {"first_seen": TODAY, "title": title or f"Paper {number}", "abstract": abstract, **more}
    return Paper(id=number, **made)  # type: ignore[arg-type]


def mixed(number: int, start: int) -> list[Paper]:
    """Papers of five neighbouring words each."""
    return [
        paper(start + place, " ".join((WORDS * 2)[place % 15 : place % 15 + 5]), f"case{place}")
        for place in range(number)
    ]


def frequencies(papers: Sequence[Paper]) -> features.Frequencies:
    return features.Frequencies().add(
        features.vectorize([features.text_of(each.title, each.abstract) for each in papers])
    )


PAPERS = mixed(30, 1)
RECENT = mixed(40, 101)
FREQUENCIES = frequencies([*PAPERS, *RECENT])


def rows(papers: Sequence[Paper]) -> object:
    return features.weigh(
        features.vectorize([features.text_of(each.title, each.abstract) for each in papers]),
        FREQUENCIES,
    )


def day(papers: Sequence[Paper], recent: Sequence[Paper] = ()) -> scores.Day:
    return scores.day(papers, rows(papers), recent, rows(recent))


BACKGROUND = profiles.Background.from_papers(RECENT, rows(RECENT))


def profile(
    interest: Interest | None = None, liked: Sequence[Paper] = (), disliked: Sequence[Paper] = ()
) -> profiles.Profile:
    interest = interest or Interest()
    return profiles.train(
        [interest],
        BACKGROUND,
        phrases=features.parse_keywords(interest.keywords, FREQUENCIES),
        liked=profiles.Rated.from_papers(liked, rows(liked)),
        disliked=profiles.Rated.from_papers(disliked, rows(disliked)),
    )


def ranked(who: profiles.Profile, when: scores.Day, **more: object) -> list[Score]:
    return list(scores.explain(who, when, words_of=features.words_of, **more))  # type: ignore[arg-type]


def part(score: Score, kind: str) -> Part:
    (found,) = [each for each in score.parts if each.kind == kind]
    return found
