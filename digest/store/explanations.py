"""How a score with its reasons is kept: in less than half of the bytes of the value itself.

What the columns of an item hold already is left out, evidence and parts are whole numbers, and a
part is a list of a letter, a name and a number. Version 0.2.0 and older stored the whole `Score`,
which is read too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from digest.model import Part, PartKind, Score

#: resolution of the parts, the same as that of values (`ranking.scores.values`)
_STEP = 1e7
#: resolution of the evidence, the same as that of `recipes.rank`
_EVIDENCE_STEP = 1e4
_LETTERS: dict[PartKind, str] = {
    "word": "w",
    "topic": "t",
    "keyword": "k",
    "category": "c",
    "author": "a",
    "near": "n",
    "readers": "r",
    "upvotes": "u",
    "pick": "p",
    "recency": "d",
}
_KINDS: dict[str, PartKind] = {letter: kind for kind, letter in _LETTERS.items()}


class _Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As `Score`; `interest` keeps its name, by which a query finds it."""

    chance: float = msgspec.field(default=0.0, name="c")
    evidence: tuple[int, ...] = msgspec.field(default=(), name="v")
    titled: bool = msgspec.field(default=False, name="t")
    percentile: int = msgspec.field(default=0, name="p")
    parts: tuple[tuple[str, str, int], ...] = msgspec.field(default=(), name="r")
    nearest: tuple[str, float] | None = msgspec.field(default=None, name="n")
    nearest_is_example: bool = msgspec.field(default=False, name="e")
    interest: str = ""
    told: str = msgspec.field(default="", name="x")


_KEPT = msgspec.json.Decoder(_Kept)
_WHOLE = msgspec.json.Decoder(Score)
_ENCODER = msgspec.json.Encoder()
#: a whole score begins with it
_WHOLE_START = '{"paper_id":'


def encode_score(score: Score) -> str:
    """Encode a score, as a JSON column holds it; the parts to a ten-millionth."""
    return _ENCODER.encode(
        _Kept(
            chance=score.chance,
            evidence=tuple([round(number * _EVIDENCE_STEP) for number in score.evidence]),
            titled=score.titled,
            percentile=score.percentile,
            parts=tuple(
                [
                    (_LETTERS[part.kind], part.name, round(part.value * _STEP))
                    for part in score.parts
                ]
            ),
            nearest=score.nearest,
            nearest_is_example=score.nearest_is_example,
            interest=score.interest,
            told=score.told,
        )
    ).decode()


def decode_score(text: str, row: Any) -> Score:
    """Decode a score.

    Args:
        row: the item, with `paper_id`, `score` and `standard`.
    """
    if text.startswith(_WHOLE_START):
        return _WHOLE.decode(text)
    kept = _KEPT.decode(text)
    parts = tuple(
        [
            Part(kind=_KINDS[letter], name=name, value=number / _STEP)
            for letter, name, number in kept.parts
        ]
    )
    return Score(
        paper_id=row.paper_id,
        value=row.score,
        chance=kept.chance,
        evidence=_to_evidence(kept.evidence),
        titled=kept.titled,
        percentile=kept.percentile,
        standard=row.standard,
        parts=parts,
        rest=row.score - sum([part.value for part in parts]),
        nearest=kept.nearest,
        nearest_is_example=kept.nearest_is_example,
        interest=kept.interest,
        told=kept.told,
    )


def decode_evidence(text: str) -> tuple[float, ...]:
    """Decode the evidence of a score alone."""
    if text.startswith(_WHOLE_START):
        return _WHOLE.decode(text).evidence
    return _to_evidence(_KEPT.decode(text).evidence)


def _to_evidence(numbers: tuple[int, ...]) -> tuple[float, ...]:
    return tuple([number / _EVIDENCE_STEP for number in numbers])
