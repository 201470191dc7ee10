"""Workers apply a function in order, and stop between two items."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from digest.errors import StoppedError
from digest.workers import Inline, Stoppable, Threads, Workers


@pytest.mark.parametrize("make", [Inline, lambda: Threads(2)])
def test_no_item_is_begun_after_a_stop(make: Callable[[], Workers]) -> None:
    begun: list[int] = []
    workers = Stoppable(make(), lambda: len(begun) >= 3)

    def work(add: int, item: int) -> int:
        begun.append(item)
        return add + item

    assert list(workers.map(work, 10, [1, 2])) == [11, 12]
    with pytest.raises(StoppedError):
        list(workers.map(work, 10, range(100)))
    assert len(begun) <= 4, "one for each thread"
