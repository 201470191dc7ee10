"""What a reader who wants less of a paper may want less of: its authors and its topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, Paper, Score, Subscriber
from digest.ranking import features

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
    return LessChoices(
        subscriber=reader,
        paper=paper,
        authors=_choose_authors(paper.authors),
        topics=_choose_topics(paper, score),
        interest=score.interest if score else "",
    )


def _choose_authors(authors: Sequence[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(name for name in authors if any(map(str.isalnum, name))))
    if len(names) > _AUTHORS:
        names = [*names[: _AUTHORS - 1], names[-1]]
    return tuple(names)


def _choose_topics(paper: Paper, score: Score | None) -> tuple[str, ...]:
    """Choose what lifted the paper and the phrases of its title; only what stands in it.

    A lone word counts only where the title has it: one of the abstract, such as "report", would
    leave out papers about anything.
    """
    lifts = [part for part in score.parts if part.value > 0] if score else []
    words = [
        *(part.name for part in lifts if part.kind in ("topic", "keyword")),
        *(
            phrase.text
            for phrase in features.noun_phrases(paper.title, paper.abstract)
            if phrase.in_title and phrase.complete and phrase.length > 1
        ),
        *(part.name for part in lifts if part.kind == "word" and " " not in part.name),
    ]
    title = paper.title.casefold()
    text = f"{title}\n{paper.abstract.casefold()}"
    topics: dict[str, str] = {}
    for word in words:
        folded = word.casefold()
        stands = folded in (text if " " in word else title)
        # The settings page splits keywords at commas and semicolons.
        if stands and not {",", ";"} & set(word) and not features.keyword_problem(word):
            topics.setdefault(folded, word)
    return tuple(topics.values())[:_TOPICS]
