"""Run the commands of a round on a store of invented readers, and measure each."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from digest import private, store
from digest.app import make_cluster
from digest.bench import fill
from digest.bench.commands import Usage, run_digest
from digest.bench.readers import address_of
from digest.bench.report import Machine, Report, Round
from digest.bench.sinks import Sink, run_sink, run_smtp_source
from digest.config import Config, WorkersSection, toml
from digest.errors import DigestError, InputError
from digest.mail.messages import dkim
from digest.store import Store
from digest.subscriptions.requests import parse_strictness

#: sections of the operator's settings that the bench takes over
_OWN_SECTIONS = ("digest", "evaluate", "features", "workers")
#: readers that are previewed until one has a digest, at most
_PREVIEWS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What to measure."""

    #: numbers of readers
    readers: Sequence[int]
    #: none = the papers of the demonstration
    dumps: Sequence[Path] = ()
    #: an empty database for each number of readers; none = SQLite files in the folder
    databases: Sequence[str] = ()
    #: None = the day of the newest paper
    day: date | None = None
    seed: int = 1
    #: in which to work; None = a temporary one
    folder: Path | None = None
    #: of these, how papers are chosen and how the cores are used is taken over
    settings: Config = field(default_factory=Config)
    #: seconds in which all readers must be served
    seconds: int = 3600


def run(options: Options, say: Callable[[str], None] = lambda text: None) -> Report:
    """Measure each number of readers.

    Args:
        say: gets a line before each step.

    Raises:
        DigestError: a command failed, or a database is in use; the message says which.
    """
    for url in options.databases:
        fill.require_unused(url)
    cluster = _count_cluster(options.settings.workers)
    load = os.getloadavg()[0]
    with _open_folder(options.folder) as folder, run_sink() as sink:
        with private.create_file(folder / "dkim.pem") as file:
            file.write(dkim.generate_key())
        benches = []
        for number, readers in enumerate(options.readers):
            url = f"sqlite:///{folder / f'{readers}.sqlite'}"
            if options.databases:
                url = options.databases[number]
            bench = _Bench(folder / f"{readers}.toml", url, sink, options, say)
            bench.measure(readers)
            benches.append(bench)
    return Report(
        at=datetime.now(UTC),
        machine=_describe_machine(benches[0].database),
        load=(load, os.getloadavg()[0]),
        day=benches[0].day,
        seed=options.seed,
        dumps=benches[0].dumps,
        connections=options.settings.smtp.connections,
        sink=sink.name,
        settings=_chosen_settings(options.settings),
        rounds=[bench.round for bench in benches],
        seconds=options.seconds,
        cluster=cluster,
    )


def _count_cluster(settings: WorkersSection) -> int:
    """Count the workers of the cluster that is asked for; it must answer before all else."""
    if not settings.dask:
        return 0
    return make_cluster(settings).check()


class _Bench:
    """The commands with one number of readers, on one database."""

    day: date
    database: str
    dumps: int
    round: Round

    def __init__(
        self, config: Path, url: str, sink: Sink, options: Options, say: Callable[[str], None]
    ) -> None:
        self._config, self._store, self._sink = config, Store(url), sink
        self._options, self._say = options, say
        self._usages: dict[str, Usage] = {}
        with private.create_file(config) as file:  # it holds the password of the database
            file.write(_write_settings(options.settings, url, sink.port).encode())

    def measure(self, readers: int) -> None:
        """Take all steps; the results are the attributes."""
        paths = [str(path) for path in self._options.dumps or _demo_papers()]
        ingested = self._run("ingest", "ingest", "--seen", "name", *paths)
        self.dumps = len(ingested["files"])
        with closing(self._store) as opened:
            self.database = store.health.find_version(opened)
            self.day = self._options.day or fill.find_newest_day(opened)
            self._say(f"{readers:,} readers: make them")
            rules = self._options.settings.digest
            filled = fill.add_readers(
                opened,
                readers,
                day=self.day,
                seed=self._options.seed,
                size=rules.size,
                strictness=parse_strictness(rules.new_strictness(), None, otherwise="balanced"),
            )
        dated = ("--date", self.day.isoformat())
        self._run("send nothing", "send", *dated)
        mail = self._preview(readers, dated)
        before = self._measure_size()
        composed = self._run("compose", "compose", *dated)
        between = self._measure_size()
        sent = self._run("send", "send", *dated)
        if sent["accepted"] < composed["planned"]:
            raise DigestError(
                f"of {composed['planned']} digests only {sent['accepted']} were sent: "
                f"{sent['error'] or sent['troubles'][:3]}. Run `digest doctor` to see what is wrong"
            )
        after = self._measure_size()
        self._say(f"{readers:,} readers: smtp-source")
        self.round = Round(
            filled=filled,
            digests=composed["planned"],
            quiet=composed["quiet"],
            accepted=sent["accepted"],
            usages=self._usages,
            sizes=(before, between, after),
            mail_size=mail,
            floor=run_smtp_source(
                self._sink,
                messages=sent["accepted"],
                octets=mail,
                connections=self._options.settings.smtp.connections,
            ),
        )

    def _run(self, step: str, *words: str) -> Any:
        """Run a command, note what it used, and return its report."""
        self._say(f"{int(self._config.stem):,} readers: {step}")
        self._usages[step], report = run_digest(self._config, *words)
        return report

    def _preview(self, readers: int, dated: tuple[str, str]) -> int:
        """Preview the first reader who gets a digest; return the size of their mail."""
        mail = self._config.with_suffix(".eml")
        most = min(_PREVIEWS, readers)
        for number in range(1, most + 1):
            words = ("preview", address_of(number), "--eml", str(mail), *dated)
            report = self._run("preview", *words)
            if "quiet" not in report:
                return mail.stat().st_size
        raise InputError(
            f"none of the first {most} readers gets a digest for {self.day}. Name dumps with "
            "new papers of that day, or another --date"
        )

    def _measure_size(self) -> int:
        with closing(self._store) as opened:
            return store.health.measure_size(opened)


def _demo_papers() -> list[Path]:
    folder = Path(str(resources.files("digest.demo") / "papers"))
    return sorted(path for path in folder.iterdir() if path.suffix == ".jsonl")


@contextmanager
def _open_folder(path: Path | None) -> Iterator[Path]:
    if path is None:
        with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
            yield Path(folder)
        return
    private.make_folder(path)
    if any(path.iterdir()):
        raise InputError(f"{path} is not empty. Name a new folder, or leave --folder out")
    yield path.resolve()


def _chosen_settings(settings: Config) -> dict[str, dict[str, Any]]:
    """Return the settings of the operator that are taken over and are not the defaults."""
    return {
        name: changed
        for name in _OWN_SECTIONS
        if (changed := getattr(settings, name).model_dump(exclude_defaults=True))
    }


def _write_settings(settings: Config, url: str, port: int) -> str:
    sections: dict[str, dict[str, Any]] = {
        "store": {"url": url},
        "smtp": {
            "host": "127.0.0.1",
            "port": port,
            "tls": "none",
            "connections": settings.smtp.connections,
        },
        "mail": {
            "sender": "digest@example.org",
            "bounce_domain": "bounces.example.org",
            "dkim_key_file": "dkim.pem",
        },
        "web": {"base_url": "https://digest.example.org"},
        "log": {"level": "warning"},
        **_chosen_settings(settings),
    }
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in values.items())]
    return "\n".join(lines)


def _describe_machine(database: str) -> Machine:
    return Machine(
        processor=_find_processor(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        database=database,
    )


def _find_processor() -> str:
    """Find the name of the processor, which only Linux tells in a file."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
