"""Which spellings of authors' names agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.papers.names import Agreement, compare_authors, is_same_person, parse_person
from tests.examples import examples


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Jane Doe", "Doe J"),
        ("Jane Doe", "Doe J."),
        ("Jane Ann Doe", "Doe JA"),
        ("Jane Ann Doe", "J.A. Doe"),
        ("Jane Doe", "Doe"),
        ("Jan van der Berg", "van der Berg J"),
        ("Jan van der Berg", "Berg J"),
        ("Kim McKay Jr.", "Kim McKay"),
        ("Kim McKay, Jr.", "McKay K"),
        ("Kim Roe III", "K. Roe"),
        ("Jörg Müller", "Joerg Mueller"),
        ("Jörg Müller", "Muller J"),
        ("Søren Ødegård", "Soren Odegard"),
        ("Wei Wang", "Wang Wei"),
        ("J LI", "Jun Li"),
        ("LI J", "Jun Li"),
        ("Jean-Pierre Dupont", "Dupont J-P"),
        ("Ana García Márquez", "García-Márquez A"),
        ("Brian O'Neil", "ONeil B"),
    ],
)
def test_spellings_of_one_name_agree(left: str, right: str) -> None:
    assert is_same_person(parse_person(left), parse_person(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Wei Wang", "Li Wang"),
        ("Jane Doe", "Doe K"),
        ("Jane Doe", "Jane Roe"),
        ("Jan van der Berg", "van der Burg J"),
    ],
)
def test_other_names_do_not_agree(left: str, right: str) -> None:
    assert not is_same_person(parse_person(left), parse_person(right))


MANY = tuple(f"{letter}. Author{letter}" for letter in "ABCDEFGHIJ")


@pytest.mark.parametrize(
    ("left", "right", "agreement"),
    [
        (("Jane Doe", "Kim Roe"), ("Roe K", "Doe J"), Agreement.SAME),
        (MANY, MANY[:1], Agreement.SAME),
        (MANY, MANY[3:4], Agreement.OTHER),
        (MANY, (*MANY[:-1], "Kim Roe"), Agreement.SAME),
        (("Jane Doe", "Kim Roe"), ("Jane Doe", "Max Poe"), Agreement.OTHER),
        (("NIMBUS Collaboration", "Jane Doe"), ("Jane Doe",), Agreement.SAME),
        (("NIMBUS Collaboration",), ("Jane Doe", "Kim Roe"), Agreement.MEMBERS),
        (("The NIMBUS Collaboration",), ("NIMBUS Collaboration",), Agreement.SAME),
        (("NIMBUS Collaboration",), ("CIRRUS Collaboration",), Agreement.OTHER),
        (
            ("NIMBUS Collaboration", "Jane Doe"),
            ("CIRRUS Collaboration", "Jane Doe"),
            Agreement.OTHER,
        ),
        ((), ("Jane Doe",), Agreement.UNKNOWN),
        ((), (), Agreement.UNKNOWN),
    ],
)
def test_lists_of_authors(
    left: tuple[str, ...], right: tuple[str, ...], agreement: Agreement
) -> None:
    assert compare_authors(left, right) is agreement
    assert compare_authors(right, left) is agreement


_names = st.lists(
    st.sampled_from(["Jane Doe", "Doe J", "Doe", "K Doe", "Kim Roe", "X Team", "王伟", ".", "A"])
    | st.text(max_size=8),
    max_size=5,
).map(tuple)


@settings(max_examples=examples(300))
@given(_names, _names)
def test_the_comparison_is_symmetric(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    assert compare_authors(left, right) is compare_authors(right, left)
