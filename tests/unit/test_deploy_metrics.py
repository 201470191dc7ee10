"""The board of Grafana and the rules of Prometheus ask for metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from digest import metrics
from digest.app import App
from digest.cli.commands import app as commands
from digest.services.measurements import DatabaseCollector
from tests.conftest import ROOT, skip_or_fail

PROMETHEUS = ROOT / "deploy" / "prometheus"
BOARD = ROOT / "deploy" / "grafana" / "digest.json"
#: of Prometheus itself, for each process that it asks
_UP = {"up": {"job", "instance"}}
#: labels that Prometheus adds, and the bound of a bucket
_ADDED = {"instance", "job", "le"}


@pytest.fixture
def known(app: App) -> dict[str, set[str]]:
    """Every series by name, with its labels."""
    series = dict(_UP)
    for collector in (metrics.REGISTRY, DatabaseCollector(app)):
        for family in collector.collect():
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
            for ending in endings.get(family.type, ("",)):
                series[family.name + ending] = set()
    # labels: those of a metric without samples are known from its definition alone
    for collector in metrics.REGISTRY._collector_to_names:
        name, labels = getattr(collector, "_name", ""), getattr(collector, "_labelnames", ())
        for key in series:
            if re.fullmatch(rf"{name}(_total|_bucket|_sum|_count)?", key):
                series[key] |= set(labels)
    for family in DatabaseCollector(app).describe():
        series[family.name] |= set(family._labelnames)
    return series


def read_rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def read_panels() -> Iterator[tuple[str, str]]:
    """Yield the title of each panel with each of its queries."""
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def find_names(query: str) -> set[str]:
    """Return the names of series in a query."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without) *\([^)]*\)", "", query)
    words = re.findall(r"(?<![\w$\"])[a-z_]{2,}(?![\w(])(?! *\()", bare)
    return set(words) - {"and", "or", "unless", "by", "on", "without", "bool"}


def find_labels(query: str) -> set[str]:
    selected = re.findall(r"[{,] *(\w+) *(?:=~|!~|!=|=)", query)
    grouped = re.findall(r"\b(?:by|on|without) *\(([^)]*)\)", query)
    return set(selected) | {name for names in grouped for name in re.findall(r"\w+", names)}


@pytest.mark.parametrize(
    ("place", "query"),
    [*read_panels(), *((rule["alert"], rule["expr"]) for rule in read_rules())],
)
def test_every_query_asks_for_series_and_labels_that_exist(
    known: dict[str, set[str]], place: str, query: str
) -> None:
    names = find_names(query)
    assert names, place
    assert names <= known.keys(), f"{place}: {names - known.keys()}"
    labels = set.union(*(known[name] for name in names)) | _ADDED
    assert find_labels(query) <= labels, f"{place}: {find_labels(query) - labels}"


def test_every_metric_of_ours_is_on_the_board_or_in_a_rule(known: dict[str, set[str]]) -> None:
    queries = [query for _, query in read_panels()] + [rule["expr"] for rule in read_rules()]
    used = {re.sub(r"_(total|bucket|sum|count)$", "", n) for q in queries for n in find_names(q)}
    ours = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in known if "digest" in name}
    assert ours - used == {
        "digest_fetch_requests",
        "digest_last_run_failed",
        "digest_schema_version",
        "digest_source_last_fetch_timestamp_seconds",
    }


def test_every_alert_names_its_remedy_by_commands_that_exist() -> None:
    group: Any = typer.main.get_command(commands)
    for rule in read_rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"]["summary"].endswith(".")
        remedy = rule["annotations"]["remedy"]
        for command in re.findall(r"`digest ([a-z-]+)(?: ([a-z]+))?", remedy):
            found = group.commands[command[0]]
            if command[1] and hasattr(found, "commands"):
                assert command[1] in found.commands, remedy


def test_the_board_has_one_id_a_panel_and_no_overlap() -> None:
    panels = json.loads(BOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        own = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not own & cells, panel["title"]
        assert max(x for x, _ in own) < 24
        cells |= own


def run_promtool(*args: str | Path) -> None:
    """Run Prometheus's own checker."""
    promtool = shutil.which("promtool")
    if promtool is None:
        skip_or_fail("promtool is missing (Debian's package prometheus)")
    ran = subprocess.run([str(promtool), *map(str, args)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    run_promtool("check", "config", PROMETHEUS / "prometheus.yml")
    run_promtool("test", "rules", PROMETHEUS / "rules.test.yml")


def test_prometheus_takes_every_query_of_the_board(tmp_path: Path) -> None:
    rules = [
        {
            "record": f"panel:{number}",
            "expr": query.replace("$__rate_interval", "5m"),
        }
        for number, (_, query) in enumerate(read_panels())
    ]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    run_promtool("check", "rules", file)
