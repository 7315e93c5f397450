"""What of the machine may be written down: an allow-list, without names of people or places."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

PACKAGES = (
    "accelerate",
    "filelock",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "presight",
    "safetensors",
    "scikit-learn",
    "timm",
    "torch",
    "torchvision",
)
SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "WORLD_SIZE",
)
CPU_FLAGS = (
    "amx_bf16",
    "amx_tile",
    "asimd",
    "avx",
    "avx2",
    "avx512_bf16",
    "avx512_vnni",
    "avx512f",
    "bf16",
    "fma",
    "sve",
)
_HARMLESS = re.compile(r"[A-Za-z0-9_,:.]{0,40}")


def version_of(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_flags() -> list[str]:
    """Those of the processor's abilities that change the bits of a result."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    found = set(match[1].split()) if match else set()
    return [flag for flag in CPU_FLAGS if flag in found]


def environment(facts: Mapping[str, str | int | float | bool] | None = None) -> dict[str, object]:
    """Contents of environment.json.

    Args:
        facts: what only the caller knows, such as the device and torch's threads.

    Returns:
        Versions, processor, threads and switches; never a user, a host or a path.
    """
    switches = {
        name: value
        for name in SWITCHES
        if (value := os.environ.get(name)) is not None and _HARMLESS.fullmatch(value)
    }
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "cpu_flags": cpu_flags(),
        "packages": {name: v for name in PACKAGES if (v := version_of(name)) is not None},
        "switches": switches,
        **(facts or {}),
    }
