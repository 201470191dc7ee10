"""Workers: results in order, items taken as they are needed, shared values sent once."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from digest import config
from digest.errors import ConfigError, WorkersError
from digest.ranking import features, profiles, scores, selection
from digest.workers import Inline, Processes, Threads, Workers
from digest.workers.base import hand_out_ahead
from digest.workers.versions import describe_differences, read_versions
from tests.fakes.tasks import add, end_process, fail_at_two, name_of_shared
from tests.unit.scored import PAPERS, make_rows

KINDS: list[Callable[[], Workers]] = [
    Inline,
    partial(Threads, 1),
    partial(Threads, 3),
    partial(Processes, 2),
]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_are_in_the_order_of_the_items(make: Callable[[], Workers], count: int) -> None:
    shared = [(100, 1), (200, 2)]
    work = [(shared[number % 2], number) for number in range(count)]
    assert list(make().map(add, iter(work))) == [sum(own) + number for own, number in work]


@pytest.mark.parametrize("make", KINDS)
def test_the_error_of_an_item_comes_after_the_results_before_it(
    make: Callable[[], Workers],
) -> None:
    results = make().map(fail_at_two, (((), number) for number in range(5)))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_items_are_taken_only_some_ahead_of_the_results() -> None:
    taken = []

    def work() -> Iterator[tuple[tuple[()], int]]:
        for number in range(50):
            taken.append(number)
            yield (), number

    ahead = []
    for result in Threads(2).map(add, work()):
        ahead.append(len(taken) - result)
    assert max(ahead) <= 4, "memory would grow with the number of readers"
    assert len(ahead) == 50


def test_a_single_item_is_worked_on_by_the_caller() -> None:
    ((pid, _, _),) = Processes(2).map(name_of_shared, [(((),), 1)])
    assert pid == os.getpid()


def test_a_process_loads_what_is_shared_once() -> None:
    value = ["papers"]
    results = list(Processes(2).map(name_of_shared, (((value,), n) for n in range(8))))
    assert os.getpid() not in {pid for pid, _, _ in results}
    assert len({(pid, place) for pid, place, _ in results}) == len({pid for pid, _, _ in results})


def test_a_process_that_ends_is_an_error_with_a_remedy() -> None:
    results = Processes(2).map(end_process, (((), number) for number in range(6)))
    with pytest.raises(WorkersError, match=r"\[workers\] count or batch lower"):
        list(results)


def test_whoever_stops_listening_waits_for_nothing() -> None:
    go_on, begun = threading.Event(), threading.Event()

    def wait(shared: tuple[()], item: int) -> int:
        if item:
            begun.set()
            go_on.wait(30)
        return item

    results = Threads(2).map(wait, (((), number) for number in range(9)))
    assert next(results) == 0
    assert begun.wait(10)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 5
    go_on.set()


def test_what_is_handed_out_follows_the_number_of_workers() -> None:
    most, handed_out = 2, []

    def submit(shared: tuple[()], item: int) -> int:
        handed_out.append(item)
        return item

    tickets = hand_out_ahead((((), number) for number in range(20)), submit, lambda: most)
    assert next(tickets) == 0
    assert len(handed_out) == 2
    most = 6  # workers came
    assert next(tickets) == 1
    assert len(handed_out) == 7
    assert list(tickets) == list(range(2, 20))


# --------------------------------------------------------------------------------- what is pickled


def test_a_day_is_pickled_without_what_was_kept_for_readers() -> None:
    rows = make_rows(PAPERS)
    day = scores.make_day(PAPERS, rows)
    plain = pickle.dumps(day)
    day.find_competing_rows(frozenset(paper.id for paper in PAPERS))
    day.word_indices(np.arange(20_000, dtype=np.int32))
    day.words_by_column()
    day.paper_shares()
    assert pickle.dumps(day) == plain
    loaded = pickle.loads(plain)
    assert loaded.papers == day.papers
    assert np.array_equal(loaded.word_index, day.word_index)
    assert np.array_equal(loaded.words.toarray(), day.words.toarray())
    assert np.array_equal(loaded.dense, day.dense)
    assert loaded.cache.word_indices == {}


def test_a_background_is_pickled_without_what_was_looked_up() -> None:
    background = profiles.Background.from_papers(PAPERS, make_rows(PAPERS))
    plain = pickle.dumps(background)
    vocabulary = np.arange(10, dtype=np.int32)
    looked_up = background.word_statistics(vocabulary)
    assert pickle.dumps(background) == plain, "found by an id that means another array elsewhere"
    there = pickle.loads(plain).word_statistics(vocabulary)
    assert all(np.array_equal(a, b) for a, b in zip(looked_up, there, strict=True))


def test_word_vectors_are_pickled_as_their_bytes_and_come_back_equal() -> None:
    table = features.load_base_table()
    blob = pickle.dumps(table, protocol=pickle.HIGHEST_PROTOCOL)
    assert len(blob) < table.vectors.nbytes / 4
    loaded = pickle.loads(blob)
    assert (loaded.version, loaded.papers) == (table.version, table.papers)
    for name in ("columns", "document_counts", "vectors", "steps"):
        assert np.array_equal(getattr(loaded, name), getattr(table, name))
    own = features.Table(columns=table.columns[:5], vectors=table.vectors[:5] / 3)
    assert np.array_equal(pickle.loads(pickle.dumps(own)).vectors, own.vectors)


def test_near_duplicates_and_rated_rows_are_pickled_without_what_is_computed() -> None:
    rated = profiles.RatedRows(make_rows(PAPERS))
    plain = len(pickle.dumps(rated))
    assert rated.blocks.vocabulary.size
    assert len(pickle.dumps(rated)) == plain
    assert len(pickle.dumps(selection.NearDuplicates())) < 200


# ---------------------------------------------------------------------------------------- versions


def test_versions_name_what_decides_a_score() -> None:
    assert {"digest", "Python", "numpy", "scipy", "scikit-learn"} <= read_versions().keys()
    assert all(read_versions().values())


def test_the_words_for_other_versions_name_each_difference_alone() -> None:
    own = {"digest": "1.0", "numpy": "2.4.6", "scipy": "1.17"}
    assert (
        describe_differences({**own, "numpy": "2.3.1", "scipy": ""}, own)
        == "numpy 2.3.1 where this process has 2.4.6, scipy (missing) where this process has 1.17"
    )


# ---------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"dask": "scheduler:8786"}, "tcp://scheduler.example.org:8786"),
        ({"dask": "tcp://scheduler"}, "tcp://scheduler.example.org:8786"),
        ({"dask": "http://scheduler:8786"}, "tcp://scheduler.example.org:8786"),
        ({"dask": "tcp://somebody@scheduler:8786"}, "tcp://scheduler.example.org:8786"),
        ({"dask": "tcp://scheduler:99999"}, "tcp://scheduler.example.org:8786"),
        ({"dask": "tls://scheduler:8786"}, "set all"),
        ({"dask": "tcp://scheduler:8786", "ca_file": "ca.pem"}, "leave the files out"),
        ({"kind": "cluster"}, "processes"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_remedy(
    section: dict[str, str], expected: str
) -> None:
    values = {f"DIGEST_WORKERS__{key.upper()}": value for key, value in section.items()}
    with pytest.raises(ConfigError, match=expected):
        config.load(None, values)


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "tcp://[::1]:8786", "tcp://dask:1"])
def test_an_address_of_a_scheduler_is_taken_as_it_is(address: str) -> None:
    assert config.load(None, {"DIGEST_WORKERS__DASK": address}).workers.dask == address
