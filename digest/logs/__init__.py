"""Logging: one handler for all loggers and for warnings, as text or as JSON.

Each line is an event and its fields, at a time in UTC. Secrets are hidden and addresses masked
(`redaction`). Reading order: `events` (what a line says), `formats` (how it is written), `setup`.
"""

from digest.logs.events import Event, Fields, read_event
from digest.logs.formats import Format, JsonFormatter, SafeFormatter, format_crash
from digest.logs.setup import current_format, log_thread_errors, set_up, write_crash

__all__ = [
    "Event",
    "Fields",
    "Format",
    "JsonFormatter",
    "SafeFormatter",
    "current_format",
    "format_crash",
    "log_thread_errors",
    "read_event",
    "set_up",
    "write_crash",
]
