"""Languages of mails and pages: which there are, and how each one says and counts things.

A language is one file in this folder, `<code>.po`; English stands in the code and the templates.
What a file does not translate stays English, message by message.

The language is that of the current context (`use_language`), so threads and processes that write
mails in several languages do not meet.
"""

from digest.locales.catalogues import ENGLISH, language_names, languages, text_direction
from digest.locales.current import (
    current_language,
    format_number,
    gettext,
    gettext_later,
    ngettext,
    set_language,
    use_language,
)
from digest.locales.formats import (
    MONTHS,
    WEEKDAYS,
    add_colon,
    count_noun,
    format_date,
    format_days,
    format_month,
    join_names,
    name_weekday,
    translate_day,
)
from digest.locales.negotiation import choose_language

__all__ = [
    "ENGLISH",
    "MONTHS",
    "WEEKDAYS",
    "add_colon",
    "choose_language",
    "count_noun",
    "current_language",
    "format_date",
    "format_days",
    "format_month",
    "format_number",
    "gettext",
    "gettext_later",
    "join_names",
    "language_names",
    "languages",
    "name_weekday",
    "ngettext",
    "set_language",
    "text_direction",
    "translate_day",
    "use_language",
]
