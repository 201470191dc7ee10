"""Measure the excerpts that mails show of abstracts.

python tests/bench/excerpts.py DUMP...            figures of all papers in these files
python tests/bench/excerpts.py --read 60 DUMP...  also that many excerpts, to be read by eye
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from digest import dumps, papers
from digest.mail.messages import excerpts, texts
from digest.model import Entry, Record


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the excerpts of abstracts.")
    parser.add_argument("dumps", nargs="+", type=Path, metavar="DUMP")
    parser.add_argument("--read", type=int, default=0, help="print so many excerpts")
    args = parser.parse_args()
    abstracts = list(read_abstracts(args.dumps))
    before = time.process_time()
    starts = [excerpts.find_contribution(*texts_) for texts_ in abstracts]
    shown = [
        excerpts.excerpt(abstract, start or 0)
        for (_, abstract), start in zip(abstracts, starts, strict=True)
    ]
    seconds = time.process_time() - before
    lengths = sorted(map(len, shown))
    count = len(shown)
    print(f"{count} abstracts, {1000 * seconds / count:.2f} ms of CPU each")
    print(f"begin where the paper says what it does  {share(s is not None for s in starts)}")
    print(f"end with a whole sentence                {share(not s.endswith('…') for s in shown)}")
    print(f"400 to 600 characters                    {share(400 <= n <= 600 for n in lengths)}")
    deciles = ", ".join(str(lengths[count * part // 10]) for part in (1, 3, 5, 7, 9))
    print(f"characters at 10, 30, 50, 70, 90 %       {deciles}")
    for number in random.Random(1).sample(range(count), min(args.read, count)):
        print(
            f"\n{abstracts[number][0]} [sentence {starts[number]}]\n{texts.wrap(shown[number], 4)}"
        )


def share(flags: Iterator[bool]) -> str:
    values: Sequence[bool] = list(flags)
    return f"{sum(values) / len(values):.3f}"


def read_abstracts(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield title and abstract of each paper, on one line each, as a mail has them."""
    for path in paths:
        for record in dumps.open_dump(path, today=date(2026, 6, 9)).records():
            entry = papers.clean(record, path.name) if isinstance(record, Record) else None
            if isinstance(entry, Entry) and entry.abstract:
                yield texts.one_line(entry.title), texts.one_line(entry.abstract)


if __name__ == "__main__":
    main()
