"""What workers are, and the plainest ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

#: values that items share
Shared = TypeVar("Shared", bound=tuple[Any, ...])
Item = TypeVar("Item")
Result = TypeVar("Result")
Ticket = TypeVar("Ticket")


class Workers(Protocol):
    """Applies a pure function to items; the results are in the order of the items."""

    def map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        """Apply a function to each item and what it shares with others.

        Items are taken as they are needed, some ahead of the results. Each shared value is known
        by its identity: it reaches a worker once for all items.

        Args:
            function: of a module, or a `partial` of one, so that it can be pickled.
            work: (shared values, item) pairs.
        """


class Inline:
    """One after the other, in the caller."""

    def map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        return (function(shared, item) for shared, item in work)


class Pool(ABC):
    """Several workers. A single item is worked on by the caller, which is faster."""

    def map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        pairs = iter(work)
        first = list(islice(pairs, 2))
        if len(first) < 2:
            yield from Inline().map(function, first)
        else:
            yield from self._map(function, chain(first, pairs))

    @abstractmethod
    def _map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]: ...


def hand_out_ahead(
    work: Iterable[tuple[Shared, Item]],
    submit: Callable[[Shared, Item], Ticket],
    count_ahead: Callable[[], int],
) -> Iterator[Ticket]:
    """Hand out items ahead of their results, and yield the tickets for these in order.

    Args:
        submit: hands out one item and returns a ticket for its result.
        count_ahead: how many items may be handed out at once.
    """
    tickets: deque[Ticket] = deque()
    for shared, item in work:
        tickets.append(submit(shared, item))
        while len(tickets) >= count_ahead():
            yield tickets.popleft()
    yield from tickets
