"""What is installed and which hardware is there: `presight doctor` without a run."""

from __future__ import annotations

import importlib.util
import platform
from importlib.metadata import PackageNotFoundError, version

CORE = ("torch", "torchvision", "accelerate", "safetensors", "numpy", "pillow", "scikit-learn")
EXTRAS = {
    "timm": ("timm",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "hf": ("datasets", "huggingface_hub"),
    "heic": ("pillow_heif",),
    "track": ("tensorboard", "wandb", "mlflow"),
}
"""Extra -> the modules that it brings."""


def survey() -> list[str]:
    """Lines on libraries, devices and extras."""
    lines = [f"python {platform.python_version()} on {platform.platform()}"]
    lines += [f"{name} {installed(name)}" for name in ("presight", *CORE)]
    lines += [f"device {device}" for device in devices()]
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        words = f"without {', '.join(missing)}: " if missing else "installed"
        remedy = f'pip install "presight[{extra}]"' if missing else ""
        lines.append(f"extra {extra}: {words}{remedy}")
    return lines


def installed(package: str) -> str:
    """A package's version, or `not installed`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def devices() -> list[str]:
    """The devices that torch sees, best first."""
    import torch

    found = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        found.append("xpu")
    return [*found, f"cpu {torch.get_num_threads()} threads"]
