"""The suppression policy: after how many bounces an address gets no more mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.bounces import SuppressionPolicy, suppression_reason
from digest.model import Bounced, Fault, SuppressionReason

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
FAULTS = get_args(Fault)

histories = st.lists(
    st.builds(
        Bounced,
        fault=st.sampled_from(FAULTS),
        enhanced=st.sampled_from(["", "5.2.1", "5.1.1", "4.2.2"]),
        at=st.integers(0, 40).map(lambda days: NOW - timedelta(days=days)),
    ),
    max_size=12,
)
policies = st.builds(SuppressionPolicy, soft=st.integers(1, 6), days=st.integers(1, 30))


def times(count: int, fault: Fault, enhanced: str = "", ago: int = 0) -> list[Bounced]:
    return [
        Bounced(fault=fault, enhanced=enhanced, at=NOW - timedelta(days=ago)) for _ in range(count)
    ]


def test_the_default_rule() -> None:
    policy = SuppressionPolicy()
    assert suppression_reason([], now=NOW, policy=policy) is None
    assert (
        suppression_reason(times(1, "reader", ago=300), now=NOW, policy=policy)
        is SuppressionReason.HARD
    )
    assert suppression_reason(times(1, "mailbox", "5.2.1"), now=NOW, policy=policy) is None
    assert (
        suppression_reason(times(2, "mailbox", "5.2.1", ago=300), now=NOW, policy=policy)
        is SuppressionReason.DISABLED
    )
    assert suppression_reason(times(4, "mailbox"), now=NOW, policy=policy) is None
    assert (
        suppression_reason(times(3, "mailbox") + times(2, "busy"), now=NOW, policy=policy)
        is SuppressionReason.SOFT
    )
    assert (
        suppression_reason(
            times(4, "mailbox") + times(9, "mailbox", ago=14), now=NOW, policy=policy
        )
        is None
    )
    assert (
        suppression_reason(
            times(100, "ours") + times(100, "content") + times(100, ""), now=NOW, policy=policy
        )
        is None
    )


@given(histories, policies)
def test_reports_that_are_not_about_the_mailbox_never_change_a_verdict(
    history: list[Bounced], policy: SuppressionPolicy
) -> None:
    without = [bounce for bounce in history if bounce.fault in ("reader", "mailbox", "busy")]
    assert suppression_reason(history, now=NOW, policy=policy) == suppression_reason(
        without, now=NOW, policy=policy
    )


@given(histories, policies, st.randoms(use_true_random=False))
def test_the_order_in_which_reports_arrive_does_not_matter(
    history: list[Bounced], policy: SuppressionPolicy, random: object
) -> None:
    turned = list(history)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert suppression_reason(turned, now=NOW, policy=policy) == suppression_reason(
        history, now=NOW, policy=policy
    )


@given(histories, policies, st.sampled_from(FAULTS))
def test_another_bounce_never_clears_an_address(
    history: list[Bounced], policy: SuppressionPolicy, fault: Fault
) -> None:
    if suppression_reason(history, now=NOW, policy=policy) is not None:
        assert (
            suppression_reason([*history, Bounced(fault=fault, at=NOW)], now=NOW, policy=policy)
            is not None
        )
