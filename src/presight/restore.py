"""From files back to a method or a backbone: the one place that joins both."""

from __future__ import annotations

import copy
import dataclasses
import json
import shlex
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
from presight.store.folder import RunFolder
from presight.store.tensors import load_tensors, read_metadata, save_tensors
from presight.training.checkpoint import Checkpoints

BACKBONE_FILE = "backbone.safetensors"
MODEL_WORDS = "presight-model"
"""Metadata of a file that holds a backbone with a task's head."""

_INNER = "backbone."  # what the backbone's weights are called there
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
        plugin: the user's file that the method was found in, where this command names it.
        ordinary: whether the backbone is the network of that name, and nothing of the method's
            own: then the method's code is not needed to build it.
    """

    backbone: str
    stem: Literal["auto", "small", "standard"]
    image_size: int
    method: str
    options: Mapping[str, Any]
    spec: Mapping[str, Any]
    seed: int
    plugin: str = ""
    ordinary: bool = False

    def words(self) -> dict[str, Any]:
        """Plain values for a file; of the plugin its name, as its place is its owner's business."""
        return {**dataclasses.asdict(self), "plugin": Path(self.plugin).name}


class WarmEncoders:
    """Makes encoders that begin with given weights.

    Args:
        encoders: makes them with drawn weights.
        init: a run folder, a .safetensors file of ours or with the network's own keys, or
            torchvision:NAME.
        plugin: a Python file with methods, as for `load_backbone`.
    """

    def __init__(self, encoders: Encoders, init: str, plugin: str = "") -> None:
        self._encoders, self._init, self._plugin = encoders, init, plugin

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
        given = _given(self._init, own, self._plugin)
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


def _given(init: str, own: Mapping[str, torch.Tensor], plugin: str) -> dict[str, torch.Tensor]:
    """Weights of a run or a backbone's file; of any other .safetensors by the network's keys.

    Such a file may hold a classifier on top, and a trunk under a name, as our own export does.
    """
    path = Path(init)
    if not path.is_file() or "presight" in read_metadata(path):
        return dict(_body(load_backbone(path, plugin)).state_dict())
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
    encoders = _encoders(origin)
    if init and kind.card.backbone == "own":
        raise UsageError(f"{origin.method} brings its own network; --init cannot fill it.")
    if init:
        encoders = WarmEncoders(encoders, init, origin.plugin)
    owners = option_list.Owners(f"method {origin.method}")
    chosen = option_list.take(option_list.of_method(kind), origin.options, owners)
    return kind(encoders, DataSpec(**origin.spec), **chosen)


def _encoders(origin: Origin) -> Encoders:
    """Makes networks of the origin's name; the first weights that are drawn follow its seed."""
    torch.default_generator.manual_seed(key_of(origin.seed, "weights") >> 1)
    return backbones.encoders(origin.backbone, image_size=origin.image_size, stem=origin.stem)


def untrained_backbone(origin: Origin) -> Backbone:
    """The backbone without training, weights drawn by the origin's seed."""
    if origin.ordinary:
        return _encoders(origin)().eval()
    return build_method(origin).backbone.eval()


def save_backbone(backbone: Backbone, origin: Origin, path: Path) -> None:
    """Write a backbone with its origin; keys are those of the network's own library."""
    save_tensors(path, dict(_body(backbone).state_dict()), metadata(backbone, origin))


def metadata(backbone: Backbone, origin: Origin) -> dict[str, str]:
    """What a file of the backbone's weights has to say for `load_backbone` to read it."""
    origin = dataclasses.replace(origin, ordinary=_is_ordinary(backbone, origin))
    return {"presight": json.dumps(origin.words(), sort_keys=True)}


