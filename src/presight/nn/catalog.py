"""Names of backbones, for help and for early errors. No torch."""

from __future__ import annotations

import difflib
import importlib.util

from presight.errors import Unavailable, UsageError

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
WIDE_RESNETS = ("wide_resnet50_2", "wide_resnet101_2")
RESNEXTS = ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")

FAMILIES: dict[str, tuple[str, ...]] = {
    "resnet": RESNETS + WIDE_RESNETS + RESNEXTS,
    "convnext": tuple(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    "regnet": tuple(
        f"regnet_{kind}_{size}"
        for kind in "xy"
        for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
    ),
    "alexnet": ("alexnet",),
    "vgg": tuple(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")),
    "densenet": ("densenet121", "densenet161", "densenet169", "densenet201"),
    "mobilenet": ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"),
    "efficientnet": (
        *(f"efficientnet_b{size}" for size in range(8)),
        *(f"efficientnet_v2_{size}" for size in "sml"),
    ),
}
"""torchvision's families whose stages are known here, by family."""

SMALL_STEMS = ("resnet", "alexnet")
"""Families that have another first layer for small images."""

SCALED = (*RESNETS, *FAMILIES["alexnet"], *FAMILIES["vgg"])
"""torchvision's networks that come in any width, `NAME:WIDTH`."""
FIRST = 64
"""Channels of their first layer at torchvision's own width."""

NATIVES = {"resnet9": 16, "vit": 128}
"""Our own networks, and their widths where none is said."""
HEAD_WIDTH = 32
"""Of a head of attention; a vit's width is a multiple."""


def names() -> tuple[str, ...]:
    """Backbones by name; `timm/NAME` and `package.module:function` come on top."""
    widths = {"resnet9": (16, 32, 64), "vit": (64, 128, 256)}
    own = tuple(f"{kind}:{width}" for kind in NATIVES for width in widths[kind])
    return own + tuple(name for family in FAMILIES.values() for name in family)


def family_of(name: str) -> str:
    """The torchvision family of a name, with a width or without, or "" where it has none."""
    plain = name.partition(":")[0]
    return next((family for family, members in FAMILIES.items() if plain in members), "")


def canonical(name: str) -> str:
    """A name as `--backbone` or as `Backbone.source` spells it, in the spelling used here.

    `torchvision:resnet18` is resnet18, `timm:NAME` is timm/NAME, `own:resnet9:16` is resnet9:16.
    """
    for prefix, instead in (("torchvision:", ""), ("own:", ""), ("timm:", "timm/")):
        if name.startswith(prefix):
            return instead + name.removeprefix(prefix)
    return name


def native_width(name: str) -> int:
    """The width in `resnet9:WIDTH` or `vit:WIDTH`, or the network's own where none is said.

    Raises:
        UsageError: if the width is no whole number from 1 to 1024; a vit's is a multiple of 32.
    """
    kind = name.partition(":")[0]
    return _width(name, NATIVES[kind], HEAD_WIDTH if kind == "vit" else 1)


def first_width(name: str) -> int:
    """Channels of the first layer in torchvision's `NAME:WIDTH`, 64 where none is said.

    Raises:
        UsageError: if the width is no whole number from 1 to 1024, or the network has one only.
    """
    plain, colon, _ = name.partition(":")
    if colon and plain not in SCALED:
        raise UsageError(
            f"backbone {name!r}: {plain} has one width only; expected one of resnet18:WIDTH to "
            f"resnet152:WIDTH, alexnet:WIDTH, a vgg's, resnet9:WIDTH or vit:WIDTH."
        )
    return _width(name, FIRST, 1)


def _width(name: str, own: int, step: int) -> int:
    kind, colon, width = name.partition(":")
    if not colon:
        return own
    if not width.isdecimal() or not 1 <= int(width) <= 1024 or int(width) % step:
        multiple = f"a multiple of {step}" if step > 1 else "a whole number"
        raise UsageError(
            f"backbone {name!r}: the width is {width!r}; expected {multiple} from {step} to 1024, "
            f"such as {kind}:{own}."
        )
    return int(width)


def has_small_stem(name: str) -> bool:
    """Whether a network has two first layers, one of them for small images."""
    return family_of(name) in SMALL_STEMS


def is_native(name: str) -> bool:
    """Whether a name is one of our own networks."""
    return name.partition(":")[0] in NATIVES


def is_foreign(name: str) -> bool:
    """Whether a name points to a user's function, `package.module:function`."""
    module, colon, function = name.partition(":")
    parts = [*module.split("."), function]
    ours = is_native(name) or family_of(name)
    return bool(colon) and not ours and all(part.isidentifier() for part in parts)


def check(name: str) -> None:
    """Accept a backbone's name, or say what is wrong with it.

    Raises:
        UsageError: for a name that is none of ours; the text holds the nearest ones.
        Unavailable: for timm/NAME without timm.
    """
    name = canonical(name)
    if name.startswith("timm/"):
        if importlib.util.find_spec("timm") is None:
            raise Unavailable(
                f'backbone {name!r} needs timm, which is missing: pip install "presight[timm]"'
            )
    elif is_native(name):
        native_width(name)
    elif is_foreign(name):
        _check_module(name)
    elif family_of(name):
        first_width(name)
    else:
        raise UsageError(f"no backbone {name!r}; {_nearest(name)}")


def _check_module(name: str) -> None:
    module = name.partition(":")[0]
    try:
        found = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UsageError(
            f"backbone {name!r}: there is no module {module!r} to import; install its package or "
            f"put its folder on PYTHONPATH."
        )


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _nearest(name: str) -> str:
    known = {_plain(other): other for other in names()}
    close = difflib.get_close_matches(_plain(name), known, n=3, cutoff=0.6)
    if close:
        return f"nearest: {', '.join(known[key] for key in close)}."
    return (
        "expected one of torchvision's (resnet18, resnet50, convnext_tiny, ...), resnet9:WIDTH, "
        "vit:WIDTH, timm/NAME or package.module:function; `presight list backbones` shows them."
    )
