"""Measure the pool of SMTP connections alone: nothing is rendered or stored.

Postfix's own `smtp-source` is the reference, both into `smtp-sink`.

    python tests/bench/mailer.py
            5,000 messages of 30 KB over 10 connections, three rounds of each in turn
    python tests/bench/mailer.py --size 10000 --sessions 1
    python tests/bench/mailer.py --postfix
            into a private Postfix that throws them away, beside a bare client that pipelines

Needs smtp-sink and smtp-source (Debian package postfix; its service need not run). The figure that
means something is the ratio of the two rates on the same machine in the same minute; both speak to
one sink process, which is the limit for large messages.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from digest.demo.servers import free_port
from digest.mail.mailer import SmtpMailer, SmtpServer
from digest.model import Message
from tests.fakes.postfix import Postfix


def find_program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/libexec/postfix")
    if not path:
        sys.exit(f"{name} is not installed: apt-get install postfix")
    return path


def make_body(size: int) -> bytes:
    line = b"x" * 74 + b"\r\n"
    return b"Subject: bench\r\n\r\n" + line * (size // len(line))


async def send_by_pool(port: int, messages: int, size: int, sessions: int) -> None:
    data = make_body(size)
    mailer = SmtpMailer(
        [
            SmtpServer(
                host="127.0.0.1", port=port, tls="none", connections=sessions, per_connection=100
            )
        ]
    )
    await mailer.open()
    numbers = iter(range(messages))

    async def begin() -> bool:
        return True

    async def worker() -> None:
        for number in numbers:
            message = Message(
                message_id=f"<digest.20260609.s{number}@example.org>",
                sender=f"b+{number}@example.org",
                recipient=f"r{number}@example.net",
                subject="bench",
                data=data,
            )
            delivery = await mailer.deliver(message, begin)
            if delivery.outcome != "accepted":
                sys.exit(f"message {number}: {delivery}")

    await asyncio.gather(*(worker() for _ in range(sessions)))
    await mailer.close()


async def send_bare(port: int, messages: list[bytes], connections: int) -> None:
    """Send ready-made messages over pipelining connections, and nothing else.

    No ledger, no limits, no timeouts.
    """
    waiting = iter(messages)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def reply(code: bytes) -> None:
            line = await reader.readline()
            while line[3:4] == b"-":
                line = await reader.readline()
            if not line.startswith(code):
                sys.exit(f"the mail server said {line!r}")

        await reply(b"220")
        writer.write(b"EHLO bench.example.org\r\n")
        await reply(b"250")
        for message in waiting:
            writer.write(b"MAIL FROM:<b@example.org>\r\nRCPT TO:<r@example.net>\r\nDATA\r\n")
            for code in (b"250", b"250", b"354"):
                await reply(code)
            writer.write(message.replace(b"\n.", b"\n..") + b".\r\n")
            await writer.drain()
            await reply(b"250")
        writer.write(b"QUIT\r\n")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(connections)))


def measure(do: Callable[[], object]) -> tuple[float, float]:
    """Return seconds on the clock and of CPU, those of children included."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    do()
    return time.perf_counter() - wall, sum(os.times()[:4]) - cpu


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--messages", type=int, default=5000)
    parse.add_argument("--size", type=int, default=30000, help="bytes of a message")
    parse.add_argument("--sessions", type=int, default=10)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--postfix", action="store_true")
    args = parse.parse_args()
    if args.postfix:
        with Postfix(discards=True) as postfix:
            compare(
                args,
                postfix.port,
                "bare client",
                lambda: asyncio.run(
                    send_bare(postfix.port, [make_body(args.size)] * args.messages, args.sessions)
                ),
                postfix.wait_until_empty,
            )
    else:
        port = free_port()
        sink = subprocess.Popen(
            [
                find_program("smtp-sink"),
                *(["-u", "nobody"] if os.getuid() == 0 else []),
                f"127.0.0.1:{port}",
                "200",
            ]
        )
        source = [
            find_program("smtp-source"),
            "-d",
            "-s",
            str(args.sessions),
            "-m",
            str(args.messages),
            "-l",
            str(args.size),
            "-f",
            "b@example.org",
            "-t",
            "r@example.net",
            f"127.0.0.1:{port}",
        ]
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            compare(
                args, port, "smtp-source", lambda: subprocess.run(source, check=True), lambda: None
            )
        finally:
            sink.terminate()
            sink.wait()


def compare(
    args: argparse.Namespace,
    port: int,
    other: str,
    do_other: Callable[[], object],
    wait: Callable[[], None],
) -> None:
    """Compare ours with another sender, round by round.

    `wait` waits until the server has nothing left to do.
    """
    rates: dict[str, list[float]] = {"ours": [], other: []}
    cpu: dict[str, list[float]] = {"ours": [], other: []}
    for _ in range(args.rounds):
        for name, do in (
            (other, do_other),
            (
                "ours",
                lambda: asyncio.run(send_by_pool(port, args.messages, args.size, args.sessions)),
            ),
        ):
            wall, spent = measure(do)
            rates[name].append(args.messages / wall)
            cpu[name].append(spent / args.messages * 1e6)
            wait()
    load = os.getloadavg()[0]
    print(
        f"{args.messages:,} messages of {args.size:,} bytes, {args.sessions} connections, "
        f"{args.rounds} rounds, load {load:.1f}"
    )
    for name in rates:
        print(
            f"  {name:12} {statistics.median(rates[name]):8,.0f} messages a second   "
            f"{statistics.median(cpu[name]):6.0f} us CPU a message"
        )
    ratios = [own / theirs for own, theirs in zip(rates["ours"], rates[other], strict=True)]
    print(
        f"  ratio of a round {statistics.median(ratios):.2f}, {min(ratios):.2f} to "
        f"{max(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
