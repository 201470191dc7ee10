"""Text to rows: counting, packing, weighing, naming."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ranking import features
from digest.ranking.features import words
from digest.ranking.features.literal import needs_literal_match
from tests.examples import examples

TACTILE = "Tactile sensing for robot hands. We learn tactile sensing from touch and vision."


def _columns(text: str) -> set[int]:
    return set(features.vectorize([text]).indices.tolist())


def _only(word: str) -> int:
    (column,) = _columns(word)
    return column


def _corpus(number: int) -> list[str]:
    return [f"robot paper about topic{place % 7} and rare{place}" for place in range(number)]


# ----------------------------------------------------------------------------------------------
# counts


def test_words_and_pairs_are_counted() -> None:
    row = features.vectorize([TACTILE])
    counts = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
    assert counts[_only("tactile")] == 2
    (pair,) = {column for column in _columns("tactile sensing") if column >= features.WORDS}
    assert counts[pair] == 2


def test_stop_words_single_letters_and_bare_numbers_are_no_words() -> None:
    assert features.vectorize(["the of and x 2017 b 42"]).nnz == 0


def test_a_word_of_digits_and_letters_counts() -> None:
    assert _columns("3D") == _columns("3d") != set()


def test_case_and_accents_do_not_matter() -> None:
    assert _columns("Schrödinger CAFÉ") == _columns("schrodinger cafe")


def test_a_hyphen_is_a_space() -> None:
    assert _columns("multi-agent") == _columns("multi agent")


def test_the_single_letter_of_a_compound_makes_a_pair_but_no_word() -> None:
    assert _columns("q-learning") > _columns("learning")
    assert len(_columns("q-learning")) == 2
    assert _columns("q-learning") != _columns("t-learning")


def test_a_pair_never_spans_two_texts() -> None:
    apart = features.vectorize(["deep", "learning"])
    assert (apart.indices < features.WORDS).all()


def test_characters_without_spaces_are_words() -> None:
    assert _columns("深度学习") & _columns("学习")


def test_no_texts_and_empty_texts_are_empty_rows() -> None:
    assert features.vectorize([]).shape == (0, features.COLUMNS)
    rows = features.vectorize(["", "robot", "!?"])
    assert np.diff(rows.indptr).tolist() == [0, 1, 0]


def test_many_texts_are_counted_like_each_alone() -> None:
    texts = _corpus(2001)
    together = features.vectorize(texts)
    for place in (0, 999, 1000, 2000):
        assert (together[place] != features.vectorize([texts[place]])).nnz == 0


@settings(max_examples=examples(300))
@given(
    st.text(
        st.sampled_from("aZ1éİβς٣²模ア・_-–—’ ∈\n\x1c\x85\u2028\ud800𝐀.") | st.characters(),
        max_size=40,
    )
)
def test_tokens_are_those_of_the_pattern(text: str) -> None:
    expected = words.WORD_TOKEN.findall(words.fold(text).lower())
    tokens = [token.strip("-_") for token in words.split_tokens(text)]
    assert list(filter(None, tokens)) == expected


def test_a_full_cache_of_tokens_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_CACHED_TOKENS", 2)
    text = "one robot hand grasps many things"
    expected = features.vectorize([text])
    assert (features.vectorize([text, text])[1] != expected).nnz == 0
    assert len(words._HASHES) <= 2


def test_the_columns_of_a_version_never_change() -> None:
    assert features.VERSION == "words1"
    assert sorted(_columns("robot grasping")) == [256251, 321016, 1367524]


# ----------------------------------------------------------------------------------------------
# packing


@settings(max_examples=examples(50))
@given(
    st.lists(
        st.dictionaries(st.integers(0, features.COLUMNS - 1), st.integers(1, 255), max_size=30),
        max_size=5,
    )
)
def test_packed_rows_are_read_back_equal(rows: list[dict[int, int]]) -> None:
    columns = [column for row in rows for column in sorted(row)]
    counts = [row[column] for row in rows for column in sorted(row)]
    starts = np.cumsum([0] + [len(row) for row in rows])
    matrix = sp.csr_matrix(
        (np.array(counts, np.int32), np.array(columns, np.int32), starts),
        shape=(len(rows), features.COLUMNS),
    )
    again = features.unpack(features.pack(matrix))
    assert again.shape == matrix.shape
    assert (again != matrix).nnz == 0


def test_a_packed_paper_is_small() -> None:
    (blob,) = features.pack(features.vectorize([" ".join(f"word{place}" for place in range(150))]))
    assert len(blob) < 1100


def test_a_count_above_255_is_255() -> None:
    (blob,) = features.pack(features.vectorize(["robot; " * 300]))
    row = features.unpack([blob])
    assert row[0, _only("robot")] == 255


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[:-1],
        lambda b: b"\x07" + b[1:],
        lambda b: b"",
        lambda b: b[:3],
        lambda b: b + b"x",
    ],
)
def test_a_garbled_blob_is_a_clear_error(spoil) -> None:  # type: ignore[no-untyped-def]
    good = features.pack(features.vectorize([TACTILE, "robot"]))
    with pytest.raises(ValueError, match="packed words 2 of 2 cannot be read"):
        features.unpack([good[0], spoil(good[1])])


@settings(max_examples=examples(200))
@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused_but_never_crash(blob: bytes) -> None:
    try:
        row = features.unpack([blob])
    except ValueError:
        return
    assert row.indices.max(initial=0) < features.COLUMNS
    assert features.pack(row) == [blob] or row.nnz == 0


def test_rows_of_another_width_are_not_packed() -> None:
    with pytest.raises(ValueError, match="columns"):
        features.pack(features.vectorize(["robot"])[:, :10])


# ----------------------------------------------------------------------------------------------
# frequencies and weights


def test_frequencies_count_papers_not_words() -> None:
    frequencies = features.Frequencies().add(
        features.vectorize(["robot robot robot", "robot", "hand"])
    )
    assert frequencies.papers == 3
    assert frequencies.counts[_only("robot")] == 2


def test_adding_does_not_change_the_old_frequencies() -> None:
    old = features.Frequencies()
    old.add(features.vectorize(["robot"]))
    assert old.papers == 0
    assert not old.counts.any()


def test_frequencies_are_read_back_from_bytes() -> None:
    frequencies = features.Frequencies().add(features.vectorize(_corpus(50)))
    again = features.Frequencies.from_bytes(frequencies.to_bytes())
    assert again.papers == 50
    assert np.array_equal(again.counts, frequencies.counts)
    assert again.to_bytes() == frequencies.to_bytes()


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:-4], lambda b: b"\x09" + b[1:], lambda b: b"", lambda b: b[:20] + b"nonsense"],
)
def test_garbled_frequencies_are_a_clear_error(spoil) -> None:  # type: ignore[no-untyped-def]
    blob = features.Frequencies().add(features.vectorize([TACTILE])).to_bytes()
    with pytest.raises(ValueError, match="frequencies cannot be read"):
        features.Frequencies.from_bytes(spoil(blob))


@pytest.mark.parametrize("papers", [1, 2, 10, 200, 700])
def test_rows_have_length_one_in_a_corpus_of_any_size(papers: int) -> None:
    counts = features.vectorize(_corpus(papers))
    rows = features.weigh(counts, features.Frequencies().add(counts))
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1))
    assert rows.dtype == np.float32
    assert np.allclose(lengths, 1, atol=1e-5)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    counts = features.vectorize(_corpus(20))
    row = features.weigh(counts, features.Frequencies().add(counts))[0]
    assert row[0, _only("topic0")] > row[0, _only("robot")] > 0


def test_in_a_large_corpus_single_and_common_words_weigh_nothing_but_stay_in_the_pattern() -> None:
    counts = features.vectorize(_corpus(features.MIN_PAPERS))
    row = features.weigh(counts, features.Frequencies().add(counts))[3]
    assert row[0, _only("topic3")] > 0
    for word in ("robot", "rare3"):
        assert row[0, _only(word)] == 0
        assert _only(word) in row.indices


@pytest.mark.parametrize("papers", [40, features.MIN_PAPERS])
def test_relative_variances_of_words_are_nearly_those_of_the_rows(papers: int) -> None:
    counts = features.vectorize(_corpus(papers))
    frequencies = features.Frequencies().add(counts)
    rows = features.weigh(counts, frequencies).astype(np.float64)
    squares = np.asarray(rows.multiply(rows).mean(axis=0)).ravel()
    expected = squares / ((squares**2).sum() / squares.sum())
    relative = features.relative_variances(frequencies)
    assert relative.shape == (features.COLUMNS,)
    np.testing.assert_allclose(relative, expected, rtol=0.15, atol=1e-12)
    assert np.average(relative, weights=relative) == pytest.approx(1, rel=1e-4)


def test_relative_variances_without_papers_are_zero() -> None:
    assert not features.relative_variances(features.Frequencies()).any()


def test_words_that_the_corpus_never_saw_give_finite_weights() -> None:
    rows = features.weigh(features.vectorize(["robot", ""]), features.Frequencies())
    assert np.isfinite(rows.data).all()
    assert rows[0].nnz == 1


# ----------------------------------------------------------------------------------------------
# names


@pytest.mark.parametrize(
    "text",
    [
        TACTILE,
        "Q-learning, t-SNE and COVID-19 in İstanbul: naïve Bayes",
        "深度学习 for 3D",
        "",
        "a b c",
    ],
)
def test_every_column_of_a_text_has_a_name(text: str) -> None:
    assert set(features.words_of(text)) == _columns(text)


def test_names_are_written_as_in_the_paper() -> None:
    names = set(features.words_of("BERT and the Internet of Things", "We use Q-learning.").values())
    assert {"BERT", "Internet of Things", "Q-learning"} <= names


def test_a_pair_across_a_full_stop_shows_no_full_stop() -> None:
    assert "robots Hands" in features.words_of("On robots. Hands grasp.").values()


def test_a_pair_of_title_and_abstract_has_no_name() -> None:
    names = features.words_of("Robust Agents", "Memory matters")
    assert {"Robust Agents", "Memory matters"} <= set(names.values())
    assert "Agents Memory" not in names.values()
    assert (
        "agents memory" in features.words_of("Robust Agents", "Memory for agents memory").values()
    )


def test_two_words_in_one_column_are_both_named() -> None:
    columns: dict[int, str] = {}
    for number in range(100_000):
        word = f"w{number}"
        column = _word_column(word)
        if column in columns:
            assert (
                features.words_of(f"{columns[column]}; {word}")[column]
                == f"{columns[column]} / {word}"
            )
            return
        columns[column] = word
    pytest.fail("no two of 100,000 words share a column")


def _word_column(word: str) -> int:
    (column,), _ = words.columns_of([code for _, code in words.pieces_of(word)])
    return column


# ----------------------------------------------------------------------------------------------
# keywords


def test_a_keyword_is_parsed_into_sign_and_text() -> None:
    topic, muted = features.parse_keywords(
        ["  tactile   sensing ", "- Survey"], features.Frequencies()
    )
    assert (topic.text, topic.muted) == ("tactile sensing", False)
    assert (muted.text, muted.muted) == ("Survey", True)


def test_keywords_without_a_word_are_left_out() -> None:
    assert features.parse_keywords(["", "-", "the", "*", "42"], features.Frequencies()) == ()


@pytest.mark.parametrize(
    ("keyword", "written"),
    [
        ("robot", "robots"),
        ("robots", "robot"),
        ("ontology", "ontologies"),
        ("query engines", "query engine"),
    ],
)
def test_singular_and_plural_are_one_keyword(keyword: str, written: str) -> None:
    (phrase,) = features.parse_keywords([keyword], features.Frequencies())
    assert f" {written} " in (phrase.spelling.variants or ())


def test_a_star_takes_the_common_endings() -> None:
    (phrase,) = features.parse_keywords(["grasp*"], features.Frequencies())
    assert phrase.text == "grasp"
    assert {" grasp ", " grasping ", " grasped "} <= set(phrase.spelling.variants or ())


def test_spellings_that_no_paper_has_do_not_weigh() -> None:
    frequencies = features.Frequencies().add(features.vectorize(["grasping hands"]))
    (phrase,) = features.parse_keywords(["grasp*"], frequencies)
    assert phrase.columns.tolist() == [_only("grasping")]


@settings(max_examples=examples(100))
@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_text_can_be_a_keyword(keywords: list[str]) -> None:
    for phrase in features.parse_keywords(keywords, features.Frequencies()):
        assert np.isclose(np.linalg.norm(phrase.weights), 1, atol=1e-5) or not len(phrase.columns)
        assert (phrase.spelling.variants is None) == needs_literal_match(phrase.text)
