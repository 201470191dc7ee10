"""Count the functions of `digest` that a paper, a thumb and a leaver pass through.

    python tests/bench/trace.py [--checkout DIR] [--list] [--json]

It drives one small service from the outside: a dump is ingested, a reader with keywords gets a
digest in an outbox folder, presses a thumb on its page, gets the next digest, and leaves by the
one-click POST. Modules are imported before the count starts: only what runs is counted, no module
or class bodies. Two figures are printed: functions with a name, and all code objects, which include
lambdas and comprehensions.

It names few functions of the package, so it also runs on an older checkout.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import pkgutil
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
#: a Tuesday and the Wednesday after it, whose papers ship with the package
DAYS = ("2026-06-09", "2026-06-10")
EMAIL = "alice@example.org"
KEYWORDS = ("language models", "graph neural networks", "protein")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, default=ROOT, help="tree to run, default this one")
    parser.add_argument("--list", action="store_true", help="print every function by file")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    options = parser.parse_args()
    checkout = options.checkout.resolve()
    sys.path.insert(0, str(checkout))
    package = import_package()
    if Path(package.__file__).resolve().parents[1] != checkout:
        raise SystemExit(f"imported {package.__file__}, which is not in {checkout}")
    with tempfile.TemporaryDirectory() as folder:
        traces = follow(checkout / "digest", Path(folder))
    if options.json:
        print(json.dumps({name: trace.counts for name, trace in traces.items()}, indent=2))
        return 0
    for name, trace in traces.items():
        print(f"{name:<14}" + "".join(f" {n:>5} {unit}" for unit, n in trace.counts.items()))
        if options.list:
            trace.print_functions()
    return 0


def import_package() -> Any:
    """Import every module of the package, so that no import happens while counting."""
    package = importlib.import_module("digest")
    for module in pkgutil.walk_packages(package.__path__, "digest."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return package


class Trace:
    """The distinct functions below a folder that ran while it recorded.

    In any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder) + os.sep
        self._seen: set[CodeType] = set()

    @contextmanager
    def recording(self) -> Iterator[None]:
        threading.setprofile(self._record)
        sys.setprofile(self._record)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]

    def _record(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            self._seen.add(frame.f_code)

    @property
    def code(self) -> dict[str, list[CodeType]]:
        """Code objects by file relative to the folder, in the order of the file."""
        by_file: dict[str, list[CodeType]] = {}
        for code in sorted(self._seen, key=lambda code: code.co_firstlineno):
            if code.co_filename.startswith(self._folder) and code.co_name != "<module>":
                file = code.co_filename.removeprefix(self._folder)
                by_file.setdefault(file, []).append(code)
        return by_file

    @property
    def counts(self) -> dict[str, int]:
        by_file = self.code
        code = list(chain.from_iterable(by_file.values()))
        functions = sum(not function.co_name.startswith("<") for function in code)
        return {"files": len(by_file), "functions": functions, "code objects": len(code)}

    def print_functions(self) -> None:
        for file, code in sorted(self.code.items()):
            print(f"    {file}: {', '.join(function.co_qualname for function in code)}")


def follow(package: Path, folder: Path) -> dict[str, Trace]:
    """Play the story; return one trace for each of its three acts."""
    service = open_service(folder)
    first, second = (package / "demo" / "papers" / f"{day}.jsonl" for day in DAYS)
    paper, thumb, leaving = Trace(package), Trace(package), Trace(package)

    with paper.recording():
        service.ingest(first, DAYS[0])
        service.compose(DAYS[0])
        service.send(DAYS[0])
    mail = service.read_only_mail()

    with thumb.recording():
        page = service.request("GET", thumb_path(mail))
        service.request("POST", thumb_path(mail), hidden_fields(page))
    service.ingest(second, DAYS[1])
    with thumb.recording():
        service.compose(DAYS[1])

    with leaving.recording():
        service.request("POST", unsubscribe_path(mail), {"List-Unsubscribe": "One-Click"})
    service.close()
    return {"dump to mail": paper, "thumb": thumb, "unsubscribe": leaving}


def open_service(folder: Path) -> SimpleNamespace:
    """Open a service on SQLite with an outbox folder and one reader.

    Returns:
        A set of plain callables.
    """
    config = importlib.import_module("digest.config")
    pipeline = importlib.import_module("digest.pipeline")
    app_class = importlib.import_module("digest.app").App
    web = importlib.import_module("digest.web")
    environment = {
        "DIGEST_STORE__URL": f"sqlite:///{folder / 'digest.sqlite'}",
        "DIGEST_SMTP__OUTBOX": str(folder / "outbox"),
        "DIGEST_INGEST__INBOX": str(folder / "inbox"),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_WEB__BASE_URL": "http://digest.test",
    }
    subscribe(environment)
    logging.disable()  # the command's log handler writes to a stream that is closed by now
    app = app_class.open(config.load(None, environment))

    def at_noon(day: str) -> Any:
        noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
        return app.at(noon)

    pages = web.create(at_noon(DAYS[1]))

    def read_only_mail() -> EmailMessage:
        (path,) = sorted((folder / "outbox").glob("*.eml"))
        return message_from_bytes(path.read_bytes(), policy=policy.default)  # type: ignore[return-value]

    def ingest(path: Path, day: str) -> None:
        check(pipeline.ingest(at_noon(day), [path], seen="name").count("new") > 0, "no paper")

    def compose(day: str) -> None:
        check(len(pipeline.compose(at_noon(day)).planned) == 1, f"no digest on {day}")

    def send(day: str) -> None:
        check(sum(pipeline.send(at_noon(day)).states.values()) == 1, "no mail")

    return SimpleNamespace(
        ingest=ingest,
        compose=compose,
        send=send,
        read_only_mail=read_only_mail,
        request=make_client(pages),
        close=app.close,
    )


def subscribe(environment: dict[str, str]) -> None:
    """Subscribe one reader with the command line, whose words stay the same."""
    testing = importlib.import_module("typer.testing")
    arguments = ["subscribe", EMAIL, "--timezone", "UTC", "--hour", "6"]
    for keyword in KEYWORDS:
        arguments += ["--keyword", keyword]
    command_line = importlib.import_module("digest.cli").app
    result = testing.CliRunner().invoke(command_line, arguments, env=environment)
    check(result.exit_code == 0, result.output)


def make_client(pages: Any) -> Callable[..., str]:
    """Make a function that requests a page without a socket and returns the body."""
    httpx = importlib.import_module("httpx")

    async def ask(method: str, path: str, fields: dict[str, str]) -> str:
        transport = httpx.ASGITransport(pages)
        async with httpx.AsyncClient(transport=transport, base_url="http://digest.test") as client:
            response = await client.request(method, path, data=fields or None)
            check(response.status_code == 200, f"{method} {path}: {response.status_code}")
            return str(response.text)

    def request(method: str, path: str, fields: dict[str, str] | None = None) -> str:
        return asyncio.run(ask(method, path, fields or {}))

    return request


def thumb_path(mail: EmailMessage) -> str:
    """Return the path of the first thumb in a mail."""
    part = mail.get_body(("plain",))
    check(part is not None, "a mail without text")
    match = re.search(r"http://digest\.test(/t/[^\s>]+)", part.get_content())  # type: ignore[union-attr]
    check(match is not None, "a mail without thumbs")
    return match[1]  # type: ignore[index]


def unsubscribe_path(mail: EmailMessage) -> str:
    """Return the path of the one-click link in the header."""
    match = re.search(r"<(http[^>]+)>", mail["List-Unsubscribe"])
    check(match is not None, "a mail without a link to leave")
    return urlsplit(match[1]).path  # type: ignore[index]


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the first form of a page."""
    form = re.search(r"<form[^>]*>(.*?)</form>", page, re.DOTALL)
    check(form is not None, "a page without a form")
    return dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', form[1]))  # type: ignore[index]


def check(holds: bool, complaint: str) -> None:
    if not holds:
        raise SystemExit(f"the story went wrong: {complaint}")


if __name__ == "__main__":
    sys.exit(main())
