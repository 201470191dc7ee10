"""Past digests, mails in the browser, saved papers, and the page that says why a paper matched."""

from __future__ import annotations

import html
import json
import logging
import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Paper, Purpose, Subscriber
from digest.ranking import scores
from tests.conftest import TODAY, make_app, read_mails
from tests.unit.web.conftest import heading, listed, message_id, page_of
from tests.webclient import Client, Person, Write, contents, fill, forms

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)></body></main>"


def own(client: Client, reader: Subscriber, page: str) -> str:
    return client.path(Purpose.MANAGE, reader) + page


def mail_of(app: App, name: str) -> EmailMessage:
    (mail,) = [mail for mail in read_mails(app).values() if name in str(mail["To"])]
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def saved_ids(app: App, reader: Subscriber) -> list[int]:
    return [entry.paper.id for entry in services.load_saved(app, reader.id)]


# --------------------------------------------------------------------------------- the mail itself


def test_the_mail_leads_to_itself_in_the_browser(person: Person, alice: Subscriber) -> None:
    mail = mail_of(person.app, "alice")
    base = person.app.config.web.base_url
    (address,) = re.findall(r'href="([^"]*)"[^>]*>View in browser<', part(mail, "html"))
    assert f"<{address}>" in part(mail, "plain")
    assert address == f"{base}{page_of(person.app, alice)}/mail"
    answer = person.get(address.removeprefix(base))
    assert answer.status_code == 200
    sent = part(mail, "html")
    content = sent[sent.index('<div role="article"') : sent.index("</body>")]
    assert content.strip() in answer.text
    (archive,) = re.findall(r'href="([^"]*)"[^>]*>Past digests<', sent)
    assert person.get(archive.removeprefix(base)).status_code == 200


def test_a_mail_in_the_browser_runs_and_loads_nothing(person: Person, alice: Subscriber) -> None:
    answer = person.get(f"{page_of(person.app, alice)}/mail")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<(script|img|iframe|object)\b", answer.text)


def test_a_mail_that_is_gone_says_so(person: Person, alice: Subscriber) -> None:
    path = f"{page_of(person.app, alice)}/mail"
    other = person.app.url(Purpose.RATE, alice.id, message_id=2**39)
    unknown = other.removeprefix(person.app.config.web.base_url) + "/mail"
    preview = person.get(person.path(Purpose.RATE, alice) + "/mail")
    assert heading(preview.text) == "This is a preview"
    before = person.get(unknown)
    subscriptions.delete(person.app, alice.id)
    after = person.get(path)
    assert heading(before.text) == heading(after.text) == "This mail is no longer stored"
    assert before.status_code == after.status_code == 404


