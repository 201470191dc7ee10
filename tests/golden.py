"""Golden mails: each folder of tests/data/golden is one mail, its input and the four files that
come out of it.

    python -m tests.golden            compare, show what differs, exit 1 if anything does
    python -m tests.golden --write   write the outputs anew; review the difference before it is kept

`input.json` names the verb and holds every argument, dates and identifiers included, so a pair
needs nothing beside itself.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import sys
import typing
from pathlib import Path

import msgspec

from digest.mail import messages
from digest.model import Message

FOLDER = Path(__file__).resolve().parent / "data" / "golden"
VERBS = {
    "digest": messages.write_digest,
    "confirm": messages.write_confirm,
    "welcome": messages.write_welcome,
    "goodbye": messages.write_goodbye,
    "alert": messages.write_alert,
}


def cases() -> list[str]:
    """Names of the folders that hold an input, in order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/input.json"))


def write(case: str) -> Message:
    """The mail that the case's input gives today."""
    return _written(json.loads((FOLDER / case / "input.json").read_text("utf-8")))


def many(papers: int) -> Message:
    """A digest of so many papers: those of digest-twenty, over and over."""
    given = json.loads((FOLDER / "digest-twenty" / "input.json").read_text("utf-8"))
    given["arguments"]["listed"] = list(
        itertools.islice(itertools.cycle(given["arguments"]["listed"]), papers)
    )
    return _written(given)


def _written(given: dict[str, typing.Any]) -> Message:
    verb = VERBS[given["write"]]
    hints = typing.get_type_hints(verb)
    return verb(
        **{name: msgspec.convert(value, hints[name]) for name, value in given["arguments"].items()}
    )


def outputs(case: str) -> dict[str, bytes]:
    """File name -> contents of what the case's input gives today."""
    message = write(case)
    return {
        "subject.txt": f"{message.subject}\n".encode(),
        "body.txt": message.text.encode(),
        "body.html": message.html.encode(),
        "message.eml": message.data,
    }


def difference(case: str) -> str:
    """What differs between the files of the case and today's outputs, as a unified diff; empty when
    nothing does.
    """
    found = []
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
            found += diff or [f"{case}/{name}: only line endings differ"]
    return "\n".join(found)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.golden", description="Compare the golden mails, or write them anew."
    )
    parser.add_argument("--write", action="store_true", help="write the outputs of every case anew")
    wanted = parser.parse_args()
    differing = {case: text for case in cases() if (text := difference(case))}
    for case, text in differing.items():
        print(f"wrote {case} anew" if wanted.write else text)
        if wanted.write:
            for name, contents in outputs(case).items():
                (FOLDER / case / name).write_bytes(contents)
    print(
        f"{len(cases())} golden mails, {len(differing)} {'rewritten' if wanted.write else 'differ'}"
    )
    return 1 if differing and not wanted.write else 0


if __name__ == "__main__":
    sys.exit(main())
