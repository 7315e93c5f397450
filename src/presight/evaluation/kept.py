"""The model that an evaluation leaves: backbone, head and names in one file without pickle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from presight.core import automatic
from presight.core.backbone import Backbone
from presight.core.draw import Draw
from presight.data.canvas import canvases
from presight.data.fill import fitting
from presight.data.source import Pixels
from presight.errors import IntegrityError, PresightError, UsageError
from presight.evaluation.classifier import LinearClassifier
from presight.evaluation.outcomes import FILE
from presight.evaluation.score import RESULT
from presight.evaluation.tasks.sets import task_named
from presight.evaluation.tasks.task import Answer, Headed, Sizes, Task
from presight.restore import MODEL_WORDS, Origin, metadata, origin_of, untrained_backbone
from presight.store import integrity
from presight.store.tensors import load_tensors, read_metadata, save_tensors

MODEL = "model.safetensors"
"""Its file, in the evaluation's folder."""

_LAYOUT = 1
_NEVER = -1e4  # logit of a class that no label named
_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a model is, beside its weights and its backbone's origin.

    Args:
        task: its name.
        names: of what is answered, classes or keypoints.
        settings: of the task; see `Task.settings`.
        size: side of a view, pixels.
        mode: frozen or finetune: whether the backbone learned from the labels, too.
        about: how it was made and what it scored; plain JSON.
    """

    task: str
    names: tuple[str, ...]
    settings: Mapping[str, Any]
    size: int
    mode: str
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def reader(self) -> Task:
        """The task without a labelled set."""
        return task_named(self.task).unlabelled(self.names, self.settings)


class Model(nn.Module):
    """A backbone with a task's head: pictures in, answers out.

    Args:
        network: backbone and head.
        facts: what it is.
        origin: where its backbone comes from.

    Attributes:
        task: name of the task.
        names: of what is answered; none where answers have no names.
        size: side of a view, pixels.
    """

    def __init__(self, network: Headed, facts: Facts, origin: Origin) -> None:
        super().__init__()
        self.network, self.facts, self.origin = network, facts, origin
        self.task, self.names, self.size = facts.task, facts.names, facts.size
        self.reader = facts.reader()

    @property
    def backbone(self) -> Backbone:
        """Images in [0, 1] to features and maps."""
        return self.network.backbone

    def forward(self, images: Tensor) -> Any:
        """The head's own answer to views float [B,3,h,w] in [0, 1], with gradient.

        Logits [B, C] for classes; what others give says the task's model.
        """
        return self.network(images)

    @torch.no_grad()
    def predict(
        self, images: Tensor | Sequence[Pixels], sizes: Sizes | None = None
    ) -> list[Answer]:
        """What is said of each picture.

        Args:
            images: float [B,3,h,w] in [0, 1], uint8 [B,3,h,w], or pictures uint8 [h,w,3] of any
                sizes.
            sizes: heights and widths in whose pixels answers count, where these pictures are
                smaller copies; by default their own.

        Returns:
            B answers, as the task's `answers` gives them: probabilities [C] for classification,
            multilabel and pose5; boxes with scores and labels for detection; classes uint8 [h, w]
            for segmentation; meters [h, w] for depth; x, y in pixels and a peak's height [k, 3] for
            keypoints; a quaternion [4] for pose.

        Raises:
            UsageError: images of another shape.
        """
        pictures = _pictures(images)
        own = [(picture.shape[0], picture.shape[1]) for picture in pictures]
        sizes = own if sizes is None else sizes
        found: list[Answer] = []
        for start in range(0, len(pictures), _BATCH):
            part = slice(start, start + _BATCH)
            found += self._answers(pictures[part], sizes[part])
        return found

    def _answers(self, pictures: Sequence[Pixels], sizes: Sizes) -> list[Answer]:
        device = next(self.parameters()).device
        side = automatic.cache_side(self.size).number
        small = [fitting(picture, side) for picture in pictures]  # as an evaluation keeps them
        batch = canvases(small, torch.arange(len(small))).to(device)
        view = self.reader.look(self.size)(batch, Draw(0, 0, batch.index))["view"]
        return self.reader.answers(self.network, view.to(device), sizes)


def _pictures(images: Tensor | Sequence[Pixels]) -> Sequence[Pixels]:
    if isinstance(images, Tensor):
        if images.ndim != 4 or images.shape[1] != 3:
            raise UsageError(f"images must be [B, 3, h, w]; received {tuple(images.shape)}.")
        if images.is_floating_point():
            images = (images.clamp(0, 1) * 255).round().byte()
        return list(images.permute(0, 2, 3, 1).contiguous().cpu().numpy())
    for picture in images:
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != "uint8":
            raise UsageError(
                f"pictures must be uint8 [h, w, 3]; received {picture.dtype} {picture.shape}."
            )
    return images


def probed(backbone: Backbone, probe: LinearClassifier, classes: int) -> Headed:
    """A backbone with a linear probe of its features as its head.

    Args:
        backbone: whose features the probe was fitted on.
        probe: of some of the classes; the others are never answered.
        classes: how many there are.
    """
    head = nn.Linear(backbone.dim, classes)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(_NEVER)
        seen = probe.classes.cpu()
        head.weight[seen] = probe.weight.to(head.weight)
        head.bias[seen] = probe.bias.to(head.bias)
    return Headed(backbone, head).eval()


def plain(network: Headed) -> Headed:
    """The network with a linear head as such: normalization before it goes into its weights."""
    head = network.head
    if not isinstance(head, nn.Sequential) or not isinstance(head[0], nn.BatchNorm1d):
        return network
    norm, linear = head[0].cpu(), head[1].cpu()
    assert isinstance(linear, nn.Linear)
    mean, variance = norm.running_mean, norm.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    with torch.no_grad():
        scale = (variance + norm.eps).rsqrt()
        folded = nn.Linear(linear.in_features, linear.out_features)
        folded.weight.copy_(linear.weight * scale)
        folded.bias.copy_(linear.bias - folded.weight @ mean)
    return Headed(network.backbone, folded).eval()


def save_model(folder: Path, network: Headed, origin: Origin, facts: Facts) -> Path:
    """Write `model.safetensors` into an evaluation's folder, whole or not at all, and its checksum.

    Args:
        folder: of the evaluation; it is there.
        network: backbone and head, as the task makes them.
        origin: where the backbone comes from.
        facts: what the model is.
    """
    network = network.cpu().float().eval()
    words = metadata(network.backbone, origin)
    words[MODEL_WORDS] = json.dumps(
        {"layout": _LAYOUT, **dataclasses.asdict(facts)}, sort_keys=True
    )
    path = folder / MODEL
    save_tensors(path, dict(network.state_dict()), words)
    integrity.seal(folder, [MODEL])
    return path


def load_model(where: str | Path, plugin: str = "") -> Model:
    """The model that `presight evaluate --keep` left, on the CPU, in evaluation mode.

    Args:
        where: an evaluation's folder, its `model.safetensors`, or a run with one such evaluation.
        plugin: a Python file with the method of the backbone, where the network is its own.

    Raises:
        UsageError: there is none, or the method's code is needed.
        IntegrityError: a file that is damaged, or none of ours.
    """
    path = model_file(where)
    if broken := _broken(path):
        raise IntegrityError(f"{path}: {broken}. Evaluate with --keep again to write it anew.")
    facts, origin = facts_of(path), origin_of(path, plugin)
    try:
        network = facts.reader().model(untrained_backbone(origin))
        network.load_state_dict(load_tensors(path))
    except PresightError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise IntegrityError(f"{path} does not hold the model that it names: {error}") from error
    return Model(network, facts, origin).eval()


def _broken(path: Path) -> str:
    """Why a file is not what was written; "" where it is, or where nothing says so."""
    if not (path.parent / integrity.MANIFEST).exists():
        return ""
    found = integrity.verify(path.parent)
    return next((one.text for one in found if one.path in (path.name, integrity.MANIFEST)), "")


def model_file(where: str | Path) -> Path:
    """The file of a kept model.

    Raises:
        UsageError: there is none, or several.
    """
    path = Path(where)
    if path.is_file():
        return path
    if (path / MODEL).is_file():
        return path / MODEL
    found = sorted(path.glob(f"eval/*/{MODEL}"))
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(str(one.parent) for one in found)
        raise UsageError(f"{path} holds {len(found)} models; name the evaluation: {told}.")
    raise UsageError(
        f"{path} holds no model; presight evaluate RUN --labels LABELLED --keep leaves one."
    )


def is_model(where: str | Path) -> bool:
    """Whether a model with a head is meant: an evaluation's folder, or a model's file."""
    path = Path(where)
    if path.is_dir():
        return any((path / name).is_file() for name in (MODEL, RESULT, FILE))
    return path.is_file() and path.suffix == ".safetensors" and MODEL_WORDS in read_metadata(path)


def facts_of(path: Path) -> Facts:
    """What a model's file says of itself.

    Raises:
        IntegrityError: it is damaged, or says nothing.
    """
    text = read_metadata(path).get(MODEL_WORDS)
    if text is None:
        raise IntegrityError(
            f"{path} holds no model with a head; the {MODEL} that presight evaluate --keep leaves "
            "was expected."
        )
    try:
        told = json.loads(text)
        if told.pop("layout") != _LAYOUT:
            raise ValueError("another layout")
        facts = Facts(**{**told, "names": tuple(map(str, told["names"]))})
        if not isinstance(facts.size, int) or not isinstance(facts.settings, dict):
            raise ValueError("size")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise IntegrityError(
            f"{path} does not say which model it holds; evaluate with --keep again."
        ) from None
    return facts
