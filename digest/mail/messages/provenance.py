"""Say how a digest came about, under its heading and in its foot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from digest.mail.messages import texts
from digest.model import Interest, Provenance, name_wishes

_DUMPS_SHOWN = 5


def summary(provenance: Provenance, interests: Sequence[Interest]) -> str:
    """The text under the heading: what chose."""
    thumbs = provenance.thumbs_up + provenance.thumbs_down
    if thumbs:
        return f"Guided by your {texts.plural(thumbs, 'thumb')}."
    return _without_thumbs(provenance.model, interests)


def _without_thumbs(model: str, interests: Sequence[Interest]) -> str:
    """What chooses before the first thumb; names only what the reader has given."""
    if model not in ("trending", "keywords", "examples"):
        return "No thumbs yet."
    names = name_wishes(interests)
    if model == "examples":
        names += ["example papers"] * any(interest.papers for interest in interests)
        names += ["own words"] * any(interest.text for interest in interests)
    if names == ["categories"]:
        return "No thumbs yet, so this is a mix of your categories. Two thumbs make it yours."
    if names:
        listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        return f"No thumbs yet, so these follow your {listed}."
    if all(interest.empty for interest in interests):
        return "You have told us nothing yet; here is a mix of today."
    if not any(interest.papers or interest.text for interest in interests):
        return "You have only told us what to leave out; here is a mix of today."
    return "No thumbs yet; here is a mix of today."


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
