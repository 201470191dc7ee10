"""Categories and example papers that find nothing yet: told wherever they are typed, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digest import config as settings
from digest import doctor, pipeline, services, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.model import Interest, Purpose
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers
from tests.webclient import Client

Dump = Callable[..., Path]
MACHINE_LEARNING = (
    'category "machine learning" is unknown; '
    "did you mean cs.LG (Machine Learning) or stat.ML (Machine Learning)?"
)
NOT_STORED = 'example paper "2606.99999" is not stored yet; it is kept and used when it comes'


def check(app: App, **fields: tuple[str, ...]) -> list[str]:
    with app.store.reading() as tx:
        (warnings,) = services.check_typed(tx, [[Interest(**fields)]])  # type: ignore[arg-type]
    return [warning.sentence for warning in warnings]


def run(folder: Path, *words: str) -> Result:
    variables = {"DIGEST_STORE__URL": f"sqlite:///{folder}/typed.db"}
    return CliRunner().invoke(commands, [*words], env=variables)


# ----------------------------------------------------------------------------------------------
# the check


def test_known_categories_and_stored_papers_raise_no_warning(any_app: App, dump: Dump) -> None:
    pipeline.ingest(any_app, [dump()])
    first = invent_papers(TODAY)[0]
    assert not check(
        any_app,
        categories=("cs.LG", "q-bio", "q-bio.*", "-cs.CV", "astro-ph"),
        papers=(first["arxiv"], first["title"]),
    )


def test_unknown_ones_are_told_with_what_to_write(any_app: App, dump: Dump) -> None:
    pipeline.ingest(any_app, [dump()])
    assert check(
        any_app,
        categories=("machine learning", "-nlp", "cs.XX"),
        papers=("2606.99999", "A paper that nobody wrote"),
    ) == [
        MACHINE_LEARNING,
        'category "-nlp" is unknown; did you mean -cs.CL (Computation and Language)?',
        'category "cs.XX" is unknown: no stored paper has it',
        NOT_STORED,
        'example paper "A paper that nobody wrote" is not stored yet; until it comes, the words '
        "of its title are used",
    ]


def test_a_category_that_stored_papers_have_is_known(any_app: App, dump: Dump) -> None:
    rows = [row | {"categories": ["Zoology Today"]} for row in invent_papers(TODAY)]
    assert check(any_app, categories=("zoology today",))
    pipeline.ingest(any_app, [dump(rows=rows)])
    assert not check(any_app, categories=("zoology today", "Zoology Today"))


@pytest.mark.parametrize("by", ["arxiv", "title"])
def test_an_example_paper_is_used_when_it_comes(any_app: App, dump: Dump, by: str) -> None:
    row = invent_papers(TODAY)[0]
    request = SubscriptionRequest(email="erin@example.org", papers=(row[by],))
    erin = subscriptions.subscribe(any_app, request, origin="command").subscriber
    assert check(any_app, papers=(row[by],))
    assert services.explain_profile(any_app, erin).interests[0].papers == ()
    pipeline.ingest(any_app, [dump()])
    assert not check(any_app, papers=(row[by],))
    (found,) = services.explain_profile(any_app, erin).interests[0].papers
    assert found.paper.title == row["title"]


# ----------------------------------------------------------------------------------------------
# where they are typed


def test_the_command_warns_and_subscribes(tmp_path: Path) -> None:
    words = ("--category", "machine learning", "--paper", "2606.99999")
    result = run(tmp_path, "subscribe", "erin@example.org", *words)
    assert result.exit_code == 0
    told = " ".join(result.output.split())
    assert MACHINE_LEARNING in told
    assert NOT_STORED in told
    values = json.loads(run(tmp_path, "subscribe", "erin@example.org", *words, "--json").stdout)
    assert values["outcome"] == "unchanged"
    assert values["warnings"] == [
        {
            "interest": "main",
            "field": "categories",
            "value": "machine learning",
            "text": MACHINE_LEARNING,
        },
        {"interest": "main", "field": "papers", "value": "2606.99999", "text": NOT_STORED},
    ]


def test_a_file_is_taken_and_its_lines_are_named(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text(
        "email,categories,papers\n"
        "a@example.org,cs.LG,\n"
        "no address,cs.LG,\n"
        "b@example.org,machine learning,2606.99999\n"
    )
    result = run(tmp_path, "subscribe", "--file", str(file), "--json")
    assert result.exit_code == 1  # a row was rejected
    values = json.loads(result.stdout)
    assert (values["new"], [row["line"] for row in values["rejects"]]) == (2, [3])
    assert [(found["line"], found["text"]) for found in values["warnings"]] == [
        (4, MACHINE_LEARNING),
        (4, NOT_STORED),
    ]
    told = " ".join(run(tmp_path, "subscribe", "--file", str(file)).output.split())
    assert f"line 4: {MACHINE_LEARNING}" in told


def test_the_doctor_names_the_entry_of_the_config(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/typed.db"\n[mail]\nsender = "d@example.org"\n'
        '[[subscribers]]\nemail = "erin@example.org"\ncategories = ["machine learning", "cs.LG"]\n'
        '[[subscribers]]\nemail = "finn@example.org"\n'
        'interests = [{name = "a", papers = ["2606.99999"]}]\n'
    )
    assert (
        CliRunner().invoke(commands, ["subscribers", "--apply", "--config", str(path)]).exit_code
        == 0
    )
    findings = doctor.examine(settings.load(path, {}), offline=True)
    assert [(found.level, found.what) for found in findings if "[[subscribers]]" in found.what] == [
        ("note", f"[[subscribers]] erin@example.org: {MACHINE_LEARNING}"),
        ("note", f"[[subscribers]] finn@example.org: {NOT_STORED}"),
    ]


def test_the_settings_page_notes_it_beside_the_field(app: App) -> None:
    erin = subscriptions.subscribe(
        app, SubscriptionRequest(email="erin@example.org"), origin="command"
    ).subscriber
    client = Client(app)
    form = {
        "do": "save",
        "size": "7",
        "hour": "18",
        "timezone": "UTC",
        "days": ["1"],
        "strictness": "80",
        "quiet_days": "line",
        "keywords": "",
        "categories": "machine learning\ncs.LG",
        "authors": "",
    }
    page = client.post(client.path(Purpose.MANAGE, erin), data=form).text
    note = "“machine learning” is unknown; did you mean cs.LG (Machine Learning) or stat.ML"
    assert page.index('id="categories-hint"') < page.index(note) < page.index('id="categories" ')
    assert subscriptions.get(app, erin.id).interests[0].categories == ("machine learning", "cs.LG")
    fixed = client.post(client.path(Purpose.MANAGE, erin), data=form | {"categories": "cs.LG"})
    assert "is unknown" not in fixed.text
    names = {f"{key}-0": "" for key in ("former", "keywords", "authors")}
    several = {f"{key}-1": "" for key in ("former", "keywords", "authors")}
    more = names | several | {"name-0": "a", "share-0": "1", "categories-0": "cs.CL"}
    more |= {"name-1": "b", "share-1": "1", "categories-1": "nlp"}
    page = client.post(client.path(Purpose.MANAGE, erin), data=form | more).text
    assert page.index('id="categories-1-hint"') < page.index("“nlp” is unknown")


def test_the_api_tells_it_of_what_was_sent(app: App) -> None:
    client = Client(app)
    body = {"categories": ["machine learning"], "papers": ["2606.99999"]}
    for _ in range(2):
        answer = client.post("/api/v1/subscribers", json=body | {"email": "erin@example.org"})
        assert answer.status_code == 202
        assert [found["text"] for found in answer.json()["warnings"]] == [
            MACHINE_LEARNING,
            NOT_STORED,
        ]
    schema = client.get("/openapi.json").json()["components"]["schemas"]["SignUpAccepted"]
    assert "warnings" in schema["properties"]
