"""Versions that decide the digits of a score, so they must be the same on every machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

import digest

#: name -> version
Versions = Mapping[str, str]

#: distributions beside Python and digest itself; the last two must understand one another
_PACKAGES = ("numpy", "scipy", "scikit-learn", "msgspec", "dask", "distributed")


@lru_cache(maxsize=1)
def read_versions() -> Versions:
    """Return the versions of this process; of Python, the part that changes its pickles."""
    versions = {
        "digest": digest.__version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    return versions


def describe_differences(versions: Versions, own: Versions) -> str:
    """Say which versions differ: "numpy 2.3.1 where this process has 2.4.6"."""
    return ", ".join(
        f"{name} {versions.get(name) or '(missing)'} where this process has "
        f"{own.get(name) or '(missing)'}"
        for name in dict.fromkeys((*own, *versions))
        if versions.get(name) != own.get(name)
    )
