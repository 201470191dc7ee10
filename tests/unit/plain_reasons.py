"""The reasons for one paper in their plain form: one reader, one word after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper, PartKind
from digest.ranking import features, profiles, scores
from digest.ranking.rows import COLUMNS
from digest.ranking.scores.nearest import MIN_SHARED_LIFT

#: kind, name and value
Parts = list[tuple[str, str, float]]


def explain_plainly(
    profile: profiles.Profile, day: scores.Day, row: int
) -> tuple[Parts, tuple[str, float] | None]:
    """Return all parts of a paper's value, and the nearest liked paper with its cosine."""
    paper = day.papers[row]
    holding = {id(keyword) for keyword in profile.keywords if _holds(keyword, profile, day, row)}
    weights = np.zeros(COLUMNS + day.dense.shape[1])
    weights[profile.columns] = profile.word_weights
    if len(profile.dense_weights):
        weights[COLUMNS:] += profile.dense_weights
    for keyword in profile.keywords:
        if id(keyword) not in holding:
            weights[keyword.phrase.columns] += keyword.weight * keyword.phrase.weights
    values = _word_values(weights, day, row)
    nearest = _nearest_liked(profile, day, row, values)
    parts: Parts = []
    for keyword in profile.keywords:
        if id(keyword) in holding:
            phrase = keyword.phrase
            own = dict(zip(phrase.columns.tolist(), phrase.weights.tolist(), strict=True))
            value = keyword.bonus + keyword.weight * _multiply(own, _columns_of(day, row))
            if not phrase.muted:
                for column in own:
                    value += values.get(column, 0.0)
                    if column in values:
                        values[column] = 0.0
            parts.append(("keyword", phrase.text, value))
    for text, columns in _choose_topics(paper, values, day):
        parts.append(("topic", text, sum(values[column] for column in columns)))
        values |= dict.fromkeys(columns, 0.0)
    names = features.words_of(paper.title, paper.abstract)
    parts += [("word", names[column], value) for column, value in values.items() if column in names]
    parts += _named_parts(profile, paper)
    kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
    parts += [
        (kind, scores.sentences.trending_fact(kind, paper), float(amount))
        for kind, amount in zip(kinds, day.trending[:, row], strict=True)
    ]
    return [part for part in parts if round(part[2], 7)], nearest


def _holds(keyword: profiles.Keyword, profile: profiles.Profile, day: scores.Day, row: int) -> bool:
    paper = day.papers[row]
    if not keyword.phrase.spelling.occurs_in(paper.title, paper.abstract):
        return False
    if keyword.context is None:
        return True
    dense = day.dense[row].astype(np.float64)
    is_near = dense @ keyword.context >= profiles.NEAR * np.linalg.norm(dense)
    followed = {name.lower() for name, value in profile.categories if value > 0}
    return bool(is_near) or not followed.isdisjoint(map(str.lower, paper.categories))


def _columns_of(day: scores.Day, row: int) -> dict[int, float]:
    """Return the columns of a paper's words, and its dense ones."""
    words = day.words[row]
    dense = enumerate(day.dense[row].tolist(), start=COLUMNS)
    own = zip(day.vocabulary[words.indices].tolist(), words.data.tolist(), strict=True)
    return dict([*own, *dense])


def _multiply(left: Mapping[int, float], right: Mapping[int, float]) -> float:
    return sum(value * right[column] for column, value in left.items() if column in right)


def _word_values(weights: NDArray[np.float64], day: scores.Day, row: int) -> dict[int, float]:
    """Return what each column adds; the dense columns are divided among the words."""
    words = day.words[row]
    values = {
        int(day.vocabulary[index]): float(weight) * weights[day.vocabulary[index]]
        for index, weight in zip(words.indices, words.data, strict=True)
    }
    if day.contributions is not None:
        table_rows, _ = day.contributions.words_of(row)
        added = day.contributions.per_word(row).astype(np.float64) @ weights[COLUMNS:]
        for table_row, value in zip(table_rows, added, strict=True):
            column = int(day.contributions.table.columns[table_row])
            if column in values:
                values[column] += value
    return values


