"""Networks of torchvision and timm as backbones, with the library's own keys."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from presight.core.backbone import Backbone, Normalize
from presight.errors import UsageError
from presight.nn import catalog
from presight.nn.native import IMAGENET_MEAN, IMAGENET_STD, Norm, normalize_for
from presight.nn.stages import FAMILIES

_DEPTHS = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
    "resnet152": (Bottleneck, [3, 8, 36, 3]),
}


class _ScaledResNet(ResNet):  # type: ignore[misc]
    """torchvision's ResNet with all its channels times a factor."""

    def __init__(self, block: type[nn.Module], layers: list[int], factor: float) -> None:
        self.factor = factor
        super().__init__(block, layers)

    def _make_layer(self, block: Any, planes: int, blocks: int, *rest: Any, **more: Any) -> Any:
        if planes == 64:  # the first of the four: the stem before it has to be scaled as well
            self.inplanes = round(64 * self.factor)
            self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(self.inplanes)
        return super()._make_layer(block, round(planes * self.factor), blocks, *rest, **more)


def _replace(trunk: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, child = path.rpartition(".")
    setattr(trunk.get_submodule(parent), child, module)


def _set_channels(trunk: nn.Module, channels: int) -> None:
    """Let the first convolution read another number of channels."""
    path, first = next((p, m) for p, m in trunk.named_modules() if isinstance(m, nn.Conv2d))
    fresh = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        stride=first.stride,  # type: ignore[arg-type]
        padding=first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    _replace(trunk, path, fresh)


def _set_norm(trunk: nn.Module, norm: Norm, name: str) -> bool:
    """Replace every batch norm; answers whether the new ones are batch norms too in eval mode."""
    found = [(path, m) for path, m in trunk.named_modules() if isinstance(m, nn.BatchNorm2d)]
    if not found:
        raise UsageError(f"backbone {name!r} has no batch norm to replace; take a resnet instead.")
    made = [norm(module.num_features) for _, module in found]
    for (path, module), new in zip(found, made, strict=True):
        if isinstance(new, nn.BatchNorm2d):  # some families have constants of their own
            new.eps, new.momentum = module.eps, module.momentum
        _replace(trunk, path, new)
    return all(isinstance(new, nn.BatchNorm2d) for new in made)


class TorchvisionBackbone(Backbone):
    """A torchvision network without its classifier.

    Attributes:
        trunk: torchvision's module; its state dict has torchvision's keys.
        altered: what keeps the trunk from fitting torchvision's own network; "" if nothing does.

    Args:
        name: torchvision's, one of `catalog.names()`.
        in_channels: of an image.
        width: factor on all channels, resnets only.
        norm: makes the norm of so many channels, instead of batch norm.
        small: 3x3 first layer without stride or pooling, resnets only.
    """

    def __init__(
        self,
        name: str,
        in_channels: int = 3,
        width: float = 1.0,
        norm: Norm | None = None,
        small: bool = False,
    ) -> None:
        super().__init__()
        self.family = catalog.family_of(name)
        family = FAMILIES[self.family]
        trunk = self._build(name, width)
        setattr(trunk, family.head, nn.Identity())
        if small:
            trunk.conv1 = nn.Conv2d(3, trunk.conv1.out_channels, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
            trunk.maxpool = nn.Identity()
        if in_channels != 3:
            _set_channels(trunk, in_channels)
        self.stage_dims = tuple(family.dims(trunk))
        own_norm = norm is None or _set_norm(trunk, norm, name)
        self.normalize = normalize_for(in_channels)
        self.trunk = trunk
        self.dim = self.stage_dims[-1]
        self.source = f"torchvision:{name}"
        marks = ((small, "small stem"), (in_channels != 3, f"{in_channels} channels"))
        more = ((width != 1.0, f"width {width:g}"), (not own_norm, "another norm"))
        self.altered = ", ".join(words for is_so, words in (*marks, *more) if is_so)

    @staticmethod
    def _build(name: str, width: float) -> Any:
        if width == 1.0:
            return torchvision.models.get_model(name, weights=None)
        if name not in _DEPTHS:
            raise UsageError(
                f"backbone {name!r} has one width only; expected one of {', '.join(_DEPTHS)} or "
                f"resnet9:WIDTH where a method needs a width of {width:g}."
            )
        return _ScaledResNet(*_DEPTHS[name], width)

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..f4 of images float [B,C,h,w] in [0, 1]."""
        return tuple(FAMILIES[self.family].maps(self.trunk, self.normalize(images)))


class TimmBackbone(Backbone):
    """A timm network without its classifier.

    Four stages: the last four resolutions, or a transformer's blocks at each quarter of its depth.

    Attributes:
        trunk: timm's module; its state dict has timm's keys.
        image_size: side that the network was built for, pixels; 0 where it takes any.

    Args:
        name: timm's.
        image_size: side of an image, pixels; only networks of a fixed side read it.
        in_channels: of an image.
    """

    def __init__(self, name: str, image_size: int, in_channels: int = 3) -> None:
        super().__init__()
        self.trunk, self.image_size = _timm_trunk(name, image_size, in_channels)
        infos = list(self.trunk.feature_info)
        quarters = sorted({max(1, round(len(infos) * k / 4)) - 1 for k in (1, 2, 3, 4)})
        flat = len({info["reduction"] for info in infos}) == 1
        self.picked = quarters if flat else list(range(len(infos)))[-4:]
        self.stage_dims = tuple(infos[i]["num_chs"] for i in self.picked)
        self.dim = self.stage_dims[-1]
        self.source = f"timm:{name}"
        self.altered = "" if in_channels == 3 else f"{in_channels} channels"
        config: Any = self.trunk.pretrained_cfg
        mean, std = (config or {}).get("mean"), (config or {}).get("std")
        plain = Normalize(tuple(mean or IMAGENET_MEAN), tuple(std or IMAGENET_STD))
        self.normalize = plain if in_channels == 3 else normalize_for(in_channels)

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..fk of images float [B,C,h,w] in [0, 1]."""
        return self.maps(self.normalize(images))

    def maps(self, images: Tensor, trunk: nn.Module | None = None) -> tuple[Tensor, ...]:
        """Maps of normalized images, of this trunk or of another of the same layout."""
        forward: Any = (trunk or self.trunk).forward_intermediates
        return tuple(forward(images, indices=self.picked, norm=True, intermediates_only=True))


def _timm_trunk(name: str, image_size: int, in_channels: int) -> tuple[Any, int]:
    if importlib.util.find_spec("timm") is None:
        catalog.check(f"timm/{name}")
    timm: Any = importlib.import_module("timm")
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:3]
        raise UsageError(
            f"timm has no network {name!r}; "
            + (f"some that it has: {', '.join(near)}." if near else "timm.list_models() shows all.")
        )
    options = {"pretrained": False, "num_classes": 0, "in_chans": in_channels}
    fixed = image_size
    try:
        trunk = timm.create_model(name, img_size=image_size, **options)
    except TypeError:  # a network for every side knows no img_size
        trunk, fixed = timm.create_model(name, **options), 0
    if not hasattr(trunk, "forward_intermediates"):
        raise UsageError(f"timm's {name!r} does not give its stages; take another network of timm.")
    return trunk, fixed
