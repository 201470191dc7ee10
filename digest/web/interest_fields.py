"""Fields of several interests on the settings page: forms -> interests, errors.

All functions are pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest.locales import gettext
from digest.model import INTERESTS_MAX, NAME_MAX, SHARE_MAX, Interest, Subscriber
from digest.web.field_values import number
from digest.web.pages import Form
from digest.web.wish_fields import LISTS, WISH_FIELDS, fill_wish_fields, read_wish_fields


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
    first_words: str = ""
    never_words: str = ""
    never_categories: str = ""
    never_authors: str = ""
    #: number of things in the interest that the page does not show
    examples: int = 0

    @property
    def blank(self) -> bool:
        return not (self.examples or any(getattr(self, name).strip() for name in WISH_FIELDS))

    @property
    def has_signs(self) -> bool:
        """Whether something comes first or is never shown."""
        return any(getattr(self, name).strip() for name in WISH_FIELDS if name not in LISTS)


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
        **fill_wish_fields(interest),
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
            for name in ("former", "name", "share", *WISH_FIELDS)
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
                **read_wish_fields(values, before),
            )
        )
    return tuple(blocks), tuple(interests), errors
