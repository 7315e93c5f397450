from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation.embedding.test_folder import HOSTILE, images, made
from presight.errors import Unavailable
from presight.evaluation.embedding.formats import write_parquet, write_projector


def test_the_projector_reads_its_files(tmp_path: Path) -> None:
    """Read back by the rules of TensorBoard's own configuration and of its readers."""
    text_format = pytest.importorskip("google.protobuf.text_format")
    config_pb2 = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2")
    found = made()
    write_projector(tmp_path, found, images(40), torch.arange(40))
    config = config_pb2.ProjectorConfig()
    text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), config)
    (one,) = config.embeddings
    assert list(one.tensor_shape) == [40, 6]
    vectors = np.fromfile(tmp_path / one.tensor_path, "<f4").reshape(*one.tensor_shape)
    assert np.array_equal(vectors, found.vectors.numpy())
    lines = (tmp_path / one.metadata_path).read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["identity", "label", "predicted"]
    assert len(lines) == 41
    assert all(len(line.split("\t")) == 3 for line in lines)
    with Image.open(tmp_path / one.sprite.image_path) as sprite:
        side = one.sprite.single_image_dim[0]
        assert sprite.width == sprite.height == 7 * side


def test_tensorboards_plugin_serves_what_was_written(tmp_path: Path) -> None:
    """The server that the browser asks: hostile names included, every file is found and whole."""
    plugin = pytest.importorskip("tensorboard.plugins.projector.projector_plugin")
    application = pytest.importorskip("tensorboard.backend.application")
    base = pytest.importorskip("tensorboard.plugins.base_plugin")
    provider = pytest.importorskip("tensorboard.backend.event_processing.data_provider")
    events = pytest.importorskip("tensorboard.backend.event_processing.plugin_event_multiplexer")
    client = pytest.importorskip("werkzeug.test").Client
    found = made()
    write_projector(tmp_path, found, images(40), torch.arange(40))
    runs = events.EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    context = base.TBContext(
        logdir=str(tmp_path), multiplexer=runs, flags=SimpleNamespace(),
        data_provider=provider.MultiplexerDataProvider(runs, str(tmp_path)),
    )  # fmt: skip
    server = client(application.TensorBoardWSGI([plugin.ProjectorPlugin(context)]))

    def asked(what: str) -> bytes:
        answer = server.get(f"/data/plugin/projector/{what}?run=.&name=presight")
        assert answer.status_code == 200, what
        return bytes(answer.data)

    assert np.array_equal(np.frombuffer(asked("tensor"), "<f4").reshape(40, 6), found.vectors)
    assert len(asked("metadata").decode().splitlines()) == 41
    assert Image.open(io.BytesIO(asked("sprite_image"))).format == "PNG"


def test_metadata_of_one_column_has_no_head(tmp_path: Path) -> None:
    write_projector(tmp_path, made(labels=False), images(40), torch.arange(40))
    lines = (tmp_path / "metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 40
    assert lines[0] == HOSTILE[0]


def test_the_table_holds_vectors_places_neighbors_and_pictures(tmp_path: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    found = made()
    write_parquet(tmp_path / "e.parquet", found, images(40), torch.arange(40))
    table = parquet.read_table(tmp_path / "e.parquet")
    assert np.allclose(np.stack(table["vector"].to_pylist()), found.vectors.numpy())
    assert np.allclose(table["projection_x"].to_numpy(), found.map[:, 0].numpy())
    near = table["neighbors"].to_pylist()[3]
    assert near["ids"] == found.index[3].tolist()
    assert np.allclose(near["distances"], 1 - found.similarity[3].numpy(), atol=1e-6)
    assert table["identity"].to_pylist()[:2] == HOSTILE[:2]
    assert table["label"].to_pylist()[:2] == ["<b>", "dog"]
    picture = table["image"].to_pylist()[0]["bytes"]
    assert Image.open(io.BytesIO(picture)).size == (96, 96)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("presight.evaluation.embedding.formats.importlib.import_module", missing)
    with pytest.raises(Unavailable, match=r'pip install "presight\[parquet\]"'):
        write_parquet(tmp_path / "e.parquet", made(), images(40), torch.arange(40))
