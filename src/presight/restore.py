"""From files back to a method or a backbone: the one place that joins both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from presight.core import options as option_list
from presight.core import registry
from presight.core.backbone import Backbone, Encoders
from presight.core.batch import DataSpec
from presight.core.draw import key_of
from presight.core.method import Method
from presight.errors import DataError, IntegrityError, UsageError
from presight.nn import backbones
from presight.store.tensors import load_tensors, read_metadata, save_tensors
from presight.training.checkpoint import Checkpoints

BACKBONE_FILE = "backbone.safetensors"
_CLASSIFIERS = ("fc.", "head.", "classifier.")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a backbone comes from: enough to build it again.

    Args:
        backbone: name of the network.
        stem: small or standard.
        image_size: side of the views it was trained on, pixels.
        method: that trained it; "" for none.
        options: of the method, as plain values.
        spec: what the method knew of the data.
        seed: of the initial weights.
        plugin: a file that the method was found in.
    """

    backbone: str
    stem: Literal["auto", "small", "standard"]
    image_size: int
    method: str
    options: Mapping[str, Any]
    spec: Mapping[str, Any]
    seed: int
    plugin: str = ""


class WarmEncoders:
    """Makes encoders that begin with given weights.

    Args:
        encoders: makes them with drawn weights.
        init: a run folder, a .safetensors file of ours or with the network's own keys, or
            torchvision:NAME.
    """

    def __init__(self, encoders: Encoders, init: str) -> None:
        self._encoders, self._init = encoders, init

    def __call__(
        self,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Callable[[int], torch.nn.Module] | None = None,
    ) -> Backbone:
        """An encoder with the weights; they must be of its shape."""
        backbone = self._encoders(in_channels, width, norm)
        if self._init.startswith("torchvision:"):
            backbones.load_pretrained(backbone, self._init)
            return backbone
        own = _body(backbone).state_dict()
        given = _given(self._init, own)
        odd = sorted(k for k in own.keys() | given.keys() if _shape(own, k) != _shape(given, k))
        if odd:
            told = "; ".join(
                f"{key} is {_shape(given, key)} there and {_shape(own, key)} here"
                for key in odd[:3]
            )
            more = f"; and {len(odd) - 3} more" if len(odd) > 3 else ""
            raise UsageError(
                f"--init {self._init} holds weights of another network: {told}{more}. Give the "
                "--backbone and --stem that they were made with."
            )
        _body(backbone).load_state_dict(given)
        return backbone


def _given(init: str, own: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a run or a backbone's file; of any other .safetensors by the network's keys.

    Such a file may hold a classifier on top, and a trunk under a name, as our own export does.
    """
    path = Path(init)
    if not path.is_file() or "presight" in read_metadata(path):
        return dict(_body(load_backbone(path)).state_dict())
    given = load_tensors(path)
    if any(key.startswith("trunk.") for key in given.keys() - own.keys()):
        given = {k.removeprefix("trunk."): v for k, v in given.items() if k.startswith("trunk.")}
    kept = {k: v for k, v in given.items() if k in own or not k.startswith(_CLASSIFIERS)}
    for key, value in own.items():  # a count that some libraries leave out
        if key.endswith("num_batches_tracked"):
            kept.setdefault(key, value)
    return kept


def _shape(state: Mapping[str, torch.Tensor], key: str) -> tuple[int, ...] | None:
    return tuple(state[key].shape) if key in state else None


def build_method(origin: Origin, init: str = "") -> Method:
    """The method with its initial weights, a function of the origin (and of `init`) alone."""
    kind: type[Method] = registry.load(origin.method, origin.plugin)
    torch.default_generator.manual_seed(key_of(origin.seed, "weights") >> 1)
    encoders: Encoders = backbones.encoders(
        origin.backbone, image_size=origin.image_size, stem=origin.stem
    )
    if init and kind.card.backbone == "own":
        raise UsageError(f"{origin.method} brings its own network; --init cannot fill it.")
    if init:
        encoders = WarmEncoders(encoders, init)
    owners = option_list.Owners(f"method {origin.method}")
    chosen = option_list.take(option_list.of_method(kind), origin.options, owners)
    return kind(encoders, DataSpec(**origin.spec), **chosen)


def untrained_backbone(origin: Origin) -> Backbone:
    """The backbone as it was before training."""
    return build_method(origin).backbone.eval()


def save_backbone(backbone: Backbone, origin: Origin, path: Path) -> None:
    """Write a backbone with its origin; keys are those of the network's own library."""
    words = {"presight": json.dumps(dataclasses.asdict(origin), sort_keys=True)}
    save_tensors(path, dict(_body(backbone).state_dict()), words)


def load_backbone(where: str | Path) -> Backbone:
    """A pretrained backbone from a run folder or a backbone file: a plain module in eval mode.

    Args:
        where: a run folder, or a `backbone.safetensors`.

    Returns:
        A module on the CPU: images float [B,3,H,W] in [0, 1] -> features [B, dim]; it normalizes
        by itself. `.dim` is the width, `.stages(images)` gives the maps of all stages.

    Raises:
        UsageError: nothing there.
        IntegrityError: a file that is not one of ours.
    """
    path = Path(where)
    if path.is_dir():
        if (path / BACKBONE_FILE).is_file():
            return load_backbone(path / BACKBONE_FILE)
        return _from_checkpoint(path)
    if not path.is_file():
        raise UsageError(f"{path} is neither a run folder nor a backbone file.")
    origin = origin_of(path)
    backbone = untrained_backbone(origin)
    _body(backbone).load_state_dict(load_tensors(path))
    return backbone


def origin_of(path: Path) -> Origin:
    """The origin that a backbone file or a run folder carries."""
    if path.is_dir() and (path / BACKBONE_FILE).is_file():
        path = path / BACKBONE_FILE
    elif path.is_dir():
        snapshot = Checkpoints(path / "checkpoints").latest()
        if snapshot is None:
            raise DataError(f"{path} holds no checkpoint and no {BACKBONE_FILE} yet.")
        return _told(snapshot.state["origin"])
    words = read_metadata(path)
    if "presight" not in words:
        raise IntegrityError(f"{path} does not say which backbone it holds; give a run's file.")
    return Origin(**json.loads(words["presight"]))


def _from_checkpoint(folder: Path) -> Backbone:
    origin = origin_of(folder)
    snapshot = Checkpoints(folder / "checkpoints").latest()
    if snapshot is None:
        raise DataError(f"{folder} holds no checkpoint.")
    method = build_method(origin)
    method.load_state_dict(snapshot.tensors("model"))
    return method.backbone.eval()


def _body(backbone: Backbone) -> torch.nn.Module:
    """The library's module inside, so that keys are the library's."""
    trunk = getattr(backbone, "trunk", None)
    return trunk if isinstance(trunk, torch.nn.Module) else backbone


def _told(words: Any) -> Origin:
    """An origin as a checkpoint's state holds it."""
    if not isinstance(words, dict):
        raise IntegrityError("the checkpoint does not say which method it is of.")
    return Origin(**words)
