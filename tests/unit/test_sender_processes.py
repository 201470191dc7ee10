"""How many processes send, and what each of them gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest import config
from digest.config import Config
from digest.pipeline.steps.sender_processes import (
    MESSAGES_PER_PROCESS,
    count_processes,
    cut_share,
)


def settings(**smtp: object) -> Config:
    values = {"host": "localhost", **smtp}
    return config.load(
        None, {f"DIGEST_SMTP__{name.upper()}": str(value) for name, value in values.items()}
    )


@given(
    st.integers(1, 8),
    st.integers(8, 100),
    st.just(0) | st.integers(8, 1000),
    st.just(0) | st.integers(8, 1000),
)
def test_the_shares_of_all_processes_add_up_to_what_is_configured(
    processes: int, connections: int, per_minute: int, domain_per_minute: int
) -> None:
    whole = settings(
        processes=processes,
        connections=connections,
        per_minute=per_minute,
        domain_per_minute=domain_per_minute,
    )
    shares = [cut_share(whole, number, processes).smtp for number in range(processes)]
    assert sum(share.connections for share in shares) == connections
    assert sum(share.per_minute for share in shares) == per_minute
    assert sum(share.domain_per_minute for share in shares) == domain_per_minute
    assert all(share.connections for share in shares)
    # 0 means without a limit
    assert not per_minute or all(share.per_minute for share in shares)


def test_further_servers_are_shared_out_too() -> None:
    more = config.MoreServer(host="b", connections=5, per_minute=9)
    whole = settings(processes=2)
    whole = whole.model_copy(update={"smtp": whole.smtp.model_copy(update={"more": (more,)})})
    shares = [cut_share(whole, number, 2).smtp.more[0] for number in range(2)]
    assert [(share.connections, share.per_minute) for share in shares] == [(3, 5), (2, 4)]


def test_few_messages_are_sent_by_one_process() -> None:
    whole = settings(processes=3)
    assert count_processes(whole, MESSAGES_PER_PROCESS - 1) == 1
    assert count_processes(whole, 2 * MESSAGES_PER_PROCESS) == 2
    assert count_processes(whole, 9 * MESSAGES_PER_PROCESS) == 3


def test_the_folder_of_mails_has_one_process() -> None:
    assert count_processes(settings(processes=3, host=""), 9 * MESSAGES_PER_PROCESS) == 1
