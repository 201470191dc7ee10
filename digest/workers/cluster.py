"""Workers of a Dask cluster, which stands already; it is known by the address of its scheduler.

The composing process hands out work and takes results. Workers come and go: the scheduler keeps
what it handed to a worker, and hands it to another one when that worker dies. Nothing is restarted
here, and nothing is fetched by workers themselves.
"""

from __future__ import annotations

import os
import pickle
import time
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard

from digest.errors import ConfigError, WorkersError
from digest.workers.base import Item, Pool, Result, Shared, hand_out_ahead
from digest.workers.versions import Versions, describe_differences, read_versions

if TYPE_CHECKING:
    from distributed import Client, Future
    from distributed.security import Security

#: seconds in which the scheduler must answer, and in which a first worker must be there
_CONNECT_SECONDS = 10.0
#: seconds between looks at the cluster while a result is waited for
_LOOK_EVERY = 5.0
#: shared values that workers keep: the papers of two or three dates, and what readers rated
_SHARED_KEPT = 100
#: items handed out for each thread of the workers: one is worked on while the next one is there
_ITEMS_PER_THREAD = 2
#: Dask's own settings: items are large by intent, and no code of the caller is sent along
_DASK_SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1 GiB",
    "distributed.diagnostics.computations.nframes": 0,
}
_LATER = "Readers who have no digest yet get theirs with the next compose"


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificates:
    """Files (PEM) by which this process and the cluster know each other under TLS."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Refused:
    """What a worker with other versions returns, instead of results that may differ."""

    worker: str
    versions: Versions


class Cluster(Pool):
    """Runs on the workers of a Dask cluster.

    It connects for each `map`, and only where there are several items.

    Args:
        address: of the scheduler, tcp://host:port or tls://host:port.
        certificates: for tls.
        patience: seconds for which there may be no worker at all.
    """

    def __init__(
        self, address: str, *, certificates: Certificates | None = None, patience: float = 60.0
    ) -> None:
        self.address, self._certificates, self._patience = address, certificates, patience

    def check(self) -> int:
        """Check that the scheduler answers and that its workers have the same versions.

        Returns:
            How many workers there are.

        Raises:
            WorkersError: it does not, or they have not.
            ConfigError: the extra or a certificate is missing.
        """
        with self._connect() as client:
            return len(client.nthreads())

    def _map(
        self,
        function: Callable[[Shared, Item], Result],
        work: Iterable[tuple[Shared, Item]],
    ) -> Generator[Result, None, None]:
        with self._connect() as client:
            submission, counter = _Submission(client, function), _AheadCounter(client)

            def submit(shared: Shared, item: Item) -> Future:
                with self._report_loss():
                    return submission.submit(shared, item)

            def count_ahead() -> int:
                with self._report_loss():
                    return counter.count()

            for future in hand_out_ahead(work, submit, count_ahead):
                with self._report_loss():
                    result = self._wait_for(client, future)
                yield result

    @contextmanager
    def _connect(self) -> Iterator[Client]:
        client = self._open()
        try:
            with self._report_loss():
                try:
                    client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
                except TimeoutError as error:
                    raise self._no_workers(_CONNECT_SECONDS) from error
                self._require_same_versions(client)
            yield client
        finally:
            with suppress(Exception):  # it may be gone; what is left of the work is dropped there
                client.close(timeout=2)

    @contextmanager
    def _report_loss(self) -> Iterator[None]:
        try:
            yield
        except (OSError, CancelledError) as error:
            raise WorkersError(
                f"the Dask scheduler at {self.address} went away ({_describe(error)}). Look at its "
                f"log, and start it again. {_LATER}"
            ) from error

    def _open(self) -> Client:
        try:
            import dask
            from distributed import Client
            from distributed.versions import VersionMismatchWarning
        except ImportError as error:
            raise ConfigError(
                "[workers] dask needs the extra `cluster`: pip install -c deploy/constraints.txt "
                "'.[cluster]'"
            ) from error
        security = self._make_security()
        dask.config.set(_DASK_SETTINGS)
        # versions are compared below, and told in words
        warnings.filterwarnings("ignore", category=VersionMismatchWarning)
        try:
            return Client(
                self.address,
                security=security,
                timeout=_CONNECT_SECONDS,
                set_as_default=False,
                direct_to_workers=False,
                name="digest",
            )
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"the Dask scheduler at {self.address} cannot be reached ({_describe(error)}). "
                "Start it (`dask scheduler`), correct [workers] dask, or leave it empty to work "
                f"on this machine. {_LATER}"
            ) from error

    def _make_security(self) -> Security | None:
        if self._certificates is None:
            return None
        from distributed.security import Security

        files = {
            "ca_file": self._certificates.ca,
            "cert_file": self._certificates.cert,
            "key_file": self._certificates.key,
        }
        for key, path in files.items():
            if not os.access(path, os.R_OK):
                raise ConfigError(
                    f"[workers] {key} = '{path}': cannot be read. Check the path and its "
                    "permissions"
                )
        return Security(
            require_encryption=True,
            tls_ca_file=str(files["ca_file"]),
            tls_client_cert=str(files["cert_file"]),
            tls_client_key=str(files["key_file"]),
        )

    def _require_same_versions(self, client: Client) -> None:
        """Refuse workers with other versions: their results might differ in a digit.

        The scheduler reads what is handed out, too.
        """
        own = read_versions()
        others = {"the Dask scheduler": _run_on_scheduler(client)}
        for address, versions in client.run(read_versions, on_error="return").items():
            others[f"the Dask worker {address}"] = versions
        for name, versions in others.items():
            if versions != own:
                raise _other_versions(name, versions, own)

    def _wait_for(self, client: Client, future: Future) -> Any:
        """Return a result; look now and then whether anybody still works on it."""
        alone_since: float | None = None
        while client.status == "running":
            try:
                return self._take_result(future)
            except TimeoutError:  # it is not there yet, or still on its way
                if client.nthreads():
                    alone_since = None
                    continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > self._patience:
                raise self._no_workers(self._patience)
        raise ConnectionError("the connection was lost")

    def _take_result(self, future: Future) -> Any:
        """Return a result; a TimeoutError if it is not there soon."""
        from distributed import KilledWorker

        try:
            result = future.result(timeout=None if future.done() else _LOOK_EVERY)
        except KilledWorker as error:
            raise WorkersError(
                f"a batch of readers ended {error.allowed_failures + 1} workers one after the "
                f"other, the last one {error.last_worker.address}, mostly because memory ran out. "
                "Give each worker more (`dask worker --memory-limit`), or set [workers] batch "
                f"lower; the log of the worker says more. {_LATER}"
            ) from error
        except Exception as error:
            is_lost = isinstance(error, OSError | CancelledError) and future.status != "error"
            if is_lost:
                raise
            raise WorkersError(
                f"a worker of {self.address} could not work on a batch: {_describe(error)}. Its "
                f"log says more. {_LATER}"
            ) from error
        if isinstance(result, _Refused):
            raise _other_versions(
                f"the Dask worker {result.worker}", result.versions, read_versions()
            )
        return result

    def _no_workers(self, seconds: float) -> WorkersError:
        return WorkersError(
            f"the Dask scheduler at {self.address} has had no worker for {seconds:.0f} seconds. "
            f"Start some (`dask worker {self.address} --nthreads 1`). {_LATER}"
        )


class _Submission:
    """Hands out items, and what they share once for all workers.

    Both travel as bytes in the task itself: the scheduler keeps them until the result is there, so
    that it can hand them to another worker. What was scattered would be lost with its worker.
    """

    def __init__(self, client: Client, function: Callable[[Any, Any], Any]) -> None:
        self._client, self._function, self._versions = client, function, read_versions()
        self._run = uuid.uuid4().hex
        self._count = 0
        #: id -> the value, which keeps the id its own, and the task that loads it
        self._shared: OrderedDict[int, tuple[object, Future]] = OrderedDict()

    def submit(self, shared: Sequence[object], item: object) -> Future:
        payload = _pickle((self._function, item))
        return self._client.submit(
            _work,
            [self._share(value) for value in shared],
            self._versions,
            payload,
            key=self._make_key("readers"),
            pure=False,
        )

    def _share(self, value: object) -> Future:
        ident = id(value)
        if ident in self._shared:
            self._shared.move_to_end(ident)
            return self._shared[ident][1]
        while len(self._shared) >= _SHARED_KEPT:
            self._shared.popitem(last=False)
        future = self._client.submit(
            _load_shared,
            self._versions,
            # a third of the bytes, in a tenth of a second
            zstandard.compress(_pickle(value), level=1),
            key=self._make_key("papers"),
            pure=False,
        )
        self._shared[ident] = value, future
        return future

    def _make_key(self, name: str) -> str:
        self._count += 1
        return f"{name}-{self._run}-{self._count}"


class _AheadCounter:
    """How many items may be handed out; asks now and then how many workers there are."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked, self._threads = float("-inf"), 0

    def count(self) -> int:
        if time.monotonic() - self._asked > _LOOK_EVERY:
            self._threads = sum(self._client.nthreads().values())
            self._asked = time.monotonic()
        return _ITEMS_PER_THREAD * max(self._threads, 1) + 1


