"""Say how a digest came about, under its heading and in its foot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from digest.mail.messages import texts
from digest.model import Interest, Provenance, name_wishes

_DUMPS_SHOWN = 5
#: thumbs below which what the reader wrote guides as much
_FEW_THUMBS = 20


def summary(provenance: Provenance, interests: Sequence[Interest]) -> str:
    """The text under the heading: what chose."""
    thumbs = provenance.thumbs_up + provenance.thumbs_down
    if thumbs:
        names = _name_written(interests) if thumbs < _FEW_THUMBS else []
        counted = "first thumb" if thumbs == 1 else texts.plural(thumbs, "thumb")
        return f"Guided by your {texts.join_names([*names, counted])}."
    return _without_thumbs(provenance.model, interests)


def _without_thumbs(model: str, interests: Sequence[Interest]) -> str:
    """What chooses before the first thumb; names only what the reader has given."""
    if model not in ("trending", "keywords", "examples"):
        return "No thumbs yet."
    names = _name_written(interests) if model == "examples" else name_wishes(interests)
    if names == ["categories"]:
        return "No thumbs yet, so this is a mix of your categories. Two thumbs make it yours."
    if names:
        return f"No thumbs yet, so these follow your {texts.join_names(names)}."
    if all(interest.empty for interest in interests):
        return "We know nothing of your field yet, so here is a mix of today."
    if not any(interest.papers or interest.text for interest in interests):
        return "We only know what you leave out, so here is a mix of the rest."
    return "No thumbs yet; here is a mix of today."


def _name_written(interests: Sequence[Interest]) -> list[str]:
    """Name all that the reader wrote and wishes for."""
    papers = any(interest.papers for interest in interests)
    text = any(interest.text for interest in interests)
    return [*name_wishes(interests), *["example papers"] * papers, *["own words"] * text]


def knows_nothing(provenance: Provenance) -> bool:
    """Whether the reader has neither rated nor written anything that a digest could follow."""
    return provenance.model == "trending" and not provenance.thumbs_up + provenance.thumbs_down


def details(provenance: Provenance) -> str:
    """Model, features, thumbs, dumps and time, separated by semicolons."""
    return "; ".join(f"{name} {value}" for name, value in facts(provenance))


def facts(provenance: Provenance) -> list[tuple[str, str]]:
    """Name and value of what a digest was made from, in the order of `details`."""
    dumps = [texts.cut(texts.one_line(name), 60) for name in provenance.dumps[:_DUMPS_SHOWN]]
    if len(provenance.dumps) > _DUMPS_SHOWN:
        dumps.append(f"{len(provenance.dumps) - _DUMPS_SHOWN} more")
    at = provenance.at.astimezone(UTC)
    return [
        ("model", texts.one_line(provenance.model)),
        ("features", texts.one_line(provenance.features)),
        ("thumbs", f"{provenance.thumbs_up} up, {provenance.thumbs_down} down"),
        *([("match", provenance.calibration)] if provenance.calibration else []),
        ("dumps", ", ".join(dumps) or "none"),
        ("at", f"{texts.format_date(at.date(), year=True)}, {at:%H:%M} UTC"),
    ]
