"""Say how a digest came about, under its heading and in its foot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC

from digest.locales import format_number, gettext, gettext_later, join_names, ngettext
from digest.mail.messages import texts
from digest.model import Interest, Provenance, name_wishes

_DUMPS_SHOWN = 5
#: as `ranking.calibration.Calibration` writes it
_CALIBRATION = re.compile(
    r"from days that were judged in full(?: and (?P<thumbs>[0-9]{1,9}) thumbs?)?"
    r"(?:, off by (?P<error>[0-9]{1,3}) in 100)?"
)
#: thumbs below which what the reader wrote guides as much
_FEW_THUMBS = 20


def summary(provenance: Provenance, interests: Sequence[Interest]) -> str:
    """The text under the heading: what chose."""
    thumbs = provenance.thumbs_up + provenance.thumbs_down
    if thumbs:
        names = _name_written(interests) if thumbs < _FEW_THUMBS else []
        counted = ngettext("first thumb", "%(num)s thumbs", thumbs)
        return gettext("Guided by your %(inputs)s.", inputs=join_names([*names, counted]))
    return _without_thumbs(provenance.model, interests)


def _without_thumbs(model: str, interests: Sequence[Interest]) -> str:
    """What chooses before the first thumb; names only what the reader has given."""
    if model not in ("trending", "keywords", "examples"):
        return gettext("No thumbs yet.")
    wishes = name_wishes(interests)
    if model != "examples" and wishes == ["categories"]:
        return gettext(
            "No thumbs yet, so this is a mix of your categories. Two thumbs make it yours."
        )
    names = _name_written(interests) if model == "examples" else _name_lists(wishes)
    if names:
        return gettext("No thumbs yet, so these follow your %(inputs)s.", inputs=join_names(names))
    if all(interest.empty for interest in interests):
        return gettext("We know nothing of your field yet, so here is a mix of today.")
    if not any(interest.papers or interest.text for interest in interests):
        return gettext("We only know what you leave out, so here is a mix of the rest.")
    return gettext("No thumbs yet; here is a mix of today.")


def _name_written(interests: Sequence[Interest]) -> list[str]:
    """Name all that the reader wrote and wishes for."""
    papers = any(interest.papers for interest in interests)
    text = any(interest.text for interest in interests)
    return [
        *_name_lists(name_wishes(interests)),
        *[gettext("example papers")] * papers,
        *[gettext("own words")] * text,
    ]


def _name_lists(wishes: Sequence[str]) -> list[str]:
    names = {
        "keywords": gettext("keywords"),
        "categories": gettext("categories"),
        "authors": gettext("authors"),
    }
    return [names[wish] for wish in wishes]


def knows_nothing(provenance: Provenance) -> bool:
    """Whether the reader has neither rated nor written anything that a digest could follow."""
    return provenance.model == "trending" and not provenance.thumbs_up + provenance.thumbs_down


def details(provenance: Provenance) -> str:
    """Model, features, thumbs, dumps and time, separated by semicolons."""
    return "; ".join(f"{gettext(_NAMES[key])} {value}" for key, value in facts(provenance))


#: the facts as the foot of a mail names them
_NAMES = {
    "model": gettext_later("model"),
    "features": gettext_later("features"),
    "thumbs": gettext_later("thumbs"),
    "match": gettext_later("match"),
    "dumps": gettext_later("dumps"),
    "at": gettext_later("at"),
}


def _say_calibration(stored: str) -> str:
    """What matches are calibrated on; the sentence is stored with the digest, in English."""
    parts = _CALIBRATION.fullmatch(stored)
    if parts is None:
        return stored
    if parts["thumbs"] is None:
        return gettext("from days that were judged in full")
    count = int(parts["thumbs"])
    text = ngettext(
        "from days that were judged in full and %(count)s thumb",
        "from days that were judged in full and %(count)s thumbs",
        count,
        count=count,
    )
    if parts["error"] is None:
        return text
    return gettext("%(source)s, off by %(error)s in 100", source=text, error=parts["error"])


def facts(provenance: Provenance) -> list[tuple[str, str]]:
    """Key and value of what a digest was made from, in the order of `details`."""
    dumps = [texts.cut(texts.one_line(name), 60) for name in provenance.dumps[:_DUMPS_SHOWN]]
    if len(provenance.dumps) > _DUMPS_SHOWN:
        more = len(provenance.dumps) - _DUMPS_SHOWN
        dumps.append(ngettext("%(num)s more", "%(num)s more", more))
    at = provenance.at.astimezone(UTC)
    day, time = texts.format_date(at.date(), year=True), f"{at:%H:%M}"
    return [
        ("model", texts.one_line(provenance.model)),
        ("features", texts.one_line(provenance.features)),
        (
            "thumbs",
            gettext(
                "%(up)s up, %(down)s down",
                up=format_number(provenance.thumbs_up),
                down=format_number(provenance.thumbs_down),
            ),
        ),
        *([("match", _say_calibration(provenance.calibration))] if provenance.calibration else []),
        ("dumps", ", ".join(dumps) or gettext("none")),
        (
            "at",
            gettext("%(day)s, %(time)s UTC", day=day, time=time),
        ),
    ]
