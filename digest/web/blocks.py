"""Several interests on the settings page: a block of fields for each.

Pure: forms in, interests and what is wrong out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest.model import INTERESTS_MAX, NAME_MAX, SHARE_MAX, Interest, Subscriber
from digest.web.pages import Form
from digest.web.texts import lines, number, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The fields of one interest as they stand on the page; their names end in `-` and
    its number."""

    number: int
    #: its name when the page was made, "" where it is new
    former: str
    name: str
    share: str
    keywords: str
    categories: str
    authors: str
    #: what it holds that this page does not show
    examples: int = 0

    @property
    def blank(self) -> bool:
        return not (
            self.keywords.strip()
            or self.categories.strip()
            or self.authors.strip()
            or self.examples
        )


def blocks_of(subscriber: Subscriber, *, more: bool = False) -> tuple[Block, ...]:
    """A block for each interest, and an empty one where the reader asks for one more; none where
    one set of fields is enough.
    """
    if len(subscriber.interests) < 2 and not more:
        return ()
    those = subscriber.interests or (Interest(),)
    blocks = [_block(place, interest, interest.name) for place, interest in enumerate(those)]
    if more and len(blocks) < INTERESTS_MAX:
        blocks.append(_block(len(blocks), Interest(name=""), ""))
    return tuple(blocks)


def _block(place: int, interest: Interest, former: str) -> Block:
    return Block(
        number=place,
        former=former,
        name=interest.name,
        share=str(interest.share),
        keywords="\n".join(interest.keywords),
        categories="\n".join(interest.categories),
        authors="\n".join(interest.authors),
        examples=len(interest.papers) + bool(interest.text),
    )


def read_blocks(
    form: Form, subscriber: Subscriber
) -> tuple[tuple[Block, ...], tuple[Interest, ...], dict[str, str]]:
    """The blocks that were sent, the interests that they make, and what is wrong by field.

    No blocks where the form had none.
    """
    known = {interest.name: interest for interest in subscriber.interests}
    blocks: list[Block] = []
    made: list[Interest] = []
    errors: dict[str, str] = {}
    for place in range(INTERESTS_MAX):
        if f"name-{place}" not in form.fields or form.one(f"remove-{place}"):
            continue
        said = {
            name: form.one(f"{name}-{place}")
            for name in ("former", "name", "share", "keywords", "categories", "authors")
        }
        before = known.get(said["former"], Interest())
        block = Block(number=len(blocks), examples=len(before.papers) + bool(before.text), **said)
        blocks.append(block)
        if block.blank:
            continue
        name, share = " ".join(block.name.split()), number(block.share)
        if not 1 <= len(name) <= NAME_MAX:
            errors[f"name-{block.number}"] = f"Give it a name of up to {NAME_MAX} characters."
        elif name.casefold() in [other.name.casefold() for other in made]:
            errors[f"name-{block.number}"] = "Another one has this name already."
        if share is None or not 1 <= share <= SHARE_MAX:
            errors[f"share-{block.number}"] = f"Write a whole number from 1 to {SHARE_MAX}."
        made.append(
            replace(
                before,
                name=name,
                share=share if share is not None and 1 <= share <= SHARE_MAX else 1,
                keywords=words(block.keywords),
                categories=words(block.categories),
                authors=lines(block.authors),
            )
        )
    return tuple(blocks), tuple(made), errors