def test_a_mail_whose_papers_were_all_withdrawn_says_so(
    person: Person, alice: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = store.papers.load

    def withdrawn(*args: Any, **more: Any) -> dict[int, Paper]:
        papers = load(*args, **more)
        return {ident: replace(p, withdrawn=True) for ident, p in papers.items()}

    monkeypatch.setattr("digest.store.papers.load", withdrawn)
    answer = person.get(f"{page_of(person.app, alice)}/mail")
    assert heading(answer.text) == "This mail is no longer stored"


def test_a_quiet_days_mail_opens_in_the_browser(
    app: App, readers: dict[str, Subscriber], person: Person, dump: Write
) -> None:
    reader = readers["bob"]
    request = subscriptions.SubscriptionRequest(
        email=reader.email, quiet_days="line", keywords=("beekeeping",), strictness=99
    )
    subscriptions.change(app, reader.id, request)
    pipeline.ingest(app, [dump(TODAY + timedelta(days=1), per_topic=1)], seen="name")
    person.clock.wait(timedelta(days=1).total_seconds())
    pipeline.compose(person.app)
    pipeline.send(person.app)
    (mail,) = [m for m in read_mails(app).values() if m["Subject"].startswith("Nothing for you")]
    text = part(mail, "html")
    (address,) = re.findall(r'href="([^"]*)"[^>]*>View in browser<', text)
    answer = person.get(address.removeprefix(app.config.web.base_url))
    assert answer.status_code == 200
    assert text[text.index('<div role="article"') : text.index("</body>")].strip() in answer.text


# ------------------------------------------------------------------------------------- the archive


def test_the_archive_lists_what_was_sent_newest_first(
    person: Person, alice: Subscriber, dump: Write
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    pipeline.ingest(person.app, [dump(tomorrow, per_topic=1)], seen="name")
    person.clock.wait(timedelta(days=1).total_seconds())
    pipeline.compose(person.app)
    text = person.get(own(person, alice, "/digests")).text
    assert "1 digest." in text, "what was not sent yet is not listed"
    pipeline.send(person.app)
    text = person.get(own(person, alice, "/digests")).text
    assert "2 digests." in text
    days = re.findall(r"<strong>(\w+, \d+ \w+ 2026)</strong>", text)
    assert days == [f"{day:%A}, {day.day} {day:%B} 2026" for day in (tomorrow, TODAY)]
    for address in re.findall(r'href="([^"]*)" aria-label', text):
        assert person.get(address).status_code == 200


def test_the_archive_has_pages(
    person: Person, alice: Subscriber, dump: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.services.archive.PAGE_SIZE", 1)
    tomorrow = TODAY + timedelta(days=1)
    pipeline.ingest(person.app, [dump(tomorrow, per_topic=1)], seen="name")
    person.clock.wait(timedelta(days=1).total_seconds())
    pipeline.compose(person.app)
    pipeline.send(person.app)
    path = own(person, alice, "/digests")
    first, second = person.get(path).text, person.get(f"{path}?page=2").text
    assert "Next page" in first
    assert "Previous page" not in first
    assert "Previous page" in second
    assert "Next page" not in second
    for odd in ("0", "-1", "x", "9" * 40, "99", "١"):
        assert person.get(f"{path}?page={odd}").status_code == 200


# ------------------------------------------------------------------------------------ saved papers


def save_form(text: str, number: int) -> tuple[str, dict[str, str]]:
    article = text.partition(f'id="p{number}"')[2].partition("</article>")[0]
    (found,) = [(action, fields) for action, fields in forms(article) if "do" in fields]
    return found


def test_a_paper_is_saved_once_and_taken_off_again(person: Person, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    paper = listed(person.app, alice).items[1].paper
    action, fields = save_form(person.get(path).text, 2)
    for _ in range(2):
        answer = person.post(action.partition("#")[0], data=fields)
        assert "Saved for later." in answer.text
        assert saved_ids(person.app, alice) == [paper.id]
    action, undo = save_form(answer.text, 2)
    assert undo["do"] == "remove"
    for _ in range(2):
        person.post(action.partition("#")[0], data=undo)
        assert saved_ids(person.app, alice) == []


def test_the_mail_in_the_browser_saves_papers(person: Person, alice: Subscriber) -> None:
    text = person.get(f"{page_of(person.app, alice)}/mail").text
    papers = [rated.paper.id for rated in listed(person.app, alice).items]
    assert [int(fields["paper"]) for _, fields in forms(text)] == papers
    action, fields = forms(text)[0]
    answer = person.post(action.partition("#")[0], data=fields)
    assert "Saved for later." in answer.text
    assert saved_ids(person.app, alice) == papers[:1]
    again = person.get(f"{page_of(person.app, alice)}/mail").text
    assert [int(fields["paper"]) for _, fields in forms(again)] == papers[1:]


def test_saved_papers_are_listed_and_exported(person: Person, alice: Subscriber) -> None:
    papers = [rated.paper for rated in listed(person.app, alice).items]
    for paper in papers:
        services.save_paper(person.app, alice.id, paper.id)
        person.clock.wait(60)
    path = own(person, alice, "/saved")
    text = person.get(path).text
    titles = [html.escape(paper.title, quote=False) for paper in reversed(papers)]
    assert re.findall(r'rel="noreferrer" dir="auto">(.*?)</a>', text) == titles
    for suffix, kind in (("bib", "bibtex"), ("ris", "ris"), ("json", "csl")):
        answer = person.get(f"{path}.{suffix}")
        assert f'filename="saved-papers.{suffix}"' in answer.headers["content-disposition"]
        for paper in papers:
            assert paper.identity("arxiv") in answer.text, kind
    keys = re.findall(r"^@misc\{(.*),$", person.get(f"{path}.bib").text, re.MULTILINE)
    assert len(set(keys)) == len(papers), "every entry has a key of its own"
    ids = [item["id"] for item in json.loads(person.get(f"{path}.json").text)]
    assert len(set(ids)) == len(papers)


def test_a_paper_taken_off_the_list_comes_back_by_undo(person: Person, alice: Subscriber) -> None:
    paper = listed(person.app, alice).items[0].paper
    services.save_paper(person.app, alice.id, paper.id)
    path = own(person, alice, "/saved")
    ((_, remove),) = forms(person.get(path).text)
    answer = person.post(path, data=remove)
    assert saved_ids(person.app, alice) == []
    (undo,) = [fields for _, fields in forms(answer.text) if fields.get("do") == "save"]
    person.post(path, data=undo)
    assert saved_ids(person.app, alice) == [paper.id]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "save"},
        {"do": "save", "paper": "x"},
        {"do": "save", "paper": "9" * 30},
        {"do": "drop", "paper": "1"},
    ],
)
def test_a_form_without_a_paper_saves_nothing(
    person: Person, alice: Subscriber, fields: dict[str, str]
) -> None:
    before = contents(person.app)
    assert person.post(own(person, alice, "/saved"), data=fields).status_code == 200
    assert person.post(page_of(person.app, alice), data=fields).status_code == 200
    assert contents(person.app) == before


def test_the_list_of_saved_papers_has_an_end(
    person: Person, alice: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.services.saved.MOST_SAVED", 1)
    first, second = (rated.paper.id for rated in listed(person.app, alice).items[:2])
    path = own(person, alice, "/saved")
    person.post(path, data={"do": "save", "paper": str(first)})
    answer = person.post(path, data={"do": "save", "paper": str(second)})
    assert answer.status_code == 422
    assert "remove some first" in answer.text
    assert saved_ids(person.app, alice) == [first]


# ----------------------------------------------------------------------------- why a paper matched


def test_a_paper_says_why_it_matched_by_the_link_alone(person: Person, alice: Subscriber) -> None:
    rated = listed(person.app, alice).items[0]
    path = f"{page_of(person.app, alice)}/p/{rated.paper.id}"
    assert f'href="{path}"' in person.get(page_of(person.app, alice)).text
    answer = person.get(path)
    assert "Why it matched you" in answer.text
    assert html.escape(scores.write_reason(rated.item.score), quote=False) in answer.text
    assert "canonical" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    public = person.get(f"/p/{rated.paper.id}")
    assert "Why it matched" not in public.text
    assert public.headers["cache-control"].startswith("public")


def test_the_page_of_a_paper_takes_thumbs_and_saves(person: Person, alice: Subscriber) -> None:
    rated = listed(person.app, alice).items[0]
    path = f"{page_of(person.app, alice)}/p/{rated.paper.id}"
    (up,) = [fields for _, fields in forms(person.get(path).text) if fields.get("vote") == "1"]
    assert "Noted: more like this" in person.post(path, data=up).text
    assert listed(person.app, alice).items[0].vote == 1
    person.post(path, data={"paper": str(rated.paper.id), "do": "save"})
    assert saved_ids(person.app, alice) == [rated.paper.id]
    other = next(item.paper.id for item in listed(person.app, alice).items[1:])
    person.post(path, data={"paper": str(other), "do": "save"})
    assert saved_ids(person.app, alice) == [rated.paper.id], "of this page's paper alone"


def test_only_papers_of_the_digest_are_explained(person: Person, alice: Subscriber) -> None:
    ids = {rated.paper.id for rated in listed(person.app, alice).items}
    other = next(ident for ident in range(1, 50) if ident not in ids)
    for ident in (other, 0, 10**30):
        assert person.get(f"{page_of(person.app, alice)}/p/{ident}").status_code == 404
    rate = page_of(person.app, alice).removeprefix("/d/")
    assert person.get(f"/m/{rate}/digests").status_code == 404


# ---------------------------------------------------------------------------------------- scanners


def all_pages(app: App, reader: Subscriber) -> list[str]:
    rate = page_of(app, reader)
    client = Client(app)
    paper = listed(app, reader).items[0].paper.id
    down = app.url(Purpose.DOWN, reader.id, paper_id=paper, message_id=message_id(app, reader))
    ends = ("digests", "saved", "saved.bib", "saved.ris", "saved.json", "feed", "catch-up")
    return [
        rate,
        f"{rate}/mail",
        f"{rate}/p/{paper}",
        down.removeprefix(app.config.web.base_url) + "/less",
        *(client.path(Purpose.MANAGE, reader) + f"/{end}" for end in ends),
        client.path(Purpose.MANAGE, reader) + "/catch-up?days=7",
    ]


def test_a_scanner_that_opens_every_page_twice_changes_nothing(
    robot: Client, alice: Subscriber
) -> None:
    pages = all_pages(robot.app, alice)
    before = contents(robot.app)
    for path in pages:
        for method in ("GET", "HEAD", "GET"):
            assert robot.request(method, path).status_code == 200, path
    assert contents(robot.app) == before


def test_no_token_comes_into_the_log(
    robot: Client, alice: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    pages = all_pages(robot.app, alice)
    caplog.set_level(logging.DEBUG)
    for path in pages:
        robot.get(path)
        for action, fields in forms(robot.get(path).text):
            robot.post((action or path).partition("#")[0], data=fields)
    own_lines = [r.getMessage() for r in caplog.records if r.name.startswith("digest")]
    assert own_lines
    assert not re.search(r"[a-z2-7]{55}", "\n".join(own_lines))


def test_pages_of_a_deleted_reader_say_nothing_of_them(robot: Client, alice: Subscriber) -> None:
    pages = all_pages(robot.app, alice)
    subscriptions.delete(robot.app, alice.id)
    for path in pages:
        answer = robot.get(path)
        assert answer.status_code == 404, path
        assert "alice" not in answer.text


def test_foreign_text_is_text_on_every_page(tmp_path: Path, dump: Write) -> None:
    app = make_app(tmp_path)
    rows = [
        {
            "arxiv": f"2606.0900{number}",
            "title": f"Robot arm {number} {HOSTILE}",
            "abstract": f"A robot {HOSTILE}",
            "authors": [f"Jane {HOSTILE}", "Richard Roe"],
            "categories": ["cs.RO"],
        }
        for number in (1, 2)
    ]
    fill(app, dump, rows=rows)
    request = subscriptions.SubscriptionRequest(
        email="eve@example.org", name=HOSTILE, keywords=("robot",), strictness="always"
    )
    eve = subscriptions.subscribe(app, request, origin="command").subscriber
    pipeline.compose(app)
    pipeline.send(app)
    services.save_paper(app, eve.id, listed(app, eve).items[0].paper.id)
    robot = Client(app)
    for path in all_pages(app, eve):
        if not path.endswith((".bib", ".ris", ".json")):
            answer = robot.get(path)
            assert answer.status_code == 200, path
            assert "<script" not in answer.text, path
            assert "<img src=x" not in answer.text, path
            assert answer.text.count("</body>") == 1, path
    app.close()


def test_base_url_with_a_path_prefix_holds_on_every_page(
    sent: App, readers: dict[str, Subscriber]
) -> None:
    web = sent.config.web.model_copy(update={"base_url": "http://digest.test/papers"})
    config = sent.config.model_copy(update={"web": web})
    app = replace(sent, config=config)
    robot = Client(app)
    for path in all_pages(app, readers["alice"]):
        text = robot.get(path).text
        inner = re.findall(r'(?:href|action)="(/[^"]*)"', text)
        assert all(address.startswith("/papers/") for address in inner), path


# ------------------------------------------------------------------------------------------- feeds


def feed_addresses(text: str) -> list[str]:
    return re.findall(r'value="http://[^/"]*(/f/[^"]*)"', text)


def renew(text: str, verb: str = "renew") -> dict[str, str]:
    numbers = re.findall(r'name="number" value="(\d+)"', text)
    return {"number": numbers[0], "do": verb}


def test_a_feed_holds_the_papers_of_the_digests(person: Person, alice: Subscriber) -> None:
    path = own(person, alice, "/feed")
    assert feed_addresses(person.get(path).text) == []
    text = person.post(path, data=renew(person.get(path).text)).text
    atom, json_feed = feed_addresses(text)
    answer = person.get(atom)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    known = person.request("GET", atom, headers={"If-None-Match": answer.headers["etag"]})
    assert known.status_code == 304
    titles = [rated.paper.title for rated in listed(person.app, alice).items]
    assert re.findall(r"<title>(.*?)</title>", answer.text)[1:] == titles
    assert "alice" not in answer.text
    items = json.loads(person.get(json_feed).text)["items"]
    assert [item["title"] for item in items] == titles
    assert all(item["content_text"].startswith("Why: ") for item in items)


def test_a_new_address_ends_the_old_one(person: Person, alice: Subscriber) -> None:
    path = own(person, alice, "/feed")
    form = renew(person.get(path).text)
    first = feed_addresses(person.post(path, data=form).text)
    assert feed_addresses(person.post(path, data=form).text) == first, "posted again: the same"
    text = person.post(path, data=renew(person.get(path).text)).text
    second = feed_addresses(text)
    assert set(first).isdisjoint(second)
    assert {person.get(address).status_code for address in first} == {410}
    assert {person.get(address).status_code for address in second} == {200}
    close = renew(text, "close")
    for _ in range(2):
        assert "The feed is closed." in person.post(path, data=close).text
    assert {person.get(address).status_code for address in (*first, *second)} == {410}


def test_a_feed_address_opens_nothing_else(person: Person, alice: Subscriber) -> None:
    feed = services.renew_feed(person.app, alice.id, 0, is_open=True)
    (url,) = person.app.urls([services.feed_link(alice.id, feed)])
    token = url.rpartition("/")[2]
    for path in (f"/m/{token}", f"/m/{token}/feed", f"/d/{token}", f"/t/{token}", f"/u/{token}"):
        assert person.get(path).status_code == 404
    manage = person.path(Purpose.MANAGE, alice).rpartition("/")[2]
    assert person.get(f"/f/{manage}.atom").status_code == 404


@pytest.mark.parametrize(
    "form",
    [{}, {"do": "renew"}, {"do": "renew", "number": "x"}, {"do": "renew", "number": "7"}],
)
def test_a_form_that_knows_no_address_makes_none(
    person: Person, alice: Subscriber, form: dict[str, str]
) -> None:
    before = contents(person.app)
    assert person.post(own(person, alice, "/feed"), data=form).status_code == 200
    assert contents(person.app) == before
