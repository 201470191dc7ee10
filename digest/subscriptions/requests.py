"""Check requested settings and apply them to a subscriber.

Nothing is looked up or stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError, InputError
from digest.locales import gettext, languages
from digest.model import (
    EXAMPLES_MAX,
    INTERESTS_MAX,
    LISTS_OCTETS_MAX,
    NAME_MAX,
    QUIET_DAYS,
    SHARE_MAX,
    STRICTNESS_WORDS,
    THRESHOLD_WORDS,
    Interest,
    QuietDays,
    Strictness,
    Subscriber,
    SubscriberStatus,
    Suppression,
    strictness_from_threshold,
    time_zones,
)

#: limits, so that no reader costs as much as a thousand
_TEXT_MAX, _LIST_MAX, _WORD_MAX = 4000, 200, 200
#: characters that databases or mails cannot hold: controls except the line feed, and surrogates
_UNWANTED = {
    **dict.fromkeys((*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0)), " "),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriptionRequest:
    """Requested settings of a subscription; None = unchanged, or the default."""

    email: str
    name: str | None = None
    timezone: str | None = None
    hour: int | None = None
    days: tuple[int, ...] | None = None
    size: int | None = None
    #: "few", "balanced", "many", "always", or a chance from 1 to 99
    strictness: int | str | None = None
    #: the old name of strictness, until 0.3.0: 0 to 100, "good" or "strong"
    threshold: int | str | None = None
    #: "silent", "line" or "weekly"
    quiet_days: str | None = None
    #: such as "de"; "" = the service's own
    language: str | None = None
    #: name of the interest that the next fields change, created where missing; None = the first
    interest: str | None = None
    share: int | None = None
    keywords: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    papers: tuple[str, ...] | None = None
    text: str | None = None
    #: names of interests to delete
    drop: tuple[str, ...] | None = None
    #: all interests, in place of the stored ones; empty ones are dropped
    interests: tuple[Interest, ...] | None = None
    #: from a file of readers; None = active
    status: SubscriberStatus | None = None
    #: why no mail goes to the address, from a file of readers
    suppression: Suppression | None = None
    #: when and how they joined, from a file of readers
    created: datetime | None = None
    origin: str | None = None

    @property
    def requested_interests(self) -> tuple[Interest, ...]:
        """The interests that the request itself names, without the stored ones."""
        if self.interests is not None:
            return self.interests
        return (
            Interest(
                name=self.interest or Interest().name,
                categories=self.categories or (),
                papers=self.papers or (),
            ),
        )


def normalise_address(text: str) -> str:
    """Normalise an address, without asking the DNS.

    Raises:
        AddressError: the text is not a valid address.
    """
    try:
        return validate_email(
            text.strip(), check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise AddressError(f"{text!r} is no e-mail address: {error}") from None


def keep_or_normalise_address(text: str) -> str:
    """Normalise an address; keep any other text."""
    try:
        return normalise_address(text)
    except AddressError:
        return text.strip()


def apply_request(request: SubscriptionRequest, subscriber: Subscriber) -> Subscriber:
    """Apply requested settings to a subscriber.

    Raises:
        InputError: a value is invalid; the message names it and what it may be.
    """
    if request.timezone is not None and request.timezone not in time_zones():
        raise InputError(f"timezone {request.timezone!r} is unknown; use a name like Europe/Berlin")
    days = subscriber.days if request.days is None else tuple(sorted(set(request.days)))
    if not days or not all(1 <= day <= 7 for day in days):
        raise InputError(f"days {list(days)} must be some of 1 (Monday) to 7 (Sunday)")
    return replace(
        subscriber,
        name=subscriber.name if request.name is None else _clean_line(request.name)[:_WORD_MAX],
        timezone=request.timezone or subscriber.timezone,
        hour=_check_range("hour", request.hour, 0, 23, subscriber.hour),
        days=days,
        size=_check_range("size", request.size, 1, 100, subscriber.size),
        strictness=parse_strictness(
            request.strictness, request.threshold, otherwise=subscriber.strictness
        ),
        quiet_days=parse_quiet_days(request.quiet_days, otherwise=subscriber.quiet_days),
        language=_parse_language(request.language, otherwise=subscriber.language),
        interests=_apply_interests(request, subscriber.interests),
    )


_WORDS = ("interest", "share", "keywords", "categories", "authors", "papers", "text", "drop")


def _apply_interests(
    request: SubscriptionRequest, known: tuple[Interest, ...]
) -> tuple[Interest, ...]:
    """Apply requested interests; raises as `apply_request` does."""
    if request.interests is not None:
        if both := [key for key in _WORDS if getattr(request, key) is not None]:
            raise InputError(
                f"interests: they say it all; leave out {both[0]}, or give it within one of them"
            )
        interests = [_clean_interest(interest) for interest in request.interests]
    else:
        interests = _drop_interests(request, known)
        if any(getattr(request, key) is not None for key in _WORDS[:-1]):
            first = interests[0].name if interests else Interest().name
            name = first if request.interest is None else _clean_name(request.interest)
            by_name = {interest.name: interest for interest in interests}
            by_name[name] = _change_interest(by_name.get(name, Interest(name=name)), request)
            interests = list(by_name.values())
    interests = [interest for interest in interests if not interest.empty]
    _check_limits(interests, known)
    return tuple(interests)


def _drop_interests(request: SubscriptionRequest, known: Sequence[Interest]) -> list[Interest]:
    dropped = [_clean_name(name) for name in request.drop or ()]
    names = [interest.name for interest in known]
    if unknown := [name for name in dropped if name not in names]:
        raise InputError(
            f"drop {unknown[0]!r}: there is no such interest; known are "
            f"{', '.join(names) or 'none'}"
        )
    return [interest for interest in known if interest.name not in dropped]


def _check_limits(interests: Sequence[Interest], known: Sequence[Interest]) -> None:
    """Raise InputError for repeated names, too many interests or too long lists."""
    names = [interest.name.casefold() for interest in interests]
    if twice := [
        interest.name for interest in interests if names.count(interest.name.casefold()) > 1
    ]:
        reason = gettext("%(name)s is the name of two; give each its own", name=repr(twice[0]))
        raise InputError(f"interests: {reason}")
    if len(interests) > INTERESTS_MAX:
        reason = gettext(
            "at most %(most)s, got %(count)s", most=INTERESTS_MAX, count=len(interests)
        )
        raise InputError(f"interests: {reason}")
    octets = _count_octets(interests)
    # Older versions allowed more; such lists may stay, and shrink.
    if octets > LISTS_OCTETS_MAX and octets > _count_octets(known):
        reason = gettext(
            "all keywords, categories and authors together are %(size)s kB long, the most is "
            "%(limit)s kB; take some away",
            size=-(-octets // 1000),
            limit=LISTS_OCTETS_MAX // 1000,
        )
        raise InputError(f"interests: {reason}")


def _count_octets(interests: Sequence[Interest]) -> int:
    """Count the bytes of all lists, as `LISTS_OCTETS_MAX` limits them."""
    return sum(
        len(word.encode()) + 2
        for interest in interests
        for word in (*interest.keywords, *interest.categories, *interest.authors)
    )


def _clean_line(text: str) -> str:
    return " ".join(text.translate(_UNWANTED).split())


def _clean_name(name: str) -> str:
    bare = _clean_line(name)
    if not bare or len(bare) > NAME_MAX:
        raise InputError(f"interest {bare[:40]!r}: give it a name of 1 to {NAME_MAX} characters")
    return bare


def _clean_interest(interest: Interest) -> Interest:
    """Clean an interest; raises as `apply_request` does."""
    return replace(
        interest,
        name=_clean_name(interest.name),
        keywords=_words("keywords", interest.keywords),
        categories=_words("categories", interest.categories),
        authors=_words("authors", interest.authors),
        papers=_words("papers", interest.papers, most=EXAMPLES_MAX),
        text=interest.text.translate(_UNWANTED).strip()[:_TEXT_MAX],
    )


def _change_interest(interest: Interest, request: SubscriptionRequest) -> Interest:
    return replace(
        interest,
        share=_check_range("share", request.share, 1, SHARE_MAX, interest.share),
        keywords=interest.keywords
        if request.keywords is None
        else _words("keywords", request.keywords),
        categories=interest.categories
        if request.categories is None
        else _words("categories", request.categories),
        authors=interest.authors if request.authors is None else _words("authors", request.authors),
        papers=interest.papers
        if request.papers is None
        else _words("papers", request.papers, most=EXAMPLES_MAX),
        text=interest.text
        if request.text is None
        else request.text.translate(_UNWANTED).strip()[:_TEXT_MAX],
    )


def _check_range(name: str, value: int | None, low: int, high: int, otherwise: int) -> int:
    if value is None:
        return otherwise
    if not low <= value <= high:
        raise InputError(f"{name} {value} must be {low} to {high}")
    return value


def parse_strictness(
    value: int | str | None, threshold: int | str | None, *, otherwise: Strictness
) -> Strictness:
    """Parse a strictness, or the threshold that was its old name.

    Where both are given, as in what `subscribers --json` prints, the threshold is not read. Where
    neither is, the answer is `otherwise`. Errors are those of `apply_request`.
    """
    if value is None:
        return otherwise if threshold is None else _parse_threshold(threshold)
    word = next((word for word in STRICTNESS_WORDS if word == value), None)
    if word is not None:
        return word
    if isinstance(value, str) or not 1 <= value <= 99:
        raise InputError(
            f"strictness {value!r} must be {', '.join(STRICTNESS_WORDS)}, or a whole number from "
            "1 to 99"
        )
    return value


def _parse_threshold(value: int | str) -> Strictness:
    word = next((word for word in THRESHOLD_WORDS if word == value), None)
    if word is not None:
        return strictness_from_threshold(word)
    if isinstance(value, str):
        raise InputError(
            f"threshold {value!r} must be a whole number from 0 to 100, or "
            f"{' or '.join(THRESHOLD_WORDS)}"
        )
    return strictness_from_threshold(_check_range("threshold", value, 0, 100, 0))


def parse_quiet_days(value: str | None, *, otherwise: QuietDays) -> QuietDays:
    """Parse what a quiet day sends; errors are those of `apply_request`."""
    if value is None:
        return otherwise
    word = next((word for word in QUIET_DAYS if word == value), None)
    if word is None:
        raise InputError(f"quiet_days {value!r} must be {', '.join(QUIET_DAYS)}")
    return word


def _parse_language(value: str | None, *, otherwise: str) -> str:
    if value is None:
        return otherwise
    code = value.strip()
    if code and code not in languages():
        known = ", ".join(languages())
        raise InputError(f'language {value[:40]!r} must be {known}, or "" for the service\'s own')
    return code


def split_words(text: str) -> tuple[str, ...]:
    """Split keywords or categories at line breaks, commas and semicolons."""
    return tuple(filter(None, (part.strip() for part in re.split(r"[\n,;]", text))))


def _words(name: str, values: Sequence[str], most: int = _LIST_MAX) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(line for value in values if (line := _clean_line(value))))
    if name != "papers":
        _refuse_unfindable(name, words)
    if len(words) > most or any(len(word) > _WORD_MAX * 3 for word in words):
        reason = gettext(
            "at most %(most)s of up to %(length)s characters each", most=most, length=_WORD_MAX * 3
        )
        raise InputError(f"{name}: {reason}")
    return words


def _refuse_unfindable(name: str, words: Sequence[str]) -> None:
    """Raise InputError for a word that can match no paper."""
    from digest.ranking.features import keyword_problem

    for word in words:
        if name == "keywords" and (reason := keyword_problem(word)):
            raise InputError(
                gettext("keyword %(word)s %(problem)s", word=repr(word[:80]), problem=reason)
            )
        if not any(sign.isalnum() for sign in word):
            reason = gettext("%(word)s holds no letter; write a name", word=repr(word[:80]))
            raise InputError(f"{name}: {reason}")
