"""Cleaning a record: text, people, links, and reasons to refuse it."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.model import Entry, Identity, Record, Rejected
from digest.papers import clean, clean_abstract, clean_text, normalise_title


def record(**fields: Any) -> Record:
    values: dict[str, Any] = {"line": 1, "raw": "{}", "title": "A Title", **fields}
    return Record(**values)


def entry(**fields: Any) -> Entry:
    cleaned = clean(record(**fields), "jsonl")
    assert isinstance(cleaned, Entry), cleaned
    return cleaned


# ------------------------------------------------------------------------------------------------
# text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Plain title", "Plain title"),
        ("  Two  spaces and\n a line break ", "Two spaces and a line break"),
        ("AT&amp;T &lt;script&gt;", "AT&T <script>"),
        ("A &amp;amp; B, a &amp;lt; b, &amp;amp;gt;, &amp;notable;", "A & B, a < b, >, &notable;"),
        ("R&D, Q&A, H&E and &notable;", "R&D, Q&A, H&E and &notable;"),
        ("<script>alert(1)</script> if a < b", "<script>alert(1)</script> if a < b"),
        ("caf\u0065\u0301", "café"),
        (
            "zero\u200bwidth, soft\u00adhyphen, nul\x00, bell\x07",
            "zerowidth, softhyphen, nul, bell",
        ),
        ("\u202eturned\u202c and \u2066isolated\u2069", "turned and isolated"),
        ("שלום and مرحبا", "שלום and مرحبا"),
        ("owl 🦉, scientist 👩‍🔬", "owl 🦉, scientist 👩‍🔬"),
        ("half \ud800 a character", "half a character"),
        ("no\u00a0break and\u2028line", "no break and line"),
        ("0.1%--10% of **Ours** (**ours**), x**2 + y**2", "0.1%–10% of Ours (ours), x**2 + y**2"),
        ("Text--Image, a -- b, a---b, --flag <!-- x", "Text–Image, a – b, a—b, --flag <!-- x"),
        ("``quoted'' and ``don't''", "“quoted” and “don't”"),
        ("On <i>E. coli</i> and CO<sub>2</sub>", "On E. coli and CO₂"),
        ("On &lt;i&gt;E. coli&lt;/i&gt;", "On E. coli"),
        ("On &amp;lt;em class=&quot;x&quot;&amp;gt;E. coli&amp;lt;/em&amp;gt;", "On E. coli"),
        ('<span style="color: red;">DNA</span> &amp; RNA', "DNA & RNA"),
        ("<mml:math><mml:mi>x</mml:mi><mml:mo>=</mml:mo></mml:math>1", "x=1"),
        ("<jats:italic>A</jats:italic><br/>b", "A b"),
        ("{\\textless}i{\\textgreater}A{\\textless}/i{\\textgreater}", "A"),
        ("\\textless{}b\\textgreater{}A\\textless{}/b\\textgreater{}", "A"),
        ("{$<$}i{$>$}A{$<$}/i{$>$} and $<$sub$>$2$<$/sub$>$", "A and ₂"),
        ("R{\\&}amp;D and \\&lt;i\\&gt;A\\&lt;/i\\&gt;", "R&D and A"),
        ("p<0.05, a < b and c > d", "p<0.05, a < b and c > d"),
        ("x<y>z, x<i>y, x<p>y and <k>", "x<y>z, x<i>y, x<p>y and <k>"),
        ("List<T>, Box<B> and Map<String, List<I>>", "List<T>, Box<B> and Map<String, List<I>>"),
        ("the token <think> or <table>, a[b[0]]>0", "the token <think> or <table>, a[b[0]]>0"),
        ("p {\\textless} 0.05 and n{\\textgreater}10", "p < 0.05 and n>10"),
        ("$a<b$ and $c>d$", "a<b and c>d"),
    ],
)
def test_text_is_cleaned(written: str, read: str) -> None:
    assert clean_text(written) == read


@pytest.mark.parametrize(
    ("tex", "read"),
    [
        ("$x^2$", "x²"),
        ("PAR$^2$-RAG and U$^{2}$Net", "PAR²-RAG and U²Net"),
        ("360$^\\circ$", "360°"),
        ("$x^{a,b}$ and $x^q$", "x^(a,b) and x^q"),
        ("NO$_2$ and PM$_{2.5}$", "NO₂ and PM2.5"),
        ("$\\ell_2$, $\\alpha \\ge 3$, $1\\to N$", "ℓ₂, α ≥ 3, 1→ N"),
        ("over $\\mathbb{R}^{12}$ and ${\\mathbb F}_p$", "over ℝ¹² and Fₚ"),
        ("$\\frac{a+b}{2}$ and $\\fracπβ$", "(a+b)/2 and π/β"),
        ("$O(\\log^2 n)$", "O(log² n)"),
        ("$x<y$", "x<y"),
        ("$x &lt; y$", "x < y"),
        ("($\\times$4) and ($<$300M)", "(×4) and (<300M)"),
        ("\\textsc{Name}: \\emph{a} {\\bf b} {GNN}", "Name: a b GNN"),
        ("DiM\\textsuperscript{3}", "DiM³"),
        (
            "M\\\"uller, Garc{\\'\\i}a, \\v{S}, \\c c, {\\o}, Csisz\\' ar, T{\\\"}ulu",
            "Müller, García, Š, ç, ø, Csiszár, Tülu",
        ),
        ("5\\% of 17% \\& \\$3 \\#1 a\\_b", "5% of 17% & $3 #1 a_b"),
        ("\\(x_i\\) and \\[y^2\\] and $$z$$", "xᵢ and y² and z"),
        (
            "\\href{https://example.org}{here}, \\url{https://example.org/a_b}",
            "here, https://example.org/a_b",
        ),
        ("known \\cite{doe,roe}", "known [doe,roe]"),
        ("Task~1, about ~5, 5~10", "Task 1, about ~5, 5~10 \\ours".removesuffix(" \\ours")),
        ("\\ours is \\unknown{kept}", "ours is kept"),
        ("\\eg this \\ie that", "e.g. this i.e. that"),
        ("\\gls{llm}, \\ac[x]{RL} and \\num{5.0}", "llm, RL and 5.0"),
        ("\\ours{} beats \\texttt{C++}", "ours beats C++"),
        ("(\\DQN) and \\PPAD-complete", "(DQN) and PPAD-complete"),
        ("\\replaced{new}{old} \\deleted{gone}text, \\unknown{a}{b}", "new text, a b"),
        ('C:\\Users\\jane, "\\n\\n", Q\\A', 'C:\\Users\\jane, "\\n\\n", Q\\A'),
        ("\\textbf{never ends, \\rev{nor this", "never ends, nor this"),
        ("A\\footnote{Code: x.org} and B\\footnote{unclosed", "A (Code: x.org) and B (unclosed"),
        ("\\foreignlanguage{german}{Wort}, \\hyperlink{a}{b}", "Wort, b"),
        ("\\textbf {a}, \\emph{\\textsc{b}}", "a, b"),
        ('\\ding{182} \\ding{51} \\char"0986, Bird\\u2019s', "❶ ✓ আ, Bird’s"),
        ("360\\deg{} and 5\\degC", "360° and 5°C"),
        ("$n\\log n$, $2\\log\\log n$, $\\log_2n$", "n log n, 2 log log n, log₂n"),
        ("$\\max\\{x\\}$, $\\sin(x)$, $\\log\\left(n\\right)$", "max{x}, sin(x), log(n)"),
        ("$\\operatorname{rank}A$, $x\\bmod y$", "rank A, x mod y"),
        ("the$ x $of $y$ and$\\;$more", "the x of y and more"),
        ("a ($n$), $x$-axis, $\\approx5$~Hz", "a (n), x-axis, ≈5 Hz"),
        ("$True/False$ and ${\\cal N}=4$", "True/False and N=4"),
    ],
)
def test_tex_becomes_readable(tex: str, read: str) -> None:
    assert clean_text(tex if "\\" in tex or "$" in tex else tex + " \\%").removesuffix(" %") == read


@pytest.mark.parametrize(
    ("tex", "read"),
    [
        ("Models on Apple~Silicon", "Models on Apple Silicon"),
        ("Entailed under OWL~2~DL", "Entailed under OWL 2 DL"),
        ("Dr.~RTL designs", "Dr. RTL designs"),
        ("10^{-3} of CO_{2}, x^{2} and AP_{50}", "10⁻³ of CO₂, x² and AP₅₀"),
        ("9 models and 108{,}000 references", "9 models and 108,000 references"),
        (
            "(TCR)--peptide, peptide--[MHC]; run --fast (--slow)",
            "(TCR)–peptide, peptide–[MHC]; run --fast (--slow)",
        ),
        (
            "n~10, y~x, about ~5, 5~10, ~/data, a.org/~bob",
            "n~10, y~x, about ~5, 5~10, ~/data, a.org/~bob",
        ),
    ],
)
def test_ties_thousands_and_dashes_are_read_without_other_tex(tex: str, read: str) -> None:
    assert clean_text(tex) == read


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $6",
        "costs $5-$6 a day",
        "from $0.10 to $0.25 per query",
        "between US$28.31 and US$40.88, manually",
        "a $1M balance, later $2M more",
        "over $100 billion",
        "$",
        "$$",
        "100$",
    ],
)
def test_money_is_not_a_formula(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\\",
        "\\textbf{unclosed",
        "$\\frac$",
        "$x^",
        "{{{{",
        "}}}}",
        "\\begin{",
        "$\\left(",
        "\\'",
        "\\verb",
        "$\\sqrt[",
        "\\\\",
        "$" * 9,
        "\\cite[a",
    ],
)
def test_broken_tex_never_raises(text: str) -> None:
    assert isinstance(clean_text(f"before {text} after"), str)
    assert clean_text(f"before {text} after").startswith("before")
    assert clean_text(f"before {text} after").endswith("after")


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "$",
        "\\frac",
        "$x^{",
        "\\textbf{",
        "\\(",
        "``",
        "&",
        "-",
        " \n",
        "abstract ",
        "\\sqrt[",
        '{\\"}a',
        "]",
        "'",
    ],
)
def test_long_nonsense_takes_little_time(piece: str) -> None:
    assert isinstance(clean_abstract(piece * (30_000 // len(piece)) + "x"), str)


PIECES = [
    "$",
    "\\",
    "{",
    "}",
    "^",
    "_",
    "\\frac",
    "\\'",
    "\\textbf",
    "\\cite",
    "\\left",
    "&lt;",
    "&amp;",
    "&",
    "<i>",
    "</i>",
    "<p>",
    "<sub>",
    "\\textless",
    "\\log",
    "\\own",
    "~",
    " ",
    "\n",
    "a",
    "x^2",
    "é",
    "\u202e",
    "\ud800",
    "[",
    "]",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
@example("\u0340")
def test_any_text_becomes_a_line_without_harmful_characters(text: str) -> None:
    line = clean_text(text)
    assert line == " ".join(line.split())
    assert unicodedata.is_normalized("NFC", line)
    line.encode("utf-8")
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\r\n")
    for paragraph in clean_abstract(text).split("\n\n"):
        assert "\n" not in paragraph


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("One.\n  Two.", "One.\n\nTwo."),
        ("  Wrapped\nline.\n  Second\nparagraph.\n", "Wrapped line.\n\nSecond paragraph."),
        ("Wrapped and\n  indented.", "Wrapped and indented."),
        ("One.\n\n\nTwo.\r\n\r\nThree.", "One.\n\nTwo.\n\nThree."),
        ("Text.\nMore.", "Text. More."),
        ("Abstract: Text.", "Text."),
        ("ABSTRACT—Text.", "Text."),
        ("Abstract interpretation is a method.", "Abstract interpretation is a method."),
        ("Abstract-level words.", "Abstract-level words."),
        ("arXiv:2604.00001v1 Announce Type: new\nAbstract: Text.", "Text."),
        ("<p>One.</p><p>Two p&lt;0.05.</p>", "One.\n\nTwo p<0.05."),
        ("One.\n  Two <i>three</i>.\n  Four.", "One.\n\nTwo three.\n\nFour."),
        ("<jats:title>Abstract</jats:title><jats:p>A\n b.</jats:p>", "A b."),
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "One.\n\nTwo."),
        ("One.<p>Two <b>three", "One.\n\nTwo three"),
        ("The <p> element is empty.", "The <p> element is empty."),
        (
            'Code: <a href="https://example.org/a_b">this\nhttps URL</a>.',
            "Code: https://example.org/a_b.",
        ),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_an_abstract_keeps_its_paragraphs_and_loses_its_preamble(written: str, read: str) -> None:
    assert clean_abstract(written) == read


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("A Title: with (Signs), and $10!", "a title with signs and 10"),
        ("Überraschung—ÉTUDE", "uberraschung etude"),
        ("Straße", "strasse"),
        ("ﬁne x² ℓ₂", "fine x2 l2"),
        ("snake_case", "snake case"),
        ("שלום 世界", "שלום 世界"),
        ("हिन्दी", "हनद"),
        ("İstanbul", "istanbul"),
        ("???", "???"),
        ("🦉", "🦉"),
    ],
)
def test_titles_are_normalised(title: str, key: str) -> None:
    assert normalise_title(title) == key


@given(st.text(max_size=40))
def test_a_normalised_title_stays_itself(text: str) -> None:
    key = normalise_title(text)
    assert normalise_title(key) == key


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_the_fast_path_for_ascii_titles_agrees_with_the_slow_one(text: str) -> None:
    long = normalise_title(text + " é")
    short = normalise_title(text)
    if short != text.strip():
        assert long == f"{short} e".strip()


# ------------------------------------------------------------------------------------------------
# records


def test_a_record_without_a_title_is_rejected_with_its_place() -> None:
    cleaned = clean(record(line=7, raw="raw", title=" \u200b\n "), "jsonl")
    assert cleaned == Rejected(line=7, raw="raw", reason="no title")


def test_a_title_as_long_as_a_page_is_rejected() -> None:
    assert isinstance(clean(record(title="word " * 400), "jsonl"), Entry)
    cleaned = clean(record(title="word " * 401), "jsonl")
    assert isinstance(cleaned, Rejected)
    assert cleaned.reason == "the title has 2,004 characters, more than 2,000"


def test_a_paper_without_an_abstract_is_kept() -> None:
    assert entry().abstract == ""


def test_an_unreadable_arxiv_id_refuses_the_record() -> None:
    cleaned = clean(record(ids=(("arxiv", "704.0001"),)), "arxiv-daily")
    assert isinstance(cleaned, Rejected)
    assert cleaned.reason == "not an arXiv identifier: '704.0001'"


def test_a_missing_or_other_bad_identifier_keeps_the_record() -> None:
    cleaned = entry(
        ids=(
            ("arxiv", "n/a"),
            ("doi", "none"),
            ("pmid", "?"),
            ("id", "row 5"),
            ("url", "https://["),
        )
    )
    assert cleaned.identities == ()


def test_identities_are_canonical_and_unique_by_kind() -> None:
    cleaned = entry(
        ids=(
            ("doi", "10.1000/B"),
            ("arxiv", "arXiv:2606.00001v3"),
            ("doi", "10.1000/other"),
            ("url", "https://arxiv.org/abs/2606.99999"),
        )
    )
    assert cleaned.identities == (
        Identity(kind="arxiv", value="2606.00001"),
        Identity(kind="doi", value="10.1000/b"),
    )
    assert cleaned.version == 3


def test_the_doi_of_an_arxiv_paper_is_its_arxiv_id() -> None:
    assert entry(ids=(("doi", "10.48550/ARXIV.2606.00001"),)).identities == (
        Identity(kind="arxiv", value="2606.00001"),
    )


def test_the_link_of_a_record_names_it() -> None:
    assert entry(url="https://doi.org/10.1000/X").identities == (
        Identity(kind="doi", value="10.1000/x"),
    )


def test_the_version_of_the_record_beats_that_of_the_id() -> None:
    assert entry(version=5, ids=(("arxiv", "2606.00001v3"),)).version == 5
    assert entry(version=0).version is None
    assert entry(version=10**12).version is None


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Doe, Jane", "Jane Doe"),
        ("Doe, Jane M.", "Jane M. Doe"),
        ("Doe, Jane, Jr.", "Jane Doe Jr."),
        ("Jane Doe, Jr.", "Jane Doe Jr."),
        ("Jane Doe", "Jane Doe"),
        ('M{\\"u}ller, K.', "K. Müller"),
        ("The Box Collaboration, Example Site", "The Box Collaboration, Example Site"),
        ("Doe, Jane, Example Town", "Doe, Jane, Example Town"),
        ("\u202eDoe", "Doe"),
        ("Jane Doe 0001", "Jane Doe"),
        ("Doe, I.", "I. Doe"),
        ("Jane Doe1", "Jane Doe"),
        ("Jane Doe†*", "Jane Doe"),
        ("Jane Doe--Roe", "Jane Doe-Roe"),
        ("/Jane Doe\\\\", "Jane Doe"),
        ("Tiny Team 0001x", "Tiny Team 0001x"),
        ("Team Tiny3", "Team Tiny3"),
        ("GPT-5", "GPT-5"),
        ("the Tiny Consortium", "Tiny Consortium"),
    ],
)
def test_names_have_the_first_name_first(written: str, spoken: str) -> None:
    assert entry(authors=(written,)).authors == (spoken,)


def test_empty_names_are_dropped_and_500_are_kept() -> None:
    assert entry(authors=("", " ", ",", ":", "12", "Jane Doe")).authors == ("Jane Doe",)
    assert len(entry(authors=tuple(f"Author {number}" for number in range(500))).authors) == 500


def test_categories_keep_their_order_once_each() -> None:
    assert entry(categories=("cs.LG", "", "stat.ML", "cs.LG")).categories == ("cs.LG", "stat.ML")


@pytest.mark.parametrize(
    ("url", "ids", "landing"),
    [
        ("https://example.org/p?a=1&b=2", (), "https://example.org/p?a=1&b=2"),
        ("javascript:alert(1)", (("arxiv", "2606.00001v2"),), "https://arxiv.org/abs/2606.00001"),
        ("data:text/html,x", (("doi", "10.1000/X"),), "https://doi.org/10.1000/x"),
        ("", (("pmid", "12"),), "https://pubmed.ncbi.nlm.nih.gov/12/"),
        ("https://good.example@evil.example/", (), ""),
        ("https://example.org/\r\nX: y", (), ""),
        ('https://example.org/"onclick=', (), ""),
        ("http:///x", (), ""),
        ("ftp://example.org", (("url", "http://example.org/x"),), "http://example.org/x"),
        ("  https://example.org ", (), "https://example.org"),
    ],
)
def test_the_landing_page_is_a_web_page_or_comes_from_an_identity(
    url: str, ids: tuple[tuple[str, str], ...], landing: str
) -> None:
    assert entry(url=url, ids=ids).url == landing


def test_impossible_dates_and_counts_are_dropped() -> None:
    cleaned = entry(submitted=date(1899, 1, 1), updated=date(1900, 1, 1), upvotes=-1)
    assert (cleaned.submitted, cleaned.updated, cleaned.upvotes) == (None, date(1900, 1, 1), None)
    assert entry(upvotes=10**30).upvotes is None
    assert entry(upvotes=0).upvotes == 0


def test_the_key_is_made_from_the_clean_title() -> None:
    assert entry(title='M\\"uller&#39;s $x^2$').title_key == "muller s x2"


def test_what_a_source_says_of_journal_code_and_project_is_kept() -> None:
    cleaned = entry(
        journal_ref=" J. Toys  3 ",
        code_url="https://github.com/a/b",
        project_url="javascript:alert(1)",
    )
    assert cleaned.journal_ref == "J. Toys 3"
    assert cleaned.code_url == "https://github.com/a/b"
    assert cleaned.project_url == ""


def test_source_comment_and_withdrawal_are_kept() -> None:
    cleaned = entry(comment=" 5  pages ", withdrawn=True)
    assert (cleaned.source, cleaned.comment, cleaned.withdrawn) == ("jsonl", "5 pages", True)
