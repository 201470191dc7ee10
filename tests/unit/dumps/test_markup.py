"""Tags and entities in titles and abstracts, from the file to the paper, in every format."""

from __future__ import annotations

import pytest

from tests.unit.dumps.conftest import MakeDump, entries
from tests.unit.dumps.every_format import TITLED, format_text

MENDELEY = (
    "{\\textless}i{\\textgreater}Salix{\\textless}/i{\\textgreater}",
    "CO{\\textless}sub{\\textgreater}2{\\textless}/sub{\\textgreater}",
    "p{\\textless}0.05",
)
ZOTERO = ("{$<$}i{$>$}Salix{$<$}/i{$>$}", "CO{$<$}sub{$>$}2{$<$}/sub{$>$}", "p{$<$}0.05")
SPRINGER = ("$<$i$>$Salix$<$/i$>$", "CO$<$sub$>$2$<$/sub$>$", "p$<$0.05")
HTML = ("<i>Salix</i>", "CO<sub>2</sub>", "p<0.05")
ESCAPED = (
    "\\&lt;i\\&gt;Salix\\&lt;/i\\&gt;",
    "CO{\\&}lt;sub{\\&}gt;2{\\&}lt;/sub{\\&}gt;",
    "p&lt;0.05",
)


@pytest.mark.parametrize("format", sorted(TITLED))
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("On &lt;i&gt;Salix&lt;/i&gt; lakes", "On Salix lakes"),
        ("On CO&lt;sub&gt;2&lt;/sub&gt; &amp;amp; salt", "On CO₂ & salt"),
        ("On &lt;jats:italic&gt;salt&lt;/jats:italic&gt; at p&lt;0.05", "On salt at p<0.05"),
        ("A List&lt;T&gt; of x&lt;y&gt;z", "A List<T> of x<y>z"),
    ],
)
def test_tags_are_removed_in_every_format(
    format: str, written: str, read: str, make_dump: MakeDump
) -> None:
    (entry,) = entries(make_dump(format_text(format, written)))
    assert entry.title == read


@pytest.mark.parametrize("spelling", [MENDELEY, ZOTERO, SPRINGER, HTML, ESCAPED])
def test_every_spelling_of_tags_in_bibtex_is_read(
    spelling: tuple[str, str, str], make_dump: MakeDump
) -> None:
    name, gas, chance = spelling
    (entry,) = entries(
        make_dump(
            f"@article{{a, title = {{{{On {name} and {gas}}}}}, author = {{Doe, Jane}},\n"
            f"abstract = {{{name} grows in {gas} ({chance}).}} }}\n"
        )
    )
    assert entry.title == "On Salix and CO₂"
    assert entry.abstract == "Salix grows in CO₂ (p<0.05)."


@pytest.mark.parametrize(
    "text",
    [
        'title,abstract,doi\n"A <i>t</i>","<p>One.</p><p>Two, p &lt; 0.05.</p>",10.1000/17\n',
        '{"title": "A <i>t</i>", "abstract": "<p>One.</p><p>Two, p &lt; 0.05.</p>"}\n',
        "TY  - JOUR\nTI  - A <i>t</i>\nAB  - <p>One.</p><p>Two, p &lt; 0.05.</p>\nER  - \n",
        '[{"type": "article", "title": "A <i>t</i>", "DOI": "10.1000/17",'
        ' "abstract": "<p>One.</p><p>Two, p &lt; 0.05.</p>"}]',
    ],
)
def test_abstracts_keep_their_paragraphs(text: str, make_dump: MakeDump) -> None:
    (entry,) = entries(make_dump(text))
    assert (entry.title, entry.abstract) == ("A t", "One.\n\nTwo, p < 0.05.")
