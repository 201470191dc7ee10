"""A text encoder that the operator brings: a folder of model2vec or of sentence-transformers,
opened from this machine alone.

Nothing is ever downloaded: a name is looked up among the models that are here already. A folder's
own code is never run, and weights are read from safetensors where there are any. It is trusted all
the same, since its libraries open what is in it; nothing of it comes from readers or sources.

The libraries come with the extra `semantic` and are
imported when an encoder is opened, so that an install without one pays nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.errors import ConfigError

KEY = "features.encoder"
#: texts that are given to a model at once
_TOGETHER = 256
_STATIC = ("StaticEmbedding", "Normalize")
_LIBRARY = "sentence_transformers."
_INSTALL = "Install the extra: pip install 'digest-of-papers[semantic]'"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Encoder:
    """An opened encoder."""

    #: of these very weights: the folder's name and a hash of what is in it
    version: str
    dimensions: int
    _encode: Callable[[list[str]], Any] = field(repr=False)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What the texts mean, shape (len(texts), dimensions); rows of length 1, or of zeros where
        a text says nothing to the encoder.
        """
        parts = [
            self._encode(list(texts[start : start + _TOGETHER]))
            for start in range(0, len(texts), _TOGETHER)
        ]
        rows = np.nan_to_num(np.vstack([np.zeros((0, self.dimensions)), *parts]).astype(np.float32))
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


@lru_cache(maxsize=1)
def load(name: str) -> Encoder:
    """The encoder of a folder, or of a model that is on this machine by its name; opened once a
    process.

    Raises:
        ConfigError: the extra is not installed, there is no such folder or model, or it cannot be
        read.
    """
    # No library below may look anything up on the net.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = _folder(name)
    try:
        encode = _static(folder) if _is_static(folder) else _sentences(folder)
        dimensions = int(np.asarray(encode(["one"])).shape[1])
    except ImportError as error:
        raise ConfigError(
            f"{KEY} = {name!r}: needs the library {error.name}, which is not installed. "
            f"{_INSTALL}{_heavy(error)}"
        ) from error
    except Exception as error:  # a damaged model fails in as many ways as its libraries have
        raise ConfigError(
            f"{KEY} = {name!r}: no encoder can be read from {folder} ({type(error).__name__}: "
            f"{error}). It has to be a folder that model2vec or "
            "sentence-transformers has saved"
        ) from error
    return Encoder(version=_version(folder, name), dimensions=dimensions, _encode=encode)


def _heavy(error: ImportError) -> str:
    return (
        "; a transformer also needs pip install sentence-transformers"
        if error.name == "sentence_transformers"
        else ""
    )


def _folder(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ConfigError(
            f"{KEY} = {name!r}: there is no such folder. {_INSTALL}; then a name of a model that "
            f"is here will do too"
        ) from None
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:
        named = name if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else "OWNER/NAME"
        raise ConfigError(
            f"{KEY} = {name!r}: there is no such folder, nor a model of that name on this machine, "
            f"and nothing is downloaded by itself. "
            f"Bring one with `hf download {named} --local-dir FOLDER`, and name the folder"
        ) from error


def _is_static(folder: Path) -> bool:
    """Is it a table of word vectors, for model2vec, and no transformer? Both leave files of the
    same names.
    """
    try:
        return all(kind.endswith(_STATIC) for kind in _module_types(folder))
    except OSError:
        pass
    except (ValueError, TypeError, KeyError):
        return False
    try:
        return bool(
            json.loads((folder / "config.json").read_bytes()).get("model_type") == "model2vec"
        )
    except (OSError, ValueError, AttributeError):
        return False


def _module_types(folder: Path) -> list[str]:
    """The classes that a folder says it is made of."""
    return [str(module["type"]) for module in json.loads((folder / "modules.json").read_bytes())]


def _static(folder: Path) -> Callable[[list[str]], Any]:
    from model2vec import StaticModel

    return StaticModel.from_pretrained(folder).encode


def _sentences(folder: Path) -> Callable[[list[str]], Any]:
    """Raises ValueError where the folder names code that is not the library's."""
    named = _module_types(folder) if (folder / "modules.json").exists() else []
    if other := [kind for kind in named if not kind.startswith(_LIBRARY)]:
        told = f"modules.json names {other[0]!r}, which is not the library's, and is not run"
        raise ValueError(told)
    from sentence_transformers import SentenceTransformer

    safe: dict[str, Any] = {"use_safetensors": True} if any(folder.rglob("*.safetensors")) else {}
    model = SentenceTransformer(
        str(folder), local_files_only=True, trust_remote_code=False, model_kwargs=safe
    )
    return lambda texts: model.encode(texts, show_progress_bar=False, convert_to_numpy=True)


def _version(folder: Path, name: str) -> str:
    """The same for the same files, wherever they lie; what begins with a dot and what is there to
    be read by people do not count.
    """
    told = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inside = path.relative_to(folder)
        if not any(part.startswith(".") for part in inside.parts) and path.suffix != ".md":
            told.update(f"{inside.as_posix()}\0".encode())
            with path.open("rb") as file:
                told.update(hashlib.file_digest(file, "sha256").digest())
    bare = re.sub(r"[^\w.-]+", "-", Path(name).name)[:24].strip("-") or "encoder"
    return f"{bare}-{told.hexdigest()[:8]}"
