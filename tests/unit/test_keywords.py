"""Keywords as people type them.

They match whole words alone, or are refused with what to type instead.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from digest.errors import InputError
from digest.model import Interest, Subscriber
from digest.ranking import features, scores
from digest.ranking.features import literal
from digest.subscriptions.requests import SubscriptionRequest, apply_request
from tests.examples import examples
from tests.unit.scored import RECENT, make_day, make_paper, train_profile

NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
READER = Subscriber(id=1, email="r@example.org", created=NOW)


def matches(keyword: str, text: str) -> bool:
    """Return whether a keyword is found in a title, and mutes and pins it there."""
    day = make_day(
        [make_paper(1, text), make_paper(2, "Graphs of glaciers", "Nothing of it here at all")],
        RECENT,
    )
    (phrase,) = features.parse_keywords([keyword], features.Frequencies())
    is_held = 0 in day.rows_holding(phrase.spelling).tolist()
    bare = keyword.removeprefix("+").removeprefix("-")
    assert (1 in scores.find_muted(train_profile(Interest(keywords=(f"-{bare}",))), day)) == is_held
    assert (
        1 in scores.find_pinned(train_profile(Interest(keywords=(f"+{bare}",))), day)
    ) == is_held
    in_abstract = make_day([make_paper(1, "Market", text)], [])
    assert (0 in in_abstract.rows_holding(phrase.spelling).tolist()) == is_held
    return is_held


@pytest.mark.parametrize(
    ("keyword", "there", "not_there"),
    [
        (
            "R",
            [
                ("An R package for trees"),
                "Trees in R",
                "R: a language",
                "Python/R bindings",
                "We use (R).",
            ],
            [
                ("A radius r of trees"),
                "R-squared of trees",
                "The reader",
                "R&D spending",
                "norms on $R$",
            ],
        ),
        (
            "C",
            [("Trees in C"), "C programs", "C, a language"],
            ["Trees in C++", "C# code", "c of it", "Objective-C"],
        ),
        (
            "C++",
            [("C++ templates"), ("Templates in C++."), "C++17 modules", "C/C++ code", "c++ code"],
            ["C code", "Trees in C"],
        ),
        ("C#", ["C# code", "Code in C#"], ["C code", "C++"]),
        ("F#", ["F# types"], ["F types", "types"]),
        (
            ".NET",
            [(".NET runtimes"), "The .NET runtime", ".net"],
            ["A neural net", "example.net is down", "networks"],
        ),
        ("Node.js", ["Node.js servers", "node.js"], ["A node of a tree"]),
        ("k-NN", ["k-NN search", "Fast k-NN.", "K-NN"], ["NN search", "A neural net"]),
        ("3D", ["3D scenes", "A 3D scene"], ["2D scenes", "three scenes"]),
        ("p-value", ["The p-value of it", "p-values"], ["The value of it"]),
        (
            ("vitamin D"),
            [("Vitamin D levels"), "vitamin-D levels"],
            ["Vitamin C levels", "vitamin levels", "vitamin d. Levels"],
        ),
        (
            ("T cell"),
            ["T cell lines", "T-cell lines", "Lines of T cells"],
            ["B cell lines", "stem cells"],
        ),
        ("A* search", ["A* search in graphs", "Fast A* search"], ["A search in graphs", "search"]),
        ("R&D", ["R&D spending"], ["R and D", "spending"]),
        ("A/B testing", ["A/B testing online"], ["testing online"]),
        (
            ("C++ templates"),
            ["C++ templates fast", "On C++ templates"],
            ["templates fast", "C templates"],
        ),
        ("α", ["The α of it"], ["The alpha of it", "αβ"]),
    ],
)
def test_a_keyword_matches_what_a_person_expects(
    keyword: str, there: list[str], not_there: list[str]
) -> None:
    assert {text: matches(keyword, text) for text in (*there, *not_there)} == dict.fromkeys(
        there, True
    ) | dict.fromkeys(not_there, False)
    for sign in "+-":
        assert matches(sign + keyword, there[0])
    apply_request(
        SubscriptionRequest(
            email="r@example.org", keywords=(keyword, f"+{keyword}", f"-{keyword}")
        ),
        READER,
    )


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("+", "holds no letter"),
        ("-", "holds no letter"),
        ("++", "holds no letter"),
        (" - + ", "holds no letter"),
        ("...", "holds no letter"),
        ("*", "holds no letter"),
        ("+*", "holds no letter"),
        ("the", "in nearly every paper"),
        ("-IT", "in nearly every paper"),
        ("42", "bare number"),
        ("a", "in nearly every paper"),
    ],
)
def test_a_keyword_that_no_paper_could_answer_is_refused_with_words(
    keyword: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        apply_request(
            SubscriptionRequest(email="r@example.org", keywords=("robot", keyword)), READER
        )


@pytest.mark.parametrize("name", ["categories", "authors"])
def test_a_lone_sign_is_no_name(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: '-' holds no letter"):
        apply_request(SubscriptionRequest(email="r@example.org", **{name: ("-",)}), READER)  # type: ignore[arg-type]


_typed = st.lists(
    st.text("aArRcCnN3 +#.-*&/é中", min_size=1, max_size=6)
    | st.sampled_from(["graph", "C++", ".NET", "the", "node.js", "3D"]),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=examples(300), deadline=None)
@given(keyword=_typed, sign=st.sampled_from(["", "+", "-"]))
def test_an_accepted_keyword_is_found_where_it_stands_as_a_word(keyword: str, sign: str) -> None:
    bare = " ".join(keyword.split())
    assume(bare and bare[:1] not in ("-", "+") and not bare.endswith("*"))
    try:
        request = apply_request(
            SubscriptionRequest(email="r@example.org", keywords=(sign + bare,)), READER
        )
    except InputError:
        return
    (interest,) = request.interests
    assert interest.keywords == (sign + bare,)
    assert matches(sign + bare, f"Fast {bare} here")
    assert matches(sign + bare, bare)
    assert not matches(sign + bare, "Poetry")


# ----------------------------------------------------------------------------------------------
# keywords as written


#: pieces of which names with signs are made, and what may stand beside them
PIECES = ("R", "C", "c++", "net", "vitamin", "D", "S", "k", "K", "ſ", "ﬁ", "İ", "ẞ", "é", "3")
MARKS = ("", " ", "-", "+", "++", "#", ".", "/", "&", "–", "\u2011", "(", "'s ")


@given(
    st.lists(st.sampled_from([*PIECES, *MARKS]), min_size=1, max_size=5).map("".join),
    st.lists(st.sampled_from([*PIECES, *MARKS]), max_size=12).map("".join),
)
@settings(max_examples=examples(300), deadline=None)
def test_the_quick_look_for_a_keyword_misses_nothing(keyword: str, text: str) -> None:
    assume(literal.needs_literal_match(keyword))
    spelling = literal.literal_spelling(keyword, (keyword, keyword + "s"))
    for part in (text, text + keyword, f"{text} {keyword.upper()} {text}"):
        found = spelling.pattern.search(literal._fold_dashes(part)) is not None
        assert spelling.occurs_in(part, "") == found
