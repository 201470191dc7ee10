"""Parallel work behind one function: `map(function, work)`.

Workers get values and return values; they hold no database and no password.
"""

from digest.workers.base import Inline, Workers
from digest.workers.cluster import Certificates, Cluster
from digest.workers.pools import Processes, Threads

__all__ = ["Certificates", "Cluster", "Inline", "Processes", "Threads", "Workers"]
