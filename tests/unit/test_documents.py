"""Statements of the documentation: reading order, version, formats, decisions."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

import pytest
import yaml

import digest
from digest import dumps
from digest.sources import KINDS
from tests.conftest import ROOT

ORDER = "model -> dumps -> papers -> ranking -> mail -> store -> pipeline -> services -> web"


def test_the_reading_order_is_the_same_everywhere() -> None:
    documents = [ROOT / "README.md"]
    # The tests of the built wheel run without the package's own notes.
    if (ROOT / "digest" / "README.md").exists():
        documents.append(ROOT / "digest" / "README.md")
    for path in documents:
        assert ORDER in re.sub(r"\s+", " ", path.read_text(encoding="utf-8")), path
    assert ORDER in re.sub(r"\s+", " ", digest.__doc__ or "")


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{digest.__version__}]" in changelog
    assert changelog.index("## [Unreleased]") < changelog.index(f"## [{digest.__version__}]")


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    """It runs against the built wheel too, which must hold the file."""
    assert (resources.files("digest") / "py.typed").is_file()


def test_every_format_has_a_row_in_the_notes() -> None:
    notes = ROOT / "digest" / "dumps" / "README.md"
    if notes.exists():
        text = notes.read_text(encoding="utf-8")
        assert [name for name in dumps.FORMATS if f"| `{name}` |" not in text] == []


def test_every_source_has_a_row_in_the_notes() -> None:
    notes = ROOT / "digest" / "sources" / "README.md"
    if notes.exists():
        text = notes.read_text(encoding="utf-8")
        assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "digest" / "decisions"
    if folder.exists():
        index = (folder / "README.md").read_text(encoding="utf-8")
        linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
        assert linked == {path.name for path in folder.glob("*.md")} - {"README.md"}


def find_documents() -> list[Path]:
    """Find the repository's Markdown files."""
    paths = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name != "node_modules" and (name == ".github" or not name.startswith("."))
        ]
        paths += [Path(folder) / name for name in names if name.endswith(".md")]
    return paths


@pytest.mark.skipif(
    not (ROOT / "digest" / "README.md").exists(), reason="only a checkout has all documents"
)
def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in find_documents():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_prose_is_wrapped_at_100_columns() -> None:
    """Tables, indented blocks and fenced ones are left alone."""
    long = []
    for path in find_documents():
        fenced = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            fenced ^= line.lstrip().startswith("```")
            if len(line) > 100 and not fenced and not line.startswith(("|", "    ")):
                long.append(f"{path.relative_to(ROOT)}:{number}")
    assert long == []


def test_workflows_and_forms_are_yaml_and_run_steps_that_exist() -> None:
    folder = ROOT / ".github"
    if not folder.exists():  # the tests of the built wheel run without it
        return
    steps = set(re.findall(r"^(\w+)\(\) \{", (ROOT / ".ci" / "run").read_text("utf-8"), re.M))
    for path in folder.rglob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert isinstance(content, dict), path
        if path.parent.name == "workflows":
            for job in content["jobs"].values():
                assert {"runs-on", "steps"} <= set(job), path
                called = [step.get("run", "") for step in job["steps"]]
                for name in re.findall(r"\.ci/run (\w+)", " ".join(called)):
                    assert name in steps, (path, name)
                matrix = job.get("strategy", {}).get("matrix", {})
                assert set(matrix.get("step", ())) <= steps, path
        elif path.name != "config.yml":
            assert {"name", "description", "body"} <= set(content), path


def test_the_classifiers_are_the_pythons_of_ci() -> None:
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    if not workflow.exists():
        return
    pythons = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]["unit"]["strategy"]["matrix"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    claimed = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert claimed == pythons["python"]
