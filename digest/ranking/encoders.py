"""A text encoder that the operator brings: model2vec or sentence-transformers.

Nothing is ever downloaded: a name is looked up among the models on this machine. A folder's own
code is never run, and weights are read from safetensors where there are any. The folder is trusted
nevertheless, since its libraries open its files; nothing in it comes from readers or sources.

The libraries come with the extra `semantic`. They are imported when an encoder is opened, so an
install without one does not pay for them.
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
#: texts that a model encodes at once
_BATCH_SIZE = 256
_STATIC = ("StaticEmbedding", "Normalize")
_LIBRARY = "sentence_transformers."
_INSTALL = "Install the extra: pip install 'digest-of-papers[semantic]'"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Encoder:
    """An opened encoder."""

    #: name of the folder with a hash of its files
    version: str
    dimensions: int
    _encode: Callable[[list[str]], Any] = field(repr=False)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts, shape (len(texts), dimensions).

        Rows have length 1, or are zeros where the encoder makes nothing of a text.
        """
        batches = [
            self._encode(list(texts[start : start + _BATCH_SIZE]))
            for start in range(0, len(texts), _BATCH_SIZE)
        ]
        rows = np.nan_to_num(
            np.vstack([np.zeros((0, self.dimensions)), *batches]).astype(np.float32)
        )
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(norms > 0, norms, 1), dtype=np.float32)


@lru_cache(maxsize=1)
def load(name: str) -> Encoder:
    """Open the encoder in a folder, or a model on this machine; once a process.

    Raises:
        ConfigError: the extra is not installed, there is no such folder or model, or it cannot be
            read.
    """
    # No library may use the network.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = _find_folder(name)
    try:
        encode = _open_static(folder) if _is_static(folder) else _open_sentences(folder)
        dimensions = int(np.asarray(encode(["one"])).shape[1])
    except ImportError as error:
        raise ConfigError(
            f"{KEY} = {name!r}: needs the library {error.name}, which is not installed. "
            f"{_INSTALL}{_transformer_hint(error)}"
        ) from error
    except Exception as error:  # libraries fail in many ways on a damaged model
        raise ConfigError(
            f"{KEY} = {name!r}: no encoder can be read from {folder} ({type(error).__name__}: "
            f"{error}). It has to be a folder that model2vec or "
            "sentence-transformers has saved"
        ) from error
    return Encoder(version=_hash_folder(folder, name), dimensions=dimensions, _encode=encode)


def _transformer_hint(error: ImportError) -> str:
    return (
        "; a transformer also needs pip install sentence-transformers"
        if error.name == "sentence_transformers"
        else ""
    )


def _find_folder(name: str) -> Path:
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
        example = name if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else "OWNER/NAME"
        raise ConfigError(
            f"{KEY} = {name!r}: there is no such folder, nor a model of that name on this machine, "
            f"and nothing is downloaded by itself. "
            f"Bring one with `hf download {example} --local-dir FOLDER`, and name the folder"
        ) from error


def _is_static(folder: Path) -> bool:
    """Return whether it is a table of model2vec; transformers have the same files."""
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
    """Return the classes that a folder's modules.json names."""
    return [str(module["type"]) for module in json.loads((folder / "modules.json").read_bytes())]


def _open_static(folder: Path) -> Callable[[list[str]], Any]:
    from model2vec import StaticModel

    return StaticModel.from_pretrained(folder).encode


def _open_sentences(folder: Path) -> Callable[[list[str]], Any]:
    """Open a model of sentence-transformers.

    Raises:
        ValueError: the folder names code that is not the library's.
    """
    types = _module_types(folder) if (folder / "modules.json").exists() else []
    if foreign := [name for name in types if not name.startswith(_LIBRARY)]:
        raise ValueError(
            f"modules.json names {foreign[0]!r}, which is not the library's, and is not run"
        )
    from sentence_transformers import SentenceTransformer

    has_safetensors = any(folder.rglob("*.safetensors"))
    options: dict[str, Any] = {"use_safetensors": True} if has_safetensors else {}
    model = SentenceTransformer(
        str(folder), local_files_only=True, trust_remote_code=False, model_kwargs=options
    )
    return lambda texts: model.encode(texts, show_progress_bar=False, convert_to_numpy=True)


def _hash_folder(folder: Path, name: str) -> str:
    """Return the folder's name with a hash of its files.

    Hidden files and documentation do not count, nor does where the folder is.
    """
    checksum = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inside = path.relative_to(folder)
        if not any(part.startswith(".") for part in inside.parts) and path.suffix != ".md":
            checksum.update(f"{inside.as_posix()}\0".encode())
            with path.open("rb") as file:
                checksum.update(hashlib.file_digest(file, "sha256").digest())
    bare = re.sub(r"[^\w.-]+", "-", Path(name).name)[:24].strip("-") or "encoder"
    return f"{bare}-{checksum.hexdigest()[:8]}"
