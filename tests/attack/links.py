"""Attacks on links and pages: forged tokens, opened links, and hostile text."""

from __future__ import annotations

import base64
import random
import re
from dataclasses import replace

from lxml import html

from digest import pipeline
from digest.model import Purpose, Subscriber
from tests.attack.place import Place, Result
from tests.conftest import invent_papers
from tests.webclient import Client

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PATHS = ("/t/", "/u/", "/m/", "/c/", "/d/", "/api/v1/readers/")


def forge_tokens(place: Place, count: int) -> Result:
    """Present forged tokens at every address, by GET and by POST."""
    place.add_papers()
    reader = place.subscribe("alice", keywords=("robot",))
    client = Client(place.app)
    chance = random.Random(1)
    honest = [
        place.path(purpose, reader, 1)[3:]
        for purpose in (Purpose.UP, Purpose.UNSUBSCRIBE, Purpose.MANAGE, Purpose.RATE)
    ]
    before = place.fingerprint()
    lost = []
    for number in range(count):
        token = _forge(honest[number % len(honest)], number, chance)
        path = _PATHS[number % len(_PATHS)]
        answer = client.request("POST" if number % 2 else "GET", path + token)
        if answer.status_code < 400 or answer.status_code >= 500:
            lost.append(f"{path}{token}: {answer.status_code}")
    lost += [
        f"{name} changed" for name, rows in place.fingerprint().items() if rows != before[name]
    ]
    return Result(name="forged tokens", count=count, lost=tuple(lost))


def _forge(honest: str, number: int, chance: random.Random) -> str:
    """Return a forged token.

    It has random letters, one letter changed, another reader or purpose under an old MAC, or it is
    cut or doubled.
    """
    kind = number % 6
    if kind == 0:
        return "".join(chance.choices(_LETTERS, k=len(honest)))
    if kind == 1:
        place = chance.randrange(len(honest))
        return (
            honest[:place]
            + chance.choice([c for c in _LETTERS if c != honest[place]])
            + honest[place + 1 :]
        )
    if kind == 2:
        return honest[: chance.randrange(len(honest))] or "a"
    if kind == 3:
        return honest + honest
    raw = bytearray(base64.b32decode(honest.upper() + "=" * (-len(honest) % 8)))
    at = {4: 7, 5: 2}[kind]  # the reader's lowest byte, or the purpose
    raw[at] = (raw[at] + chance.randrange(1, 255)) % 256
    return base64.b32encode(bytes(raw)).decode().lower().rstrip("=")


def open_everything(place: Place, count: int) -> Result:
    """Follow every link of every mail by GET and HEAD; nothing may change."""
    place.add_papers()
    for number in range(count):
        place.subscribe(f"reader{number}", keywords=("robot",), size=5)
    pipeline.compose(place.app)
    pipeline.send(place.app)
    links = set()
    for mail in place.app.config.smtp.outbox.glob("*.eml"):
        links |= set(
            re.findall(rf"{re.escape(place.base_url)}(/[\w/]+)", text_of(mail.read_bytes()))
        )
    before = place.fingerprint()
    client = Client(place.app)
    lost = []
    for link in sorted(links):
        for method in ("GET", "HEAD"):
            if client.request(method, link).status_code != 200:
                lost.append(f"{method} {link}")
    lost += [
        f"{name} changed" for name, rows in place.fingerprint().items() if rows != before[name]
    ]
    if not links:
        lost.append("there was no link to open")
    return Result(name="links merely opened", count=2 * len(links), lost=tuple(lost))


def text_of(mail: bytes) -> str:
    import email
    import email.policy

    message = email.message_from_bytes(mail, policy=email.policy.default)
    return "\n".join(
        part.get_content() for part in message.walk() if part.get_content_maintype() == "text"
    )


#: text that runs where it is not escaped for the place that it stands in; 7907 is what the last
#: ones would compute
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<details open ontoggle=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    " onclick=alert(1) ",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</bdi></a><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input type=submit>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u2028<script>alert(1)</script>",
    "{{ 7907 * 1 }}{{ cycler.__init__.__globals__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
)
_RUNNING = {"script", "iframe", "object", "embed", "base", "animate", "math"}