def _load_shared(versions: Versions, payload: bytes) -> Any:
    """Load, on a worker, what many items share; other workers get it from there."""
    refused = _refuse_other(versions)
    return refused or pickle.loads(zstandard.decompress(payload))  # noqa: S301 (of the composer)


def _work(shared: Sequence[Any], versions: Versions, payload: bytes) -> Any:
    """Work on one item, on a worker."""
    refused = [value for value in shared if isinstance(value, _Refused)]
    if own := _refuse_other(versions):
        refused.append(own)
    if refused:
        return refused[0]
    function, item = pickle.loads(payload)  # noqa: S301 (of the composer)
    return function(tuple(shared), item)


def _refuse_other(versions: Versions) -> _Refused | None:
    from distributed import get_worker

    own = read_versions()
    return None if own == versions else _Refused(get_worker().address, own)


def _pickle(value: object) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _run_on_scheduler(client: Client) -> Any:
    try:
        return client.run_on_scheduler(read_versions)
    except Exception as error:  # noqa: BLE001 - whatever it lacks is told to the operator
        return error


def _other_versions(name: str, versions: Versions | BaseException, own: Versions) -> WorkersError:
    if isinstance(versions, BaseException):
        differs = f"cannot run this version of digest ({_describe(versions)})"
    else:
        differs = f"has {describe_differences(versions, own)}"
    return WorkersError(
        f"{name} {differs}. Install the same versions on all machines of the cluster, by the same "
        f"deploy/constraints.txt, and start it again. {_LATER}"
    )


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