def _nearest_liked(
    profile: profiles.Profile, day: scores.Day, row: int, values: Mapping[int, float]
) -> tuple[str, float] | None:
    columns = _columns_of(day, row)
    length = np.sqrt(_multiply(columns, columns))
    best: tuple[str, float, set[int]] | None = None
    for rated in profile.references:
        for paper_id, title, other in zip(rated.paper_ids, rated.titles, rated.rows, strict=True):
            liked = dict(zip(other.indices.tolist(), other.data.tolist(), strict=True))
            norms = length * np.sqrt(_multiply(liked, liked))
            cosine = float(_multiply(columns, liked) / norms) if norms else 0.0
            if paper_id not in (0, day.ids[row]) and (best is None or cosine > best[1]):
                best = title, cosine, {column for column, value in liked.items() if value}
    if best is None or best[1] < scores.MIN_NEAREST_COSINE:
        return None
    lifts = {column: value for column, value in values.items() if value > 0}
    shared = sum(value for column, value in lifts.items() if column in best[2])
    is_lifted = shared > 0 and shared >= MIN_SHARED_LIFT * sum(lifts.values())
    return best[:2] if is_lifted else None


def _choose_topics(
    paper: Paper, values: Mapping[int, float], day: scores.Day
) -> list[tuple[str, list[int]]]:
    """Return the topics of a paper, and the columns that each stands for."""
    share_of = {
        int(day.vocabulary[index]): float(day.paper_shares()[index])
        for index in range(len(day.vocabulary))
        if int(day.vocabulary[index]) in values
    }
    least_share = min(share_of.values(), default=1.0)
    candidates: list[tuple[features.NounPhrase, list[int], float, float]] = []
    for phrase in features.noun_phrases(paper.title, paper.abstract):
        if not phrase.words or not values.keys() >= set(phrase.words):
            continue
        pairs = [column for column in phrase.pairs if column in values]
        columns = sorted({*phrase.words, *pairs})
        value = sum(values[column] for column in columns)
        weakest = min(values[column] for column in phrase.words)
        if value <= 0 or weakest <= 0:
            continue
        share = min(share_of[column] for column in pairs or phrase.words)
        strength = value * (0.6 if weakest < 0.1 * value else 1)
        strength *= 1 if phrase.count > 1 or share > least_share else 0.5
        strength *= (0.4 if phrase.length == 1 else 1) * (1 if phrase.complete else 0.3)
        strength *= 1.2 if phrase.in_title else 1
        candidates.append((phrase, columns, strength, -np.log(share)))
    chosen: list[tuple[str, list[int]]] = []
    least = max(values.values(), default=0.0) / 2
    while candidates and len(chosen) < scores.MAX_TOPICS:
        strongest = max(strength for _, _, strength, _ in candidates)
        phrase, columns, _, _ = max(
            (one for one in candidates if one[2] >= 0.7 * strongest),
            key=lambda one: one[2] * one[3],
        )
        value = sum(values[column] for column in columns)
        if value < least:
            break
        chosen.append((phrase.text, columns))
        least = value / 3
        candidates = [
            one for one in candidates if one[0].length > 1 and not {*one[0].words} & {*columns}
        ]
    return chosen


def _named_parts(profile: profiles.Profile, paper: Paper) -> Parts:
    parts: Parts = []
    for name, value in profile.categories:
        wanted = name.lower().removesuffix(".*").split(".")
        for place, category in enumerate(paper.categories):
            if category.lower().split(".")[: len(wanted)] == wanted:
                parts.append(("category", name, value * 0.6 if place and value > 0 else value))
                break
    parts += [
        ("readers", title, value)
        for paper_id, title, value in profile.co_like_boosts
        if paper_id == paper.id
    ]
    return parts


def read_parts(parts: Sequence[scores.Reasons]) -> list[Parts]:
    """Return parts as `explain_plainly` does."""
    return [[(part.kind, part.name, part.value) for part in own.parts] for own in parts]
