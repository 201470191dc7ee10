"""Fields of several interests on the settings page: forms -> interests, errors.

All functions are pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest.locales import gettext
from digest.model import INTERESTS_MAX, NAME_MAX, SHARE_MAX, Interest, Subscriber
from digest.subscriptions import split_words
from digest.web.field_values import lines, number
from digest.web.pages import Form


@dataclass(frozen=True, kw_only=True, slots=True)
class InterestFields:
    """The fields of one interest as on the page.

    Their names end in `-` and the number.
    """

    number: int
    #: name of the interest when the page was made, "" for a new one
    former: str
    name: str
    share: str
    keywords: str
    categories: str
    authors: str
    #: number of things in the interest that the page does not show
    examples: int = 0

    @property
    def blank(self) -> bool:
        return not (
            self.keywords.strip()
            or self.categories.strip()
            or self.authors.strip()
            or self.examples
        )


def make_interest_fields(
    subscriber: Subscriber, *, more: bool = False
) -> tuple[InterestFields, ...]:
    """Return the fields of each interest; none if one set of fields is enough.

    Args:
        subscriber: whose interests they are.
        more: add empty fields for one more interest.
    """
    if len(subscriber.interests) < 2 and not more:
        return ()
    interests = subscriber.interests or (Interest(),)
    blocks = [
        _block(block_number, interest, interest.name)
        for block_number, interest in enumerate(interests)
    ]
    if more and len(blocks) < INTERESTS_MAX:
        blocks.append(_block(len(blocks), Interest(name=""), ""))
    return tuple(blocks)


def _block(block_number: int, interest: Interest, former: str) -> InterestFields:
    return InterestFields(
        number=block_number,
        former=former,
        name=interest.name,
        share=str(interest.share),
        keywords="\n".join(interest.keywords),
        categories="\n".join(interest.categories),
        authors="\n".join(interest.authors),
        examples=len(interest.papers) + bool(interest.text),
    )


def read_interest_fields(
    form: Form, subscriber: Subscriber
) -> tuple[tuple[InterestFields, ...], tuple[Interest, ...], dict[str, str]]:
    """Read the posted fields of several interests.

    Returns:
        The fields, the interests that they describe, and the errors by field. All empty if the form
        has no such fields.
    """
    interests_by_name = {interest.name: interest for interest in subscriber.interests}
    blocks: list[InterestFields] = []
    interests: list[Interest] = []
    errors: dict[str, str] = {}
    for block_number in range(INTERESTS_MAX):
        if f"name-{block_number}" not in form.fields or form.one(f"remove-{block_number}"):
            continue
        values = {
            name: form.one(f"{name}-{block_number}")
            for name in ("former", "name", "share", "keywords", "categories", "authors")
        }
        before = interests_by_name.get(values["former"], Interest())
        block = InterestFields(
            number=len(blocks), examples=len(before.papers) + bool(before.text), **values
        )
        blocks.append(block)
        if block.blank:
            continue
        name, share = " ".join(block.name.split()), number(block.share)
        if not 1 <= len(name) <= NAME_MAX:
            errors[f"name-{block.number}"] = gettext(
                "Give it a name of up to %(limit)s characters.", limit=NAME_MAX
            )
        elif name.casefold() in [other.name.casefold() for other in interests]:
            errors[f"name-{block.number}"] = gettext("Another one has this name already.")
        if share is None or not 1 <= share <= SHARE_MAX:
            errors[f"share-{block.number}"] = gettext(
                "Write a whole number from 1 to %(limit)s.", limit=SHARE_MAX
            )
        interests.append(
            replace(
                before,
                name=name,
                share=share if share is not None and 1 <= share <= SHARE_MAX else 1,
                keywords=split_words(block.keywords),
                categories=split_words(block.categories),
                authors=lines(block.authors),
            )
        )
    return tuple(blocks), tuple(interests), errors
