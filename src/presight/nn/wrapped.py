"""Networks of torchvision and timm as backbones, with the library's own keys."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
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


def _like(convolution: nn.Conv2d, inputs: int, outputs: int) -> nn.Conv2d:
    """A new convolution that differs in its channels alone."""
    return nn.Conv2d(
        inputs,
        outputs,
        convolution.kernel_size,  # type: ignore[arg-type]
        stride=convolution.stride,  # type: ignore[arg-type]
        padding=convolution.padding,  # type: ignore[arg-type]
        bias=convolution.bias is not None,
    )


def _set_channels(trunk: nn.Module, channels: int) -> None:
    """Let the first convolution read another number of channels."""
    path, first = next((p, m) for p, m in trunk.named_modules() if isinstance(m, nn.Conv2d))
    _replace(trunk, path, _like(first, channels, first.out_channels))


def _start(convolution: Any) -> None:
    """Initial weights for what a ReLU follows."""
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


def _plain_trunk(name: str, width: float) -> Any:
    """AlexNet or a VGG, all its channels times a factor.

    The hidden layers of its classifier, up to 120 million weights, are never made. Initial weights
    are those that the library gives its VGGs; with those of its AlexNet a signal loses more
    than half of its size at each layer, and a head on top begins with its biases alone.
    """
    with torch.device("meta"):
        trunk: Any = torchvision.models.get_model(name, weights=None)
    trunk.classifier = nn.Identity()
    inputs = 3
    for i, module in enumerate(trunk.features):
        if isinstance(module, nn.Conv2d):
            trunk.features[i] = _like(module, inputs, max(1, round(module.out_channels * width)))
            _start(trunk.features[i])
            inputs = trunk.features[i].out_channels
        elif isinstance(module, nn.BatchNorm2d):
            trunk.features[i] = nn.BatchNorm2d(inputs)
    return trunk


def _small_resnet(trunk: Any) -> None:
    trunk.conv1 = nn.Conv2d(3, trunk.conv1.out_channels, 3, padding=1, bias=False)
    _start(trunk.conv1)
    trunk.maxpool = nn.Identity()


def _small_alexnet(trunk: Any) -> None:
    trunk.features[0] = nn.Conv2d(3, trunk.features[0].out_channels, 3, padding=1)
    _start(trunk.features[0])


_SMALL_STEMS = {"resnet": _small_resnet, "alexnet": _small_alexnet}


def _set_norm(trunk: nn.Module, norm: Norm) -> bool:
    """Replace every batch norm; answers whether the new ones are batch norms too in eval mode."""
    found = [(path, m) for path, m in trunk.named_modules() if isinstance(m, nn.BatchNorm2d)]
    made = [norm(module.num_features) for _, module in found]
    for (path, module), new in zip(found, made, strict=True):
        if isinstance(new, nn.BatchNorm2d):  # some families have constants of their own
            new.eps, new.momentum = module.eps, module.momentum
        _replace(trunk, path, new)
    return all(isinstance(new, nn.BatchNorm2d) for new in made)


class TorchvisionBackbone(Backbone):
    """A torchvision network without its classifier.

    AlexNet and the VGGs give the mean of the last convolution's map: their last pooling and the
    hidden layers of their classifier, which take one image size alone, are no part of a backbone.

    Attributes:
        trunk: torchvision's module; its state dict has torchvision's keys.
        altered: what keeps the trunk from fitting torchvision's own network; "" if nothing does.

    Args:
        name: torchvision's, one of `catalog.names()`; some take a width, `NAME:WIDTH`.
        in_channels: of an image.
        width: factor on all channels; resnets, AlexNet and VGGs only.
        norm: makes the norm of so many channels, instead of each batch norm.
        small: 3x3 first layer without stride, for small images: in resnets for the 7x7 one and the
            pooling, in AlexNet for the 11x11 one of stride 4, with its poolings as they are.
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
        width *= catalog.first_width(name) / catalog.FIRST
        trunk = self._build(name.partition(":")[0], width)
        family.behead(trunk)
        if small:
            _SMALL_STEMS[self.family](trunk)
        if in_channels != 3:
            _set_channels(trunk, in_channels)
        self.stage_dims = tuple(family.dims(trunk))
        own_norm = norm is None or _set_norm(trunk, norm)
        self.normalize = normalize_for(in_channels)
        self.trunk = trunk
        self.dim = self.stage_dims[-1]
        self.source = f"torchvision:{name}"
        marks = ((small, "small stem"), (in_channels != 3, f"{in_channels} channels"))
        more = ((width != 1.0, f"width {width:g}"), (not own_norm, "another norm"))
        self.altered = ", ".join(words for is_so, words in (*marks, *more) if is_so)

    def _build(self, name: str, width: float) -> Any:
        if FAMILIES[self.family].flat:
            return _plain_trunk(name, width)
        if width == 1.0:
            return torchvision.models.get_model(name, weights=None)
        if name not in _DEPTHS:
            raise UsageError(
                f"backbone {name!r} has one width only and this method needs a width of "
                f"{width:g}; expected one of {', '.join(_DEPTHS)}, alexnet, a vgg, resnet9:WIDTH "
                f"or vit:WIDTH."
            )
        return _ScaledResNet(*_DEPTHS[name], width)

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps f1..f4 of images float [B,C,h,w] in [0, 1]; of AlexNet and VGGs f1..f5."""
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
        try:
            maps = forward(images, indices=self.picked, norm=True, intermediates_only=True)
        except AssertionError as error:  # so timm says that a transformer takes one size
            raise UsageError(
                f"{self.source} was made for images of {self.image_size} pixels and does not take "
                f"these of {' x '.join(map(str, images.shape[2:]))}: {error} Take --backbone vit, "
                f"or views of one size."
            ) from error
        return tuple(maps)


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
