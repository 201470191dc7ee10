"""What a reader who wants less of a paper may want less of: its authors and its topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, Paper, Subscriber
from digest.ranking import features, scores

#: authors and topics that are offered at most; of more authors the first and the last
_AUTHORS, _TOPICS = 8, 6


@dataclass(frozen=True, kw_only=True, slots=True)
class LessChoices:
    """A paper, and what of it may be left out of the reader's digests."""

    subscriber: Subscriber
    paper: Paper
    authors: tuple[str, ...]
    #: words and phrases that stand in its title or abstract
    topics: tuple[str, ...]
    #: the interest that it was listed for; "" = the reader's only one, or unknown
    interest: str


def load_less_choices(app: App, link: Link) -> LessChoices:
    """Load what may be muted for the paper of a link.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    with app.store.reading() as tx:
        reader = store.subscribers.find(tx, link.subscriber_id)
        paper = store.papers.load(tx, [link.paper_id]).get(link.paper_id)
        digest = store.digests.find_by_message(tx, link.message_id, link.subscriber_id)
    if reader is None or paper is None:
        raise NotFoundError("the reader or the paper of this link is no longer stored")
    items = digest.items if digest else ()
    score = next((item.score for item in items if item.score.paper_id == link.paper_id), None)
    lifting = scores.lifting_words(score) if score else ()
    return LessChoices(
        subscriber=reader,
        paper=paper,
        authors=_choose_authors(paper.authors),
        topics=_choose_topics(paper, lifting),
        interest=score.interest if score else "",
    )


def _choose_authors(authors: Sequence[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(name for name in authors if any(map(str.isalnum, name))))
    if len(names) > _AUTHORS:
        names = [*names[: _AUTHORS - 1], names[-1]]
    return tuple(names)


def _choose_topics(paper: Paper, lifting: Sequence[str]) -> tuple[str, ...]:
    """Choose what lifted the paper, then the phrases of its title; only what stands in it."""
    text = f"{paper.title}\n{paper.abstract}".casefold()
    phrases = [
        phrase.text
        for phrase in features.noun_phrases(paper.title, paper.abstract)
        if phrase.in_title and phrase.complete and phrase.length > 1
    ]
    topics: dict[str, str] = {}
    for word in (*lifting, *phrases):
        # The settings page splits keywords at commas and semicolons.
        stands = word.casefold() in text and not {",", ";"} & set(word)
        if stands and not features.keyword_problem(word):
            topics.setdefault(word.casefold(), word)
    return tuple(topics.values())[:_TOPICS]
