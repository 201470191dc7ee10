"""Days, numbers and lists as the current language writes them.

English has its own few lines, so that it needs no data: the day comes before the month, and no
comma before "and".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from digest.locales.catalogues import ENGLISH, locale_data
from digest.locales.current import current_language, gettext, ngettext

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def format_date(value: date, *, weekday: bool = False, year: bool = False) -> str:
    """`12 June`, `Friday, 12 June`, `12 June 2026`, and both."""
    text = _join_day(value.day, value.month)
    if year:
        text = gettext("%(day)s %(year)s", day=text, year=value.year)
    if weekday:
        text = gettext("%(weekday)s, %(day)s", weekday=name_weekday(value.isoweekday()), day=text)
    return text


def format_month(value: date) -> str:
    """`June 2026`."""
    language = current_language()
    if language == ENGLISH:
        return f"{MONTHS[value.month - 1]} {value.year}"
    name = locale_data(language).months["stand-alone"]["wide"][value.month]
    return gettext("%(month)s %(year)s", month=name, year=value.year)


def format_days(first: date, last: date, *, year: bool = False) -> str:
    """`8 to 14 June`, `29 June to 5 July`; each with its year if these differ."""
    end = format_date(last, year=year)
    if first.month == last.month:
        # a plural, since French has another form for the first day of a month
        return ngettext(
            "%(day)s to %(last)s", "%(day)s to %(last)s", first.day, day=first.day, last=end
        )
    begin = format_date(first, year=first.year != last.year)
    return gettext("%(first)s to %(last)s", first=begin, last=end)


def _join_day(day: int, month: int) -> str:
    language = current_language()
    if language == ENGLISH:
        return f"{day} {MONTHS[month - 1]}"
    name = locale_data(language).months["format"]["wide"][month]
    # a plural, since French has another form for the first day of a month
    return ngettext("%(day)s %(month)s", "%(day)s %(month)s", day, day=day, month=name)


def translate_day(text: str) -> str:
    """An English day, such as `12 June`, in the current language; other text as it is."""
    day, _, month = text.partition(" ")
    if not day.isdecimal() or month not in MONTHS:
        return text
    return _join_day(int(day), MONTHS.index(month) + 1)


def name_weekday(number: int) -> str:
    """The name of an ISO weekday, 1 = Monday."""
    language = current_language()
    if language == ENGLISH:
        return WEEKDAYS[number - 1]
    return str(locale_data(language).days["format"]["wide"][number - 1])


def count_noun(count: int, noun: str) -> str:
    """`1 paper`, `1,200 papers`, in English: for the operator, and nouns with a plural in s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def add_colon(label: str) -> str:
    """`Settings:`; French puts a blank before it."""
    return gettext("%(label)s:", label=label)


def join_names(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`; "" without names."""
    if len(names) < 2:
        return "".join(names)
    return gettext("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])
