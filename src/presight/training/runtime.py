"""Device, precision and processes: the only file that imports accelerate.

Taken from it: device, process group and trackers. Left: its sampler, which changes the global
batch with the number of processes, and its save_state, which pickles.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from presight.core import world
from presight.core.batch import Views
from presight.errors import Unavailable, UsageError
from presight.nn.norm import synchronize

with (
    warnings.catch_warnings()
):  # in a notebook it regrets the lack of widgets, which none here uses
    warnings.filterwarnings("ignore", message="IProgress not found")
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState
    from accelerate.utils import ProjectConfiguration

Precision = Literal["fp32", "bf16", "fp16", "fp64"]
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def pick_device(name: str) -> torch.device:
    """A device by name: auto, cpu, cuda, mps or xpu, with or without a number.

    Raises:
        UsageError: no such kind. Unavailable: not on this machine.
    """
    kinds: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "xpu": lambda: hasattr(torch, "xpu") and torch.xpu.is_available(),
    }
    if name == "auto":
        return torch.device(next((kind for kind, found in kinds.items() if found()), "cpu"))
    kind = name.split(":")[0]
    if kind != "cpu" and kind not in kinds:
        raise UsageError(f'no device "{name}"; expected auto, cpu, cuda, mps or xpu.')
    if kind != "cpu" and not kinds[kind]():
        raise Unavailable(f'device "{name}" is not on this machine; use --device auto or cpu.')
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """A device in words: its kind, and the product's name where it has one."""
    if device.type not in ("cuda", "xpu"):
        return device.type
    return f"{device.type}: {torch.get_device_module(device).get_device_name(device)}"


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bf16 natively (AMX or AVX-512-BF16)."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split()
    except (OSError, IndexError):
        return False
    return bool({"amx_bf16", "avx512_bf16"} & set(flags))


def pick_precision(name: str, device: torch.device) -> Precision:
    """The precision that `auto` stands for here; a given one is taken as it is.

    Raises:
        UsageError: the device does not have it.
    """
    if name == "fp64" and device.type == "mps":
        raise UsageError("--precision fp64: mps has no float64; take fp32, or --device cpu.")
    if name in ("fp32", "bf16", "fp16", "fp64"):
        return name  # type: ignore[return-value]
    if device.type == "cpu":
        return "bf16" if cpu_has_bf16() else "fp32"
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def _places(folder: Path) -> ProjectConfiguration:
    """Where accelerate's trackers write: below the run folder."""
    return ProjectConfiguration(str(folder), str(folder / "tensorboard"))


class Runtime:
    """Where and how a learner runs.

    Args:
        device: auto, cpu, cuda, mps or xpu.
        precision: auto, fp32, bf16, fp16 or fp64.
        track: names of trackers beside the metrics file.
        folder: where trackers write.
    """

    def __init__(
        self,
        device: str = "auto",
        precision: str = "auto",
        *,
        track: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        for name in track:
            if importlib.util.find_spec(name) is None:
                raise Unavailable(
                    f'--track {name} needs the extra "track": pip install "presight[track]"'
                )
        self._track = tuple(track)
        chosen = pick_device(device)
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and chosen.type == "cuda":
            chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        self._accelerator = Accelerator(
            cpu=chosen.type == "cpu",
            log_with=list(track) or None,
            project_config=_places(folder) if folder else None,
        )
        if chosen.index is not None and chosen.type in ("cuda", "xpu"):
            torch.get_device_module(chosen).set_device(chosen)  # seeds go to the present one
        self._folder, self.device = folder, chosen
        self.precision = pick_precision(precision, chosen)
        self.dtype = torch.float64 if self.precision == "fp64" else torch.float32
        self.scaler: torch.amp.GradScaler | None = None
        if self.precision == "fp16":
            self.scaler = torch.amp.GradScaler(chosen.type)

    def place(self, learner: nn.Module) -> None:
        """Move a learner here: device, dtype, memory layout, synchronized norms."""
        if world.size() > 1:
            synchronize(learner)
        learner.to(self.device, self.dtype)
        if self.device.type == "cuda" or self.precision == "bf16":
            learner.to(memory_format=torch.channels_last)

    def wrap(self, turn: nn.Module) -> nn.Module:
        """A turn whose gradients are averaged over processes."""
        if world.size() == 1:
            return turn
        known = inspect.signature(DistributedDataParallel.__init__).parameters
        sync = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        ids = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(turn, device_ids=ids, **{sync: False})  # type: ignore[arg-type]

    def autocast(self) -> AbstractContextManager[None]:
        """Mixed precision, where it is on."""
        if self.precision not in _AUTOCAST:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, _AUTOCAST[self.precision])

    def micro_batch(self, turn: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged in an update's last micro-batch only."""
        if isinstance(turn, DistributedDataParallel) and not last:
            return turn.no_sync()
        return contextlib.nullcontext()

    def cast(self, views: Views) -> Views:
        """Views in this runtime's dtype (float64 in exactness tests)."""
        if self.dtype == torch.float32:
            return views
        return {k: v.to(self.dtype) if v.is_floating_point() else v for k, v in views.items()}

    def backward(self, loss: Tensor) -> None:
        """Backward pass, scaled in fp16."""
        (self.scaler.scale(loss) if self.scaler else loss).backward()  # type: ignore[no-untyped-call]

    def seed(self, key: int) -> None:
        """Seed torch's generator, for dropout and the like."""
        torch.default_generator.manual_seed(key & 0x7FFFFFFFFFFFFFFF)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(key & 0x7FFFFFFFFFFFFFFF)

    def start_trackers(self, name: str, config: Mapping[str, str | float | int]) -> None:
        """Open the trackers that were asked for; they write into the run folder."""
        options: dict[str, dict[str, str]] = {}
        if self._folder is not None:
            folder = self._folder.resolve()
            options["wandb"] = {"dir": str(folder)}
            if "mlflow" in self._track and "MLFLOW_TRACKING_URI" not in os.environ:
                mlflow = importlib.import_module("mlflow")
                mlflow.set_tracking_uri((folder / "mlflow" / "runs").as_uri())
                options["mlflow"] = {"logging_dir": (folder / "mlflow" / "artifacts").as_uri()}
        self._accelerator.init_trackers(name, dict(config), options)

    def track(self, values: Mapping[str, float], number: int) -> None:
        """Hand numbers to the trackers."""
        self._accelerator.log(dict(values), step=number)

    def stop_trackers(self) -> None:
        """Close the trackers; the process group stays."""
        for tracker in self._accelerator.trackers:
            tracker.finish()

    def close(self) -> None:
        """Leave the process group and accelerate's shared state."""
        if world.size() > 1:
            torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
        PartialState._reset_state()
