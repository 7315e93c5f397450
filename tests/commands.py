"""The command in this process: its words in, exit code and text out, and who wrote where."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data.making import encoded, pixels, write
from presight.cli.main import main
from presight.store.tensors import load_tensors
from presight.training.checkpoint import Checkpoints

OUT = "run"
SCENES = "scenes:64?size=16"
UPDATES_AN_EPOCH = 8
SIZES = ("--backbone", "resnet9:4", "--image-size", "16", "--precision", "fp32", "--device", "cpu")
TINY = (*SIZES, "--batch-size", "8", "--epochs", "1", "--workers", "1")
"""Options of the smallest run; the last of an option that stands twice counts."""


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def files(folder: Path) -> dict[str, bytes]:
    """Content of all files by relative path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def give(*words: object) -> Said:
    """Give a command; it prints no traceback and changes nothing here but the run folder."""
    out, err = io.StringIO(), io.StringIO()
    assert not Path("pyproject.toml").exists(), "a command is given in a folder of its own"
    before = _others()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    said = Said(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.out + said.err
    assert "this is a bug" not in said.err
    assert _others() == before
    return said


def _others() -> dict[str, bytes]:
    here = files(Path.cwd())
    own = (f"{OUT}/", f"{OUT}.old-")
    return {name: data for name, data in here.items() if not name.startswith(own)}


def pretrain(data: object, *words: object) -> Said:
    """A tiny run in the folder `run`."""
    return give("pretrain", data, "--out", OUT, *TINY, *words)


def refused(said: Said, code: int, *words: str) -> None:
    """An error was said in one paragraph, with these words."""
    assert said.code == code, said.err
    assert said.out == ""
    assert "error: " in said.err
    message = said.err.partition("error: ")[2]
    assert [word for word in words if word not in message] == [], message


def photos(folder: str | Path, count: int = 16) -> Path:
    """Small pictures, each another."""
    for number in range(count):
        write(Path(folder) / f"{number:03}.png", encoded(pixels(18, 20, number)))
    return Path(folder)


def state(out: str | Path = OUT) -> Mapping[str, Tensor]:
    """Every tensor of the newest checkpoint, and of the exported backbone."""
    snapshot = Checkpoints(Path(out) / "checkpoints").latest()
    assert snapshot is not None
    found = {f"{g}:{n}": t for g in snapshot.groups for n, t in snapshot.tensors(g).items()}
    found |= load_tensors(Path(out) / "backbone.safetensors")
    return found | {"updates": torch.tensor(snapshot.step)}


def differing(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors that are not equal bit for bit."""
    assert here.keys() == there.keys()
    return [name for name in here if not torch.equal(here[name], there[name])]


def told(name: str, out: str | Path = OUT) -> Any:
    """A JSON file of the run folder."""
    return json.loads((Path(out) / name).read_text())


def steps(out: str | Path = OUT) -> list[int]:
    """Updates that have a record."""
    lines = (Path(out) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]
