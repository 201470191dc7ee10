"""Encoders that an operator brings.

They are opened from this machine alone. Where that fails, the error says why.
"""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from digest.errors import ConfigError
from digest.ranking import encoders
from tests.fakes import encoder

TOPICS = {"hands": ("robot", "gripper", "grasping"), "scans": ("tumour", "mri", "lesion")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return encoder.save(tmp_path / "tiny", TOPICS)


def test_texts_become_rows_of_length_one_with_cosines_of_their_meaning(folder: Path) -> None:
    opened = encoders.load(str(folder))
    robot, gripper, tumour, nothing = rows = opened.encode(
        ["Robot", "a gripper", "tumour", "zzyzx"]
    )
    assert rows.shape == (4, opened.dimensions)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows[:3], axis=1), 1, atol=1e-6)
    assert not nothing.any()
    assert robot @ gripper > 0.7 > abs(robot @ tumour)


def test_any_number_of_texts_is_encoded_and_in_order(folder: Path) -> None:
    opened = encoders.load(str(folder))
    assert opened.encode([]).shape == (0, 24)
    many = opened.encode(["robot", "tumour"] * 301)
    assert np.array_equal(many[::2], np.repeat(many[:1], 301, axis=0))
    assert not np.array_equal(many[0], many[1])


def test_the_version_depends_on_the_files_alone(folder: Path, tmp_path: Path) -> None:
    first = encoders.load(str(folder)).version
    assert first.startswith("tiny-")
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere" / "tiny"))
    (moved / "README.md").write_text("read me")
    assert encoders.load(str(moved)).version == first
    other = encoder.save(tmp_path / "other" / "tiny", TOPICS, seed=1)
    assert encoders.load(str(other)).version != first
    spoken = encoder.save(tmp_path / "my model, 2026 (the very good one, of the two)", TOPICS)
    assert encoders.load(str(spoken)).version.startswith("my-model-2026-the-very-g-")
    assert len(encoders.load(str(spoken)).version) <= 40


def test_no_socket_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("an encoder went to the network")

    monkeypatch.setattr(socket.socket, "connect", fail)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    encoders.load(str(folder)).encode(["robot"])
    with pytest.raises(
        ConfigError,
        match=(
            r"'somebody/encoder': there is no such folder, nor a model of that name.*nothing is "
            r"downloaded"
        ),
    ):
        encoders.load("somebody/encoder")


@pytest.mark.parametrize("name", ["no such folder!", "a/b/c", "/no/where"])
def test_a_name_without_folder_or_model_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        encoders.load(name)


def test_without_the_extra_the_error_names_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(
        ConfigError, match=r"needs the library model2vec.*digest-of-papers\[semantic\]"
    ):
        encoders.load(str(folder))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"no such folder.*digest-of-papers\[semantic\]"):
        encoders.load("somebody/encoder")


def test_a_transformer_is_recognised_and_needs_its_own_library(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(
        ConfigError,
        match=r"needs the library sentence_transformers.*pip install sentence-transformers",
    ):
        encoders.load(str(folder))


@pytest.mark.parametrize(("pickled", "listed"), [(False, True), (True, True), (False, False)])
def test_a_transformer_is_opened_without_its_own_code_and_from_safetensors_if_it_can(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pickled: bool, listed: bool
) -> None:
    modules = [{"type": "sentence_transformers.models.Transformer"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    if not listed:
        (folder / "modules.json").unlink()
        (folder / "config.json").write_text('{"model_type": "bert"}')
    if pickled:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    options: dict[str, object] = {}

    class SentenceTransformer:
        def __init__(self, path: str, **how: object) -> None:
            options.update(how)

        def encode(self, texts: list[str], **_: object) -> object:
            return np.ones((len(texts), 3))

    library = types.ModuleType("sentence_transformers")
    library.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    assert encoders.load(str(folder)).dimensions == 3
    safe = {} if pickled else {"use_safetensors": True}
    assert options == {"local_files_only": True, "trust_remote_code": False, "model_kwargs": safe}


@pytest.mark.parametrize("kind", ["os.system", "mine.Transformer", "sentence_transformersx.A"])
def test_a_list_of_modules_that_names_other_code_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    modules = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    (folder / "modules.json").write_text(json.dumps(modules))
    monkeypatch.setitem(sys.modules, "sentence_transformers", types.ModuleType("not asked"))
    with pytest.raises(ConfigError, match=f"modules.json names {kind!r}.*not run"):
        encoders.load(str(folder))


def test_opening_a_table_unpickles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a pickle was opened")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, fail)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    assert encoders.load(str(folder)).encode(["robot"]).shape == (1, 24)


def test_a_table_without_a_list_of_modules_is_recognised_by_its_settings(
    folder: Path,
) -> None:
    (folder / "modules.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "model2vec"}))
    assert encoders.load(str(folder)).dimensions == 24


@pytest.mark.parametrize("damage", ["cut", "empty", "no tokens", "no settings"])
def test_a_folder_that_cannot_be_read_is_named(folder: Path, damage: str) -> None:
    weights = folder / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-20])
    elif damage == "empty":
        weights.write_bytes(b"")
    else:
        (folder / {"no tokens": "tokenizer.json", "no settings": "config.json"}[damage]).unlink()
    with pytest.raises(ConfigError, match=r"no encoder can be read from .*tiny"):
        encoders.load(str(folder))


def test_a_service_without_an_encoder_imports_none_of_it() -> None:
    program = (
        "import sys, digest.serve, digest.services\n"
        "heavy = ('model2vec', 'huggingface_hub', 'tokenizers', 'torch')\n"
        "sys.exit(any(name in sys.modules for name in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
