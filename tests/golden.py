"""Golden mails: each folder of tests/data/golden is one mail's input and output.

The output is subject.txt, headers.txt, body.txt and body.html; for one mail of each structure also
message.eml, the whole message.

    python -m tests.golden            compare, show differences, exit 1 if there are any
    python -m tests.golden --write    rewrite the outputs; review the diff before committing

`input.json` names the kind of mail and holds every argument, dates and identifiers included.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import msgspec

from digest.locales import ENGLISH, use_language
from digest.mail import messages
from digest.model import Message

FOLDER = Path(__file__).resolve().parent / "data" / "golden"
#: the mails whose whole message is kept: a digest, one with hostile text, and a letter
WHOLE = ("digest-plain", "digest-hostile", "alert")
WRITERS = {
    "digest": messages.write_digest,
    "quiet": messages.write_quiet_day,
    "confirm": messages.write_confirm,
    "welcome": messages.write_welcome,
    "goodbye": messages.write_goodbye,
    "notice": messages.write_notice,
    "alert": messages.write_alert,
}


def cases() -> list[str]:
    """List the folders that hold an input, in order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/input.json"))


def write(case: str, language: str = "") -> Message:
    """Write the mail of a case as today's code does, in its own language or another."""
    return _write(_read_input(case), language)


def write_changed(case: str, change: Callable[[str, str], str], language: str) -> Message:
    """Write the mail of a case with every text of its input changed.

    Args:
        change: gives the new text for the name of its field and the old text.
    """

    def walk(name: str, value: typing.Any) -> typing.Any:
        if isinstance(value, dict):
            return {key: walk(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(name, item) for item in value]
        return change(name, value) if isinstance(value, str) else value

    case_input = _read_input(case)
    return _write(case_input | {"arguments": walk("", case_input["arguments"])}, language)


def write_many(papers: int) -> Message:
    """Write a digest of that many papers: those of digest-twenty, repeated."""
    case_input = _read_input("digest-twenty")
    listed = itertools.cycle(case_input["arguments"]["listed"])
    case_input["arguments"]["listed"] = list(itertools.islice(listed, papers))
    return _write(case_input)


def _read_input(case: str) -> dict[str, typing.Any]:
    return json.loads((FOLDER / case / "input.json").read_text("utf-8"))


def _write(case_input: dict[str, typing.Any], language: str = "") -> Message:
    writer = WRITERS[case_input["write"]]
    hints, context_hints = map(typing.get_type_hints, (writer, messages.MessageContext))
    arguments: dict[str, typing.Any] = {}
    context: dict[str, typing.Any] = {}
    for name, value in case_input["arguments"].items():
        if name in context_hints:
            context[name] = msgspec.convert(value, context_hints[name])
        else:
            arguments[name] = msgspec.convert(value, hints[name])
    reader = arguments.get("subscriber")
    with use_language(language or (reader.language if reader else "") or ENGLISH):
        return writer(messages.MessageContext(**context), **arguments)


def outputs(case: str) -> dict[str, bytes]:
    """Return file name -> contents as today's code writes them."""
    message = write(case)
    files = {
        "subject.txt": f"{message.subject}\n".encode(),
        "headers.txt": message.data.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") + b"\n",
        "body.txt": message.text.encode(),
        "body.html": message.html.encode(),
    }
    return files | ({"message.eml": message.data} if case in WHOLE else {})


def difference(case: str) -> str:
    """Compare the kept files of a case with today's outputs.

    Returns:
        A unified diff, or "" if they are equal.
    """
    lines = []
    for name, new in outputs(case).items():
        path = FOLDER / case / name
        old = path.read_bytes() if path.exists() else b""
        if old != new:
            sides = (
                side.decode("utf-8", "backslashreplace").replace("\r\n", "\n").splitlines()
                for side in (old, new)
            )
            diff = list(
                difflib.unified_diff(
                    *sides, fromfile=f"kept {case}/{name}", tofile="written now", lineterm="", n=1
                )
            )
            lines += diff or [f"{case}/{name}: only line endings differ"]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden", description="Compare the golden mails, or rewrite them."
    )
    parser.add_argument("--write", action="store_true", help="rewrite the outputs of every case")
    options = parser.parse_args()
    differing = {case: text for case in cases() if (text := difference(case))}
    for case, text in differing.items():
        print(f"rewrote {case}" if options.write else text)
        if options.write:
            for name, contents in outputs(case).items():
                (FOLDER / case / name).write_bytes(contents)
    outcome = "rewritten" if options.write else "differ"
    print(f"{len(cases())} golden mails, {len(differing)} {outcome}")
    return 1 if differing and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
