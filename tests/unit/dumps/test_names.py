"""Lists of authors in the forms that sources and people write, and their cost when hostile."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.dumps.names import is_list_of_people, split_name_list, split_names
from tests.unit.dumps.conftest import MakeDump, entries, row


@pytest.mark.parametrize(
    ("written", "names"),
    [
        # separators
        ("Jane Doe, Kim Roe and Lee Poe", ["Jane Doe", "Kim Roe", "Lee Poe"]),
        ("Jane Doe & Kim Roe", ["Jane Doe", "Kim Roe"]),
        ("Jane Doe,Kim Roe,", ["Jane Doe", "Kim Roe"]),
        ("Doe, Jane; Roe, Kim and Poe, Lee;", ["Doe, Jane", "Roe, Kim", "Poe, Lee"]),
        ("Jane Doe|Kim Roe | Lee Poe", ["Jane Doe", "Kim Roe", "Lee Poe"]),
        ("Doe, Jane|Roe, Kim", ["Doe, Jane", "Roe, Kim"]),
        ("Alice, Bob and Carol", ["Alice", "Bob", "Carol"]),
        ("D&uuml;sel, Jane; Roe, Kim", ["Düsel, Jane", "Roe, Kim"]),
        ("J.Doe, K.Roe", ["J.Doe", "K.Roe"]),
        ("Jane Doe · Kim Roe • Lee Poe", ["Jane Doe", "Kim Roe", "Lee Poe"]),
        ("Jane Doe / Kim Roe", ["Jane Doe", "Kim Roe"]),
        ("Jane Doe\nKim Roe\r\n", ["Jane Doe", "Kim Roe"]),
        ("Jane\nDoe", ["Jane Doe"]),
        ("Jane Doe,\nKim\nRoe", ["Jane Doe", "Kim Roe"]),
        # last names first, parted by commas alone
        ("Doe, Jane, Roe, Kim", ["Doe, Jane", "Roe, Kim"]),
        ("Doe, J. A., Roe, K.-B., & Poe, L.", ["Doe, J. A.", "Roe, K.-B.", "Poe, L."]),
        ("van der Doe, Jane, de la Roe, Kim", ["van der Doe, Jane", "de la Roe, Kim"]),
        ("Doe Moe, J., Roe Poe, K.", ["Doe Moe, J.", "Roe Poe, K."]),
        ("Doe, Jane Ann, Roe, Kim Lee", ["Doe, Jane Ann", "Roe, Kim Lee"]),
        ("Doe, Jane, and Kim Roe", ["Doe, Jane", "Kim Roe"]),
        ("de la Doe, J", ["de la Doe, J"]),
        ("Doe Moe, Jane", ["Doe Moe, Jane"]),
        # the order of PubMed
        ("Doe J, Roe K", ["Doe, J", "Roe, K"]),
        ("van der Doe JA, Roe-Moe K-L, Invented Group", ["van der Doe, JA", "Roe-Moe, K-L"]),
        ("Doe J., Roe K.-L., Poe M. N.", ["Doe, J.", "Roe, K.-L.", "Poe, M. N."]),
        ("Doe J.; Roe K.", ["Doe, J.", "Roe, K."]),
        ("Doe-Moe, Jane Z.; Roe, Kim P.", ["Doe-Moe, Jane Z.", "Roe, Kim P."]),
        ("Doe, Jane Z. and Roe, Kim P.", ["Doe, Jane Z.", "Roe, Kim P."]),
        ("Doe J", ["Doe J"]),
        ("Doe J, Kim Roe", ["Doe J", "Kim Roe"]),
        # suffixes
        ("Jane Doe, Jr. and Kim Roe", ["Jane Doe Jr.", "Kim Roe"]),
        ("Jane Doe, III, Kim Roe", ["Jane Doe III", "Kim Roe"]),
        ("Doe, John W., Jr.", ["Doe, John W., Jr."]),
        ("Doe, Jr., John and Roe, Kim", ["Doe, Jr., John", "Roe, Kim"]),
        ("Doe, Jane, PhD, Roe, Kim, MD", ["Doe, Jane, PhD", "Roe, Kim, MD"]),
        # no names
        ("Jane Doe et al.", ["Jane Doe"]),
        ("Jane Doe, Kim Roe, et al", ["Jane Doe", "Kim Roe"]),
        ("Doe, Jane and Roe, Kim and others", ["Doe, Jane", "Roe, Kim"]),
        ("Jane Doe, ...", ["Jane Doe"]),
        ("Author(s): Jane Doe, Kim Roe", ["Jane Doe", "Kim Roe"]),
        ("by Jane Doe", ["Jane Doe"]),
        ("Jane Doe* (Univ. X, Dept. Y), Kim Roe† [2]", ["Jane Doe", "Kim Roe"]),
        ("; : , *", []),
        # groups
        ("Jane Doe (for the TINY Collaboration)", ["Jane Doe", "TINY Collaboration"]),
        (
            "Jane Doe (for the TINY Collaboration), Kim Roe",
            ["Jane Doe", "TINY Collaboration", "Kim Roe"],
        ),
        ("Jane Doe on behalf of the Small Study Group", ["Jane Doe", "Small Study Group"]),
        ("Jane Doe, Kim Roe (TINY Collaboration)", ["Jane Doe", "Kim Roe", "TINY Collaboration"]),
        ("Jane Doe [for the Small Network]", ["Jane Doe", "Small Network"]),
        ("The TINY Collaboration: J. Doe, K. Roe", ["The TINY Collaboration", "J. Doe", "K. Roe"]),
        ("TINY Collaboration：J. Doe", ["TINY Collaboration", "J. Doe"]),
        ("Jane Doe and the TINY Collaboration", ["Jane Doe", "the TINY Collaboration"]),
        ("TINY Collaboration and Jane Doe", ["TINY Collaboration", "Jane Doe"]),
        ("Ministry of Trees and Small Rivers", ["Ministry of Trees and Small Rivers"]),
        # lists within a cell
        ('["Jane Doe", "Kim R\\u00f6"]', ["Jane Doe", "Kim Rö"]),
        ("['Jane Doe', \"Kim O'Roe\"]", ["Jane Doe", "Kim O'Roe"]),
        ("['Jane Doe' 'Kim O\\'Roe']", ["Jane Doe", "Kim O'Roe"]),
        ('[{"name": "Jane Doe"}, {"id": 7}, null]', ["Jane Doe"]),
        ("[{'id': '7', 'name': 'Jane Doe'}, {'name': 'Kim Roe'}]", ["Jane Doe", "Kim Roe"]),
        ("[Jane Doe, Kim Roe]", ["Jane Doe", "Kim Roe"]),
        ("[]", []),
        # East Asian names
        ("山田太，林小", ["山田太", "林小"]),
        ("山田太、林小", ["山田太", "林小"]),
        ("山田太;林小；李小明", ["山田太", "林小", "李小明"]),
        ("山田太, 林小, 等", ["山田太", "林小"]),
        ("山田太，林小明等", ["山田太", "林小明"]),
        ("김하나, 이두리", ["김하나", "이두리"]),
        ("林, 小明", ["林小明"]),
    ],
)
def test_a_text_is_split_into_names(written: str, names: list[str]) -> None:
    assert [name for name in split_names(written) if name != "Invented Group"] == names


def test_names_with_the_given_name_first_are_never_turned() -> None:
    assert split_names("Doe-AI, Jane Doe, Plato and K. Roe, III et al.", given_name_first=True) == (
        "Doe-AI",
        "Jane Doe",
        "Plato",
        "K. Roe III",
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["Tiny Team", ":", "Jane Doe", " "], ["Tiny Team", "Jane Doe"]),
        (["Jane Doe", "et al."], ["Jane Doe"]),
        (["Jane Doe", "Kim Roe et al."], ["Jane Doe", "Kim Roe"]),
        (["Jane Doe", "others"], ["Jane Doe"]),
        (["Jane Doe", "and Kim Roe"], ["Jane Doe", "Kim Roe"]),
        (["Jane Doe and", "Kim Roe"], ["Jane Doe", "Kim Roe"]),
        (["Jane Doe; Kim Roe; Lee Poe"], ["Jane Doe", "Kim Roe", "Lee Poe"]),
        (["Jane Doe", "John Moe Jr. and Kim Roe"], ["Jane Doe", "John Moe Jr.", "Kim Roe"]),
        (["Jane Doe (Univ. X)", "Kim Roe"], ["Jane Doe", "Kim Roe"]),
        (["Jane Doe, Kim Roe, Lee Poe"], ["Jane Doe", "Kim Roe", "Lee Poe"]),
        (["Doe, Jane, Roe, Kim"], ["Doe, Jane", "Roe, Kim"]),
        (["Jane D.", "Kim R."], ["Jane D.", "Kim R."]),
        (["山田太、林小"], ["山田太", "林小"]),
        (["Jane Doe (for the TINY Collaboration)"], ["Jane Doe", "TINY Collaboration"]),
    ],
)
def test_items_that_are_not_one_name_are_split_or_dropped(
    written: list[str], names: list[str]
) -> None:
    assert list(split_name_list(written)) == names


@pytest.mark.parametrize(
    "name",
    [
        "Doe Moe, Jane Ann",
        "Doe, Jane, Jr.",
        "Doe, Jane, Example Town",
        "The Doe and Roe Group",
        "Doe and Roe",
        "Bureau of Trees and Small Rivers",
        "Trees and Small Rivers Administration",
        "Lee The Doe",
        "Doe J",
        "Jane Doe 3rd",
    ],
)
def test_one_name_stays_one_name(name: str) -> None:
    assert split_name_list([name]) == (name,)


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        ("Jane Doe and Kim Roe", True),
        ("Doe, J. and Roe, K. L. and Poe, M.", True),
        ("Doe and Roe", False),
        ("The Doe and Roe Group", False),
        ("Jane Doe", False),
    ],
)
def test_people_are_told_from_a_group_with_an_and(text: str, is_list: bool) -> None:
    assert is_list_of_people(text) is is_list


def test_every_format_hands_its_list_over(make_dump: MakeDump) -> None:
    (entry,) = entries(make_dump(row(1, authors=["Tiny Team", ":", "Jane Doe; Kim Roe", "et al."])))
    assert entry.authors == ("Tiny Team", "Jane Doe", "Kim Roe")
    csl = [{"type": "article", "title": "T", "author": [{"literal": "Jane Doe; Kim Roe"}]}]
    (entry,) = entries(make_dump(csl))
    assert entry.authors == ("Jane Doe", "Kim Roe")
    (entry,) = entries(make_dump('title,authors\nT,"Doe, Jane, Roe, Kim"\n'))
    assert entry.authors == ("Jane Doe", "Kim Roe")


@pytest.mark.parametrize(
    "unit",
    [
        *["a and ", "(", "[", ", ", ",,", ";", "Doe, ", "' ", "['", "&amp;", "\n", " \n", "et al "],
        *["for the ", ", for the ", "等", "A", "A ", "A.", "(a", "|", ": ", "Jr., ", '{"name": '],
    ],
)
def test_hostile_lists_take_linear_time(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    start = time.process_time()
    split_names(text)
    split_names(f"[{text}]")
    split_name_list([text, text])
    split_name_list([text, "and x"])
    assert time.process_time() - start < 4


@given(
    st.lists(
        st.sampled_from(
            [
                *["Doe", "Jane", "J.", "K", "van", "Jr.", "and", "&", "et al.", "Group", "the"],
                *["for", ",", ";", ":", "|", "(", ")", "[", "]", "'", '"', "\n", "王伟", "，"],
            ]
        ),
        max_size=14,
    )
)
def test_every_name_has_a_letter_and_no_sign_around_it(tokens: list[str]) -> None:
    for name in (*split_names(" ".join(tokens)), *split_name_list([*tokens, ":"])):
        assert any(map(str.isalpha, name))
        assert name == name.strip(" ,;:*|")


def test_a_deep_list_is_no_list(make_dump: MakeDump) -> None:
    assert split_names("[" * 100_000 + "]" * 100_000) == ()
    assert split_names(json.dumps({"name": "x"})) != ()
