"""What is written about the project is true: the order of the modules, the version, the top level,
the formats.
"""

from __future__ import annotations

import re

import digest
from digest import dumps
from tests.conftest import ROOT

ORDER = "dumps -> papers -> features -> profiles -> scores -> digests -> messages -> feedback"


def test_the_way_of_the_data_is_told_alike_everywhere() -> None:
    for path in (ROOT / "README.md", ROOT / "digest" / "README.md"):
        if (
            path.exists()
        ):  # the package's own notes are beside the package, not beside an installed wheel
            assert ORDER in re.sub(r"\s+", " ", path.read_text(encoding="utf-8")), path
    assert ORDER in re.sub(r"\s+", " ", digest.__doc__ or "")


def test_the_changelog_knows_the_version() -> None:
    assert f"## {digest.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_format_has_a_row_in_the_notes() -> None:
    notes = ROOT / "digest" / "README.md"
    if notes.exists():
        text = notes.read_text(encoding="utf-8")
        assert [name for name in dumps.FORMATS if f"| `{name}` |" not in text] == []