def inject_text(place: Place, count: int) -> Result:
    """Put hostile text into every field from outside.

    Return the text that became markup in pages and mails.
    """
    lost = []
    checked = 0
    for number, payload in enumerate(PAYLOADS[:count]):
        reader = _plant_text(place, payload, number)
        app = replace(place.app)
        pipeline.compose(app, only=reader)
        pipeline.send(app)
        pages, faults = _check_pages(place, reader, payload)
        checked += pages
        lost += faults
        for mail in place.app.config.smtp.outbox.glob("*.eml"):
            checked += 1
            lost += [
                f"mail, {payload!r}: {what}"
                for what in find_markup(_html_of(mail.read_bytes()), foreign=True)
            ]
            mail.unlink()
    return Result(
        name="hostile text",
        count=checked,
        lost=tuple(lost),
        remark=f"{min(count, len(PAYLOADS))} payloads",
    )


def _plant_text(place: Place, payload: str, number: int) -> Subscriber:
    """Store papers and a reader with the text in every field; returns the reader."""
    rows = invent_papers(place.app.now().date(), 1, start=number)
    for row in rows:
        row |= {
            "title": f"{row['title']} {payload}",
            "abstract": f"We {payload} look at {row['abstract']}",
            "authors": [payload, "Jane Doe"],
            "categories": [payload, "cs.RO"],
            "url": f"https://example.org/{payload}" if number % 2 else payload,
            "comment": payload,
        }
    place.add_rows(rows)
    return place.subscribe(
        f"mallory{number}",
        name=payload[:200],
        keywords=("study", payload),
        authors=(payload,),
        papers=(payload,),
        text=payload,
        interest=payload[:100],
    )


def _check_pages(place: Place, reader: Subscriber, payload: str) -> tuple[int, list[str]]:
    """Ask for each page of a reader; returns the number of answers, and the faults."""
    client = Client(place.app)
    paper = place.newest_paper()
    paths = [
        place.path(Purpose.UP, reader, paper),
        place.path(Purpose.DOWN, reader, paper),
        place.path(Purpose.UNSUBSCRIBE, reader),
        place.path(Purpose.MANAGE, reader),
        f"{place.path(Purpose.MANAGE, reader)}/learned",
        f"{place.path(Purpose.MANAGE, reader)}/delete",
        place.path(Purpose.CONFIRM, reader),
        place.path(Purpose.RATE, reader, message_id=place.newest_message()),
        f"{place.path(Purpose.RATE, reader, message_id=place.newest_message())}/made",
        place.path(Purpose.UP, reader, paper, message_id=place.newest_message()),
        "/",
    ]
    form = {"email": payload, "keywords": payload, "name": payload}
    form |= {"paper": str(paper), "vote": "1", "form": payload, "answers": payload}
    count = 0
    faults = []
    for path in paths:
        for method in ("GET", "POST"):
            if (path.startswith("/u/") or path.endswith("/delete")) and method == "POST":
                continue
            answer = client.request(method, path, data=form if method == "POST" else None)
            count += 1
            faults += [f"{method} {path}, {payload!r}: {what}" for what in find_markup(answer.text)]
            if answer.status_code >= 500:
                faults.append(f"{method} {path}, {payload!r}: {answer.status_code}")
    return count, faults


def _html_of(mail: bytes) -> str:
    import email
    import email.policy

    message = email.message_from_bytes(mail, policy=email.policy.default)
    return "".join(
        part.get_content() for part in message.walk() if part.get_content_type() == "text/html"
    )


def find_markup(page: str, *, foreign: bool = False) -> list[str]:
    """Find markup that could run or lead away; `foreign` allows links to other hosts."""
    if not page.strip():
        return []
    faults = []
    for element in html.document_fromstring(page).iter():
        if not isinstance(element.tag, str):
            continue
        if element.get("src", "").endswith("/timezone.js") and not element.text:
            continue  # our only script
        if element.tag in _RUNNING or (element.tag == "svg" and "onload" in element.attrib):
            faults.append(f"<{element.tag}>")
        # ours has no others
        if element.tag == "details" and set(element.attrib) - {"class", "id", "open"}:
            faults.append(f"<details {dict(element.attrib)}>")
        for name, value in element.attrib.items():
            if name.startswith("on") or name in ("srcdoc", "http-equiv"):
                faults.append(f"{element.tag} {name}={value!r}")
            scheme = re.sub(r"[\s\x00-\x20]", "", value).lower()
            if name in ("href", "src", "action", "formaction") and scheme.startswith(
                ("javascript:", "data:", "//", "vbscript:")
            ):
                faults.append(f"{element.tag} {name}={value!r}")
            if not foreign and name in ("src", "action") and scheme.startswith("http"):
                faults.append(f"{element.tag} {name}={value!r}")
    if re.search(r"7907(?! \* 1)|<class &#39;|&lt;class", page):
        faults.append("a template in the text was run")
    return faults
