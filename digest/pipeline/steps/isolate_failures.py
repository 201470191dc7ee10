"""Bisect a batch in which one reader makes the computation fail.

So the others get their digests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from digest.errors import DigestError
from digest.pipeline.steps.compose_report import ComposeReport
from digest.pipeline.steps.due_readers import Decision, DueReader

log = logging.getLogger("digest.compose")

#: with more failing readers than this, the mistake is not one reader's, and compose fails
_MAX_FAILURES = 20


def isolate_failing_subscriber(
    decide: Callable[[Sequence[DueReader]], Iterator[Decision]],
    due: Sequence[DueReader],
    report: ComposeReport,
) -> Iterator[Decision]:
    """Decide for all readers at once.

    Where that fails, bisect until the failing reader is alone.

    That reader is left out with the error. Errors that are not ours to find, such as a database
    that is away, are raised.
    """
    done: set[int] = set()
    try:
        for decision in decide(due):
            done.add(decision.due.subscriber.id)
            yield decision
    except DigestError:
        raise
    except Exception as error:
        if report.failed >= _MAX_FAILURES:
            raise
        rest = [reader for reader in due if reader.subscriber.id not in done]
        if len(rest) == 1:
            reader = rest[0].subscriber
            log.exception("digest not composed subscriber=%d: a mistake of ours", reader.id)
            report.failed += 1
            report.leave_out(
                reader,
                f"failed by a mistake of ours, and the log says more: {type(error).__name__}: "
                f"{error}",
            )
            return
        log.warning("batch failed readers=%d: bisecting it: %s", len(rest), error)
        middle = len(rest) // 2
        for half in (rest[:middle], rest[middle:]):
            yield from isolate_failing_subscriber(decide, half, report)
