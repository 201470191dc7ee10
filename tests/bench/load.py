"""Measure the pages for everybody and thumbs under load, with a round beside them.

    python tests/bench/load.py --folder /tmp/load    the first run fills the folder's store
    python tests/bench/load.py --folder /tmp/load --seconds 20 --connections 8 --round none

Needs wrk. A real `digest serve --only web` answers from an SQLite store of --papers papers (those
of `search.py`), while a real `digest compose` chooses digests for --readers readers and stores
them in the same file. Server, client and round share the machine's cores. Searches that nobody
asked for yet are pairs of neighbouring words of titles, asked over half of the connections: the
client does not pause, so more would only wait for one another. Each answer but 200 is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest import config, services, store
from digest.__main__ import _ONE_THREAD
from digest.app import App
from digest.model import Link, Purpose
from tests.bench import search
from tests.bench.pages import ROOT, cpu_of, serving
from tests.bench.round_beside import add_readers, settings

#: what is asked -> least requests a second, of the goals
GOALS = {"home": 300, "cached search": 300, "fresh search": 30, "thumb": 200}
#: seconds within which 99 of 100 answers come
GOAL_P99 = 0.250
#: readers who press thumbs
PRESSING = 1000
SCRIPT = """
local paths, count = {}, 0
for line in io.lines("PATHS") do paths[#paths + 1] = line end
request = function()
  count = count + 1
  local path = paths[(count - 1) % #paths + 1]
  if "METHOD" == "POST" then
    return wrk.format("POST", path, {["Content-Type"] = "application/x-www-form-urlencoded"},
      "confirm=1")
  end
  return wrk.format("GET", path)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"answers": %d, "seconds": %f, "p50": %f, "p99": %f, "most": %f, ' ..
    '"errors": %d}', summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6, latency.max / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def ask(
    address: str, folder: Path, paths: Sequence[str], connections: int, seconds: int, method: str
) -> dict[str, float]:
    """Ask for paths in turn over some connections without pauses; return what wrk says."""
    (folder / "paths").write_text("\n".join(paths))
    script = SCRIPT.replace("PATHS", str(folder / "paths")).replace("METHOD", method)
    (folder / "script.lua").write_text(script)
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "20s",
    ]
    done = subprocess.run(
        [*command, "-s", str(folder / "script.lua"), address],
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout[done.stdout.index('{"answers"') :])
    return answer


def choose_searches(app: App, number: int) -> list[str]:
    """Return addresses of searches, each for two neighbouring words of a title."""
    dice = random.Random(time.time_ns())  # others than in the run before
    with app.store.reading() as tx:
        newest = store.papers.find_max_id(tx)
        papers = store.papers.load(tx, dice.sample(range(1, newest + 1), min(newest, number)))
    searches = set()
    for paper in papers.values():
        words = re.findall(r"\w+", paper.title)
        first = dice.randrange(max(1, len(words) - 1))
        searches.add(f"/search?{urlencode({'q': ' '.join(words[first : first + 2])})}")
    return sorted(searches)


def list_thumbs(app: App) -> list[str]:
    """Return the links of thumbs of some readers, shuffled: few press twice in turn."""
    with app.store.reading() as tx:
        sent = tx.exec_driver_sql(
            "SELECT m.id, d.subscriber_id, i.paper_id FROM messages m JOIN digests d ON "
            "d.id = m.digest_id JOIN digest_items i ON i.digest_id = d.id WHERE "
            f"m.id <= {PRESSING}"
        ).all()
    links = [
        Link(purpose, reader, paper, message)
        for message, reader, paper in sent
        for purpose in (Purpose.UP, Purpose.DOWN)
    ]
    random.Random(3).shuffle(links)
    return [urlsplit(url).path for url in app.urls(links)]


@contextmanager
def composing(folder: Path, values: dict[str, str], kind: str) -> Iterator[None]:
    """Run `digest compose` again and again, for another day each time."""
    if kind == "none":
        yield
        return
    program = (
        "import subprocess, sys, itertools\n"
        "from datetime import date, timedelta\n"
        "for days in itertools.count():\n"
        "    day = (date.today() + timedelta(days)).isoformat()\n"
        "    done = subprocess.run([sys.executable, '-m', 'digest', 'compose', '--date', day])\n"
        "    if done.returncode: sys.exit(done.returncode)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **values, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        time.sleep(5)  # until it composes
        yield
        if process.poll() is not None:
            raise SystemExit(f"digest compose ended with {process.returncode}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def fill(folder: Path, options: argparse.Namespace) -> Path:
    """Fill the store of the folder, if it is not there yet."""
    kept = folder / f"{options.papers}-{options.readers}.sqlite"
    if kept.exists():
        return kept
    part = kept.with_suffix(".part")
    part.unlink(missing_ok=True)
    app = App.open(config.load(None, settings(folder, f"sqlite:///{part}")))
    search.fill(app, options.papers)
    add_readers(app, options.readers)
    app.keys()
    services.rebuild_index(app)
    index = services.find_index_file(app)
    app.close()
    assert index is not None
    shutil.move(index, kept.with_name(kept.name + ".vectors"))
    part.rename(kept)
    return kept


def measure(folder: Path, values: dict[str, str], options: argparse.Namespace) -> None:
    with serving(folder, values, "web") as (pid, address):
        app = App.open(config.load(None, values))
        searches, thumbs = choose_searches(app, 20_000), list_thumbs(app)
        asked = {
            "home": (["/"], "GET"),
            "cached search": (searches[:1], "GET"),
            "fresh search": (searches[1:], "GET"),
            "thumb": (thumbs, "POST"),
        }
        ask(address, folder, searches[:1], 1, 3, "GET")
        with composing(folder, values, options.round):
            print(
                f"{options.papers:,} papers, round {options.round}, load {os.getloadavg()[0]:.1f}"
            )
            for name, (paths, method) in asked.items():
                cpu = cpu_of(pid)
                connections = options.connections // (2 if name == "fresh search" else 1)
                answer = ask(address, folder, paths, connections, options.seconds, method)
                cpu = cpu_of(pid) - cpu
                rate = answer["answers"] / answer["seconds"]
                is_met = rate >= GOALS[name] and answer["p99"] <= GOAL_P99 and not answer["errors"]
                print(
                    f"  {name:14} {rate:7.0f} a second (goal {GOALS[name]})   p50 "
                    f"{1000 * answer['p50']:5.0f} ms   p99 {1000 * answer['p99']:5.0f} ms   "
                    f"errors {answer['errors']:.0f}   CPU {1000 * cpu / answer['answers']:5.1f} ms "
                    f"each   load {os.getloadavg()[0]:.1f}   {'met' if is_met else 'MISSED'}",
                    flush=True,
                )
        app.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="keeps the filled store")
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=10, help="of each kind of request")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--round", choices=["compose", "none"], default="compose")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    kept = fill(options.folder, options)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        folder = Path(scratch)
        for ending in ("", ".vectors"):
            shutil.copy(kept.with_name(kept.name + ending), folder / f"digest.sqlite{ending}")
        values = settings(folder, f"sqlite:///{folder / 'digest.sqlite'}")
        measure(folder, values | dict.fromkeys(_ONE_THREAD, "1"), options)


if __name__ == "__main__":
    main()
