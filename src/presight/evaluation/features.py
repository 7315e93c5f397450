"""Features of a frozen backbone: computed once, checked, cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from presight.core.draw import Draw
from presight.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from presight.core.backbone import Backbone
    from presight.core.recipe import Recipe
    from presight.data.canvas import Images

Progress = Callable[[int, int], None]
"""Told the images done and the images in all."""

_LAYOUT = 1  # part of every cache key: raise it when the meaning of a feature changes
_VIEW = "view"


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every parameter and buffer, also those that the state dict leaves out."""
    yield from module.named_parameters()
    yield from module.named_buffers()


def tensor_digests(module: nn.Module) -> dict[str, str]:
    """Name -> digest of the bytes, type and shape of every parameter and buffer."""
    digests = {}
    for name, tensor in _tensors(module):
        value = tensor.detach().cpu().contiguous()
        hasher = hashlib.blake2b(f"{value.dtype} {tuple(value.shape)} ".encode(), digest_size=16)
        hasher.update(value.reshape(-1).view(torch.uint8).numpy().data)
        digests[name] = hasher.hexdigest()
    return digests


def backbone_digest(backbone: Backbone) -> str:
    """A digest of all weights and buffers and of the layout's name, 32 hex digits."""
    hasher = hashlib.blake2b(f"{backbone.source} {backbone.dim}".encode(), digest_size=16)
    for name, digest in sorted(tensor_digests(backbone).items()):
        hasher.update(f"{name} {digest}\n".encode())
    return hasher.hexdigest()


def require_finite(features: Tensor) -> None:
    """Refuse features that hold NaN or infinity: every comparison with them is false, or an answer.

    Args:
        features: float, images first.

    Raises:
        UsageError: not every number is finite.
    """
    strange = int((~torch.isfinite(features)).flatten(1).any(1).sum())
    if strange:
        raise UsageError(
            f"the features of {strange:,} of {len(features):,} images hold NaN or infinity; finite "
            "numbers were expected. The backbone has diverged: pretrain again with a smaller "
            "learning rate."
        )


@contextmanager
def frozen(backbone: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode on `device`; afterwards modes and place are as before.

    Raises:
        IntegrityError: a tensor of the backbone changed meanwhile.
    """
    modes = [(module, module.training) for module in backbone.modules()]
    home = next((tensor.device for _, tensor in _tensors(backbone)), device)
    before = tensor_digests(backbone)
    backbone.eval().to(device)
    try:
        with torch.inference_mode():
            yield
        after = tensor_digests(backbone)
    finally:
        backbone.to(home)
        for module, training in modes:
            module.training = training
    changed = [name for name, digest in before.items() if after.get(name) != digest]
    if changed:
        raise IntegrityError(
            f"the backbone's `{changed[0]}` changed while its features were computed "
            f"({len(changed)} tensors in all). A frozen backbone must not change; look for a "
            "layer that stays in training mode after eval()."
        )


def _center(size: int) -> Recipe:
    from presight.views.catalogue import recipe  # late: a recipe of the caller's own needs none

    return recipe("center", size=size)


def views_of(
    images: Images, views: Recipe, device: torch.device, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs (index int64 [b], view float32 [b,C,size,size] in [0, 1]) in the source's order."""
    for start in range(0, len(images), batch_size):
        index = torch.arange(start, min(start + batch_size, len(images)))
        batch = images.batch(index).to(device)
        yield index, views(batch, Draw(0, 0, batch.index))[_VIEW].to(device)


def extract(
    backbone: Backbone,
    images: Images,
    *,
    size: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    views: Recipe | None = None,
    bfloat16: bool = False,
    channels_last: bool = False,
    progress: Progress | None = None,
) -> Tensor:
    """Features of all images, in the source's order; the backbone is left as it was.

    Args:
        backbone: images in [0, 1] to features.
        images: the data layer's images.
        size: side of a view, pixels.
        device: where the backbone runs.
        batch_size: images at a time; does not change the features beyond rounding.
        views: a recipe with the key `view`; by default the center of the image, whole height or
            width, without augmentation.
        bfloat16: run under autocast; about three digits are left.
        channels_last: the memory layout of the views.
        progress: told (images done, images in all) after every batch.

    Returns:
        float32 [N, dim] on the CPU.

    Raises:
        IntegrityError: the backbone changed its own tensors.
        UsageError: the batch size is below 1, or a feature is NaN or infinite.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}; it must be 1 or more.")
    device = torch.device(device)
    views = _center(size) if views is None else views
    features = torch.empty(len(images), backbone.dim)
    with frozen(backbone, device):
        for index, pictures in views_of(images, views, device, batch_size):
            if channels_last:
                pictures = pictures.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                features[index] = backbone(pictures).float().cpu()
            if progress is not None:
                progress(int(index[-1]) + 1, len(images))
    require_finite(features)
    return features


def raw_pixels(
    images: Images, size: int = 32, *, views: Recipe | None = None, batch_size: int = 512
) -> Tensor:
    """Pixels of small central views as features: float32 [N, C*size*size] in [0, 1]."""
    views = _center(size) if views is None else views
    parts = views_of(images, views, torch.device("cpu"), batch_size)
    return torch.cat([pictures.flatten(1).float() for _, pictures in parts])


def cached(
    backbone_digest: str,
    source_fingerprint: str,
    size: int,
    folder: Path | None,
    fn: Callable[[], Tensor],
    *,
    view: str = "center",
) -> Tensor:
    """`fn()`, or what it gave before for the same weights, the same images and the same view.

    Args:
        backbone_digest: of the weights, or a word such as `raw-pixels`.
        source_fingerprint: of the images.
        size: side of a view, pixels.
        folder: where features are kept; None keeps nothing.
        fn: computes the features.
        view: name of the view, and of the precision where it is not float32.
    """
    if folder is None:
        return fn()
    from presight.store.tensors import load_tensors, save_tensors

    identity = f"{_LAYOUT}\n{backbone_digest}\n{source_fingerprint}\n{view}\n{size}"
    key = hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
    path = folder / f"features-{key}.safetensors"
    if path.exists():
        # A damaged cache is no reason to stop: the features can be computed again.
        try:
            return load_tensors(path)["features"]
        except (IntegrityError, KeyError):
            path.unlink(missing_ok=True)
    features = fn()
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(path, {"features": features})
    return features
