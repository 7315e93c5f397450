"""What is installed and which hardware is there: `presight doctor` without a run."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

NOT_INSTALLED = "not installed"
_PACKAGE = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"""extra == ['"]([\w-]+)['"]""")


def survey() -> list[str]:
    """Lines on libraries, devices and extras."""
    extras = needs()
    lines = [f"python {platform.python_version()} on {platform.platform()}"]
    lines += [f"{name} {installed(name)}" for name in ("presight", *extras.pop("", ()))]
    lines += [f"device {device}" for device in devices()]
    for extra, packages in extras.items():
        missing = [name for name in packages if installed(name) == NOT_INSTALLED]
        words = f"without {', '.join(missing)}: " if missing else "installed"
        remedy = f'pip install "presight[{extra}]"' if missing else ""
        lines.append(f"extra {extra}: {words}{remedy}")
    return lines


def needs() -> dict[str, list[str]]:
    """Extra -> the packages that it brings, by presight's own metadata; "" is what all need."""
    found: dict[str, list[str]] = {"": []}
    if installed("presight") == NOT_INSTALLED:
        return found
    for line in requires("presight") or ():
        package, extra = _PACKAGE.match(line), _EXTRA.search(line)
        if package:
            found.setdefault(extra[1] if extra else "", []).append(package[0])
    return found


def installed(package: str) -> str:
    """A package's version, or `not installed`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED


def devices() -> list[str]:
    """The devices that torch sees, best first."""
    import torch

    found = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        found.append("xpu")
    return [*found, f"cpu {torch.get_num_threads()} threads"]
