"""The part of an abstract that a mail shows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.messages import excerpts
from digest.mail.messages.sentence_split import split_sentences
from tests.examples import examples
from tests.unit.mails import digest, make_listed

quietly = settings(database=None, max_examples=examples(200))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["Bees dance.", "We film them."],
        ["The set of Okafor et al. (2024) is small.", "Ours is larger."],
        ["We extend Okafor et al. The older one was slow.", "It is fast now."],
        ["Insects, e.g. bees, i.e. Apis, count vs. Wasps here.", "They fly."],
        ["Growth (cf. Sec. 2. It is shown there) ends.", "We stop."],
        ["See Fig. 3, Eq. (2), Ref. 7 and no. 12 of vol. 3.", "Then read."],
        ["J. R. Okafor met A. Lind in Ghent.", "They wrote."],
        ["Version 2.0 takes 3.5 s, v. 1 took 9.", "It is free."],
        ["Draws are i.i.d. from a law.", "A sum converges."],
        ["Wages fell in the U.S.", "We ask why."],
        ["Let $a. B$ be open and $x^2. Y$ closed.", "We map it."],
        ["It costs $5 million.", "We paid $10."],
        ["Aims. We count stars.", "Methods. We use a camera."],
        ["OBJECTIVE: To count.", "RESULTS: Many."],
        ["Is it so?", "Yes!", "It is."],
        ["He calls it “a bee.”", "We do not."],
        ["It needs many features.", "k-means finds them."],
        ["A blank is missing in learning.", "We put it."],
        ["蜜蜂跳舞。", "我们拍摄它们。"],
        ["1. Look twice.", "2. Leap."],
        ["Sums of approx. ten or ca. twelve count.", "Done."],
        ["It stands in IEEE Trans. Inf. Theory and Proc. Bees.", "We cite it."],
        ["No end in sight"],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    joint = "" if "蜜" in parts[0] else " "
    assert sentences(joint.join(parts)) == parts


def test_a_forgotten_blank_ends_a_sentence() -> None:
    assert sentences("Bees learn by dancing.We film them.") == [
        "Bees learn by dancing.",
        "We film them.",
    ]


@quietly
@given(st.text(alphabet="ab. AB?!()$[]\"'…é。12e.gal ", max_size=80))
def test_no_sentence_loses_a_character(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert all(part.strip() for part in sentences(text)) or not text.strip()


@pytest.mark.parametrize(
    "sentence",
    [
        "We film dancing bees.",
        "In this paper, the dance is filmed.",
        "Here we film bees.",
        "Here, a dance is decoded.",
        "To close this gap, we film at night.",
        "This work films bees.",
        "This short empirical study films bees.",
        "The present study films bees.",
        "The paper decodes a dance.",
        "A new camera is proposed.",
        "A camera for hives is introduced by combining two lenses.",
        "It is shown that bees count.",
        "Our camera sees ultraviolet.",
        "Unlike older cameras, our method sees ultraviolet.",
        "I argue that bees count.",
        "The aim of this article is a better camera.",
        "The proposed camera sees ultraviolet.",
        "Objective: To film bees.",
        "AIMS To film bees.",
        "Methods. Bees were filmed.",
        "We have built a camera.",
        "The dance, which we call waggle, is quick.",
        "BeeCam is a camera for hives.",
    ],
)
def test_a_sentence_says_what_the_paper_does(sentence: str) -> None:
    assert excerpts.states_contribution(sentence, name="BeeCam")


@pytest.mark.parametrize(
    "sentence",
    [
        "Bees dance in the dark.",
        "Can we trust what bees tell?",
        "Little is known about how we see bees.",
        "We live in a world with bees.",
        "We still lack a camera for hives.",
        "We have seen much work on bees.",
        "Bees challenge our understanding of dance.",
        "Our understanding of bees is poor.",
        "Cameras have been proposed for hives.",
        "A camera was introduced by Okafor and Lind.",
        "A camera was introduced in 2019.",
        "Bees are widely studied.",
        "This line of work has few cameras.",
        "This research area has few cameras.",
        "Background: Bees dance.",
        "BACKGROUND Bees dance.",
        "Type I bees dance.",
        "BeeCams are common.",
        "The results of others differ.",
        "Some reports leave out what the article says, and the resulting picture is wrong.",
        "Hives, where cameras are introduced by night, are dark.",
        "In our previous paper, hives were dark.",
    ],
)
def test_a_sentence_does_not_say_what_the_paper_does(sentence: str) -> None:
    assert not excerpts.states_contribution(sentence, name="BeeCam")


MOTIVATION = "Hives are dark. Cameras see little in them, as Okafor et al. found. "
CONTRIBUTION = "We build a camera for the dark. " + "It sees warm bodies well enough. " * 9


def show(abstract: str, title: str = "On bees") -> str:
    return excerpts.excerpt(abstract, excerpts.find_contribution(title, abstract) or 0)


def test_an_excerpt_begins_where_the_paper_says_what_it_does() -> None:
    assert show(MOTIVATION * 9 + CONTRIBUTION) == CONTRIBUTION.strip()


def test_an_excerpt_begins_with_the_sentence_that_defines_the_name_of_the_title() -> None:
    abstract = "Hives are dark. BeeCam is a warm camera of the lab. We film bees. It works."
    assert show(abstract, "BeeCam: a camera").startswith("BeeCam is")


@pytest.mark.parametrize(
    "abstract",
    [
        "Bienen tanzen im Dunkeln. In dieser Arbeit filmen wir sie mit Wärme. Das geht gut.",
        "Les abeilles dansent dans le noir. Nous les filmons. On y voit bien.",
        "Bijen dansen in het donker. Daarom filmen we ze met warmte. Dat gaat goed.",
        "蜜蜂在黑暗中跳舞。我们拍摄它们。",
    ],
)
def test_an_excerpt_in_another_language_begins_at_the_start(abstract: str) -> None:
    assert show(abstract) == abstract


def test_where_no_sentence_says_it_the_words_of_the_reader_choose() -> None:
    abstract = "The hive is dark. The dance of the bees points to food. The flowers are far."
    assert excerpts.find_contribution("On bees", abstract) is None
    assert excerpts.find_most_words(abstract, ["Food", "dance"]) == 1
    assert excerpts.find_most_words(abstract, ["wasp"]) == 0
    assert excerpts.find_most_words("", ["wasp"]) == 0


def test_the_mail_shows_the_sentence_with_the_words_of_the_reader() -> None:
    abstract = "The hive is dark. The dance of the bees points to food. The flowers are far."
    plain = make_listed(1, abstract=abstract)
    chosen = digest(
        *(
            type(plain)(paper=plain.paper, reason="R.", label="x", links=plain.links, words=words)
            for words in ((), ("food",))
        )
    )
    before, after = chosen.text.split("Why: R.")[1:]
    assert "The hive is dark" in before
    assert "The hive is dark" not in after
    assert "The dance of the bees" in after


def test_an_excerpt_has_whole_sentences_up_to_the_longest_length() -> None:
    shown = show(CONTRIBUTION + CONTRIBUTION)
    assert 400 <= len(shown) <= excerpts.MAX_LENGTH
    assert shown.endswith("enough.")


@pytest.mark.parametrize(
    "tail",
    ["as in Okafor et al. " * 40, "(a long remark in brackets " + "that goes on " * 12 + ") " * 9],
)
def test_a_long_sentence_is_cut_after_a_word(tail: str) -> None:
    text = "We build a camera for dark hives that sees warm bodies " * 8 + tail + "end."
    shown = show(text)
    assert 280 <= len(shown) <= excerpts.MAX_LENGTH
    assert shown.endswith("…")
    assert not shown.endswith("al.…")
    assert shown.count("(") == shown.count(")")
    assert text.startswith(shown[:-1])
    assert text[len(shown) - 1] in " ,"


def test_a_short_sentence_goes_on_with_a_part_of_the_next_one() -> None:
    shown = show("We film bees. " + "They are shown to dance " * 40 + "again.")
    assert shown.startswith("We film bees. They are")
    assert shown.endswith("…")


@quietly
@given(
    st.lists(
        st.sampled_from(
            ["We film bees.", "As Okafor et al. say,", "bees dance", "(e.g. at 3.5 Hz)", "x" * 90]
        ),
        max_size=60,
    ).map(" ".join)
)
def test_an_excerpt_is_a_part_of_the_abstract_and_never_ends_after_et_al(abstract: str) -> None:
    shown = show(abstract)
    assert len(shown) <= excerpts.MAX_LENGTH
    assert shown.removesuffix("…") in abstract
    assert bool(shown) == bool(abstract)
    assert shown == abstract or not shown.rstrip("…").endswith(("et al.", "e.g."))


@pytest.mark.parametrize(
    "lead_in",
    [
        "To address these issues, ",
        "To bridge this gap, ",
        "To this end, ",
        "However, ",
        "Thus, ",
        "As such, ",
        "Given such a winter, ",
        "Based on these tools, ",
    ],
)
def test_an_excerpt_leaves_out_what_refers_to_the_sentence_before(lead_in: str) -> None:
    abstract = f"Tools break in winter. {lead_in}we propose warm tools. They last."
    first = excerpts.find_contribution("Warm tools", abstract)
    assert excerpts.excerpt(abstract, first or 0) == "We propose warm tools. They last."


def test_an_excerpt_keeps_an_aim_that_says_something() -> None:
    abstract = "Tools break. To keep hands warm, we propose warm tools."
    assert excerpts.excerpt(abstract, 1) == "To keep hands warm, we propose warm tools."


@pytest.mark.parametrize(
    "chosen",
    [
        "This is not rare: hands freeze.",
        "It is rare.",
        "For the latter we heat.",
        "Such tools cool.",
    ],
)
def test_an_excerpt_goes_back_to_what_its_first_sentence_refers_to(chosen: str) -> None:
    abstract = f"Winter is long. Tools break in winter. {chosen} They last."
    assert excerpts.excerpt(abstract, 2) == abstract.partition("long. ")[2]
    assert excerpts.excerpt("This " + "very " * 120 + f"long winter. {chosen}", 1) == chosen


def test_an_excerpt_begins_with_a_sentence_about_the_paper_itself() -> None:
    abstract = "Tools break. This paper heats them. This short review asks why."
    assert excerpts.excerpt(abstract, 1) == abstract.partition("break. ")[2]
    assert excerpts.excerpt(abstract, 2) == "This short review asks why."


@pytest.mark.parametrize(
    "last", ["We make three further contributions.", "We argue in three moves.", "We show that:"]
)
def test_an_excerpt_does_not_end_with_what_announces_more(last: str) -> None:
    start = "We heat tools. " + "They last all winter long in the cold. " * 10
    more = "The first is " + "very " * 60 + "warm."
    assert excerpts.excerpt(f"{start}{last} {more}") == start.strip()
    assert excerpts.excerpt(f"{start}{last}") == f"{start}{last}"