@torch.no_grad()
def _is_ordinary(backbone: Backbone, origin: Origin) -> bool:
    """Whether the network of the origin's name gives the same features by the same weights."""
    state = torch.random.get_rng_state()
    plain = _encoders(origin)().eval()
    torch.random.set_rng_state(state)
    given, own = _body(backbone).state_dict(), _body(plain).state_dict()
    shapes = ({key: value.shape for key, value in one.items()} for one in (given, own))
    if type(plain) is not type(backbone) or next(shapes) != next(shapes):
        return False
    _body(plain).load_state_dict(given)
    images = torch.linspace(0, 1, 6 * origin.image_size**2)
    images = images.view(2, 3, origin.image_size, origin.image_size)
    trained = copy.deepcopy(backbone).cpu().float().eval()
    return torch.allclose(plain(images), trained(images), rtol=1e-3, atol=1e-4)


def load_backbone(where: str | Path, plugin: str = "") -> Backbone:
    """A pretrained backbone from a run folder or a backbone file: a plain module in eval mode.

    Args:
        where: a run folder, its `backbone.safetensors`, a run's export to safetensors, or the
            `model.safetensors` that an evaluation kept.
        plugin: a Python file with the method, where neither presight nor a package has it and the
            network is the method's own; no code of a run folder is imported unless it is named.

    Returns:
        A module on the CPU: images float [B,3,H,W] in [0, 1] -> features [B, dim]; it normalizes
        by itself. `.dim` is the width, `.stages(images)` gives the maps of all stages.

    Raises:
        UsageError: nothing there, or the method's code is needed.
        IntegrityError: a file that is not one of ours.
    """
    path = Path(where)
    if path.is_dir():
        if (path / BACKBONE_FILE).is_file():
            return load_backbone(path / BACKBONE_FILE, plugin)
        return _from_checkpoint(path, plugin)
    if not path.is_file():
        raise UsageError(f"{path} is neither a run folder nor a backbone file.")
    origin = origin_of(path, plugin)
    backbone, state = untrained_backbone(origin), load_tensors(path)
    if MODEL_WORDS in read_metadata(path):
        state = {k.removeprefix(_INNER): v for k, v in state.items() if k.startswith(_INNER)}
    whole = state.keys() == backbone.state_dict().keys()  # so an export has it
    (backbone if whole else _body(backbone)).load_state_dict(state)
    return backbone


def origin_of(path: Path, plugin: str = "") -> Origin:
    """The origin that a backbone file or a run folder carries, with the command's own plugin.

    Raises:
        UsageError: the network is built by a method whose code is not at hand.
    """
    if path.is_dir() and (path / BACKBONE_FILE).is_file():
        path = path / BACKBONE_FILE
    elif path.is_dir():
        snapshot = Checkpoints(path / "checkpoints").latest()
        if snapshot is None:
            raise DataError(f"{path} holds no checkpoint and no {BACKBONE_FILE} yet.")
        return _told(snapshot.state["origin"], path, plugin)
    words = read_metadata(path)
    if "presight" not in words:
        raise IntegrityError(
            f"{path} does not say which backbone it holds; give a run's folder, its "
            f"{BACKBONE_FILE} or its export to safetensors: others are for other libraries."
        )
    return _told(json.loads(words["presight"]), path, plugin)


def _from_checkpoint(folder: Path, plugin: str) -> Backbone:
    origin = origin_of(folder, plugin)
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


def _told(words: Any, path: Path, plugin: str) -> Origin:
    """An origin as a file holds it, but for the plugin: code is named by a command only."""
    if not isinstance(words, dict):
        raise IntegrityError(f"{path} does not say which method it is of.")
    origin = Origin(**words)
    if not origin.ordinary and origin.method not in registry.names(plugin):
        raise UsageError(_code_is_needed(origin, path))
    return dataclasses.replace(origin, plugin=plugin)


def _code_is_needed(origin: Origin, path: Path) -> str:
    copy_of_it = RunFolder(path if path.is_dir() else path.parent).plugin
    text = (
        f"{path} needs the code of its method, {origin.method}, which neither presight nor an "
        "installed package has. "
    )
    if not copy_of_it.is_file():
        return f"{text}Give the Python file that it was made with: --plugin FILE."
    return (
        f"{text}The run kept a copy, which is not run unasked, as a folder may come from somebody "
        f"else. If you trust it: --plugin {shlex.quote(str(copy_of_it))}"
    )
