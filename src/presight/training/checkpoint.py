"""Checkpoints: a folder a step, whole or not there, and the newest sound one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from presight.errors import IntegrityError, RunError, UsageError
from presight.store import atomic, integrity
from presight.store.tensors import encode, load_tensors
from presight.training.optimizer_state import flatten_optimizer, restore_optimizer

__all__ = ["Checkpoints", "Json", "Snapshot", "exact", "flatten_optimizer", "restore_optimizer"]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LAYOUT = 1
STATE = "state.json"
_SUFFIX = ".safetensors"
_STEP = re.compile(r"step-(\d{8,})")
_GROUP = re.compile(r"[a-z][a-z0-9_]*")
_OVERHEAD_BYTES = 1 << 20
_WORD = "__float__"


def exact(value: object) -> Json:
    """State as JSON may hold it, bit for bit: floats that are not finite become tagged words.

    Raises:
        TypeError: something that JSON would change, such as a key that is no word.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_WORD: str(value)}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value) or _WORD in value:
            raise TypeError(f"state with keys {list(value)[:3]}: words were expected")
        return {key: exact(item) for key, item in value.items()}
    raise TypeError(f"state of type {type(value).__name__}: JSON's types were expected")


def _inexact(pairs: dict[str, Json]) -> Json:
    word = pairs.get(_WORD)
    return float(word) if isinstance(word, str) and len(pairs) == 1 else pairs


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A sound checkpoint.

    Args:
        step: optimizer updates done.
        folder: where it lies.
        state: what was given as `state` to `Checkpoints.save`.
        groups: names of the groups of tensors.
        notes: what was wrong with newer checkpoints, a sentence each.
    """

    step: int
    folder: Path
    state: dict[str, Json]
    groups: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def tensors(self, group: str) -> dict[str, Tensor]:
        """The tensors of a group, on the CPU.

        Raises:
            RunError: there is no such group.
            IntegrityError: the file was damaged since the snapshot was found.
        """
        if group not in self.groups:
            raise RunError(
                f"{self.folder} has no group {group!r}, only {', '.join(self.groups)}. "
                "A checkpoint of the same method was expected."
            )
        return load_tensors(self.folder / (group + _SUFFIX))


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of a run. Only one process saves; reading takes no lock.

    Args:
        folder: `checkpoints/` of the run folder.
        keep: how many to keep, at least 1.
    """

    folder: Path
    keep: int = 3

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        if self.keep < 1:
            raise UsageError(f"--keep {self.keep}: at least 1 checkpoint must be kept.")

    def save(
        self, step: int, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, object]
    ) -> Path:
        """Write a checkpoint; when it returns the checkpoint is on the disk.

        Args:
            step: optimizer updates done.
            groups: tensors by group and name; a group becomes a file, `model.safetensors`.
            state: JSON's types only; floats come back bit for bit.

        Returns:
            The checkpoint's folder.

        Raises:
            RunError: the disk is full or refuses; the checkpoint before is still there.
        """
        atomic.make_folder(self.folder)
        content = json.dumps({"layout": LAYOUT, "step": step, "state": exact(state)}, indent=1)
        size = sum(t.numel() * t.element_size() for g in groups.values() for t in g.values())
        atomic.ensure_space(self.folder, size + len(content) + _OVERHEAD_BYTES)
        final = self.folder / f"step-{step:08d}"
        with atomic.new_folder(final) as temporary:
            entries = {}
            for name, tensors in groups.items():
                if not _GROUP.fullmatch(name):
                    raise ValueError(f"group {name!r}: a lower-case word was expected")
                entries[name + _SUFFIX] = _put(temporary / (name + _SUFFIX), encode(tensors))
            entries[STATE] = _put(temporary / STATE, content.encode("utf-8"))
            integrity.write_manifest(temporary, entries)
        atomic.write_text(self.folder / "LATEST", final.name + "\n")
        self._prune(step)
        return final

    def latest(self) -> Snapshot | None:
        """The newest sound checkpoint, by the names of the folders; None where there is none.

        Raises:
            IntegrityError: there are checkpoints, and none is sound.
            RunError: a newer presight wrote it, or the folder cannot be read.
        """
        notes: list[str] = []
        for step, folder in sorted(self._found().items(), reverse=True):
            broken = [found for found in integrity.verify(folder) if found.broken]
            broken = broken or _misnamed(step, folder)
            if not broken:
                return _read(step, folder, notes)
            listed = ", ".join(f"{found.path} ({found.text})" for found in broken)
            notes.append(f"checkpoint {folder.name} is damaged and was passed over: {listed}")
        if notes:
            raise IntegrityError(
                f"none of the {len(notes)} checkpoints under {self.folder} is sound. "
                f"{'; '.join(notes[:3])}. Restore one from a copy, or start anew with --out."
            )
        return None

    def steps(self) -> list[int]:
        """Steps of the checkpoints that are there, sound or not, ascending."""
        return sorted(self._found())

    def _found(self) -> dict[int, Path]:
        if not self.folder.is_dir():
            return {}
        try:
            paths = list(self.folder.iterdir())
        except OSError as error:
            raise RunError(f"cannot read {self.folder}: {error.strerror}.") from error
        found = {int(m[1]): p for p in paths if (m := _STEP.fullmatch(p.name)) and p.is_dir()}
        for path in paths:  # one that was to be replaced when the process was killed
            final = path.with_name(path.name.removeprefix(".").removesuffix(".presight-aside"))
            match = _STEP.fullmatch(final.name)
            if match and path == atomic.aside_of(final) and int(match[1]) not in found:
                found[int(match[1])] = path
        return found

    def _prune(self, newest: int) -> None:
        found = self._found()
        for step in sorted(step for step in found if step <= newest)[: -self.keep]:
            atomic.discard_folder(found[step])
        for step in (step for step in found if step > newest):
            # Damaged, or the run went on from an earlier one: no longer part of this run.
            aside = found[step].with_name(f"step-{step:08d}.passed-over")
            if aside.exists():
                atomic.discard_folder(aside)
            atomic.move(found[step], aside)


def _put(path: Path, data: bytes) -> integrity.Entry:
    atomic.write_bytes(path, data)
    return integrity.entry(data)


def _told(folder: Path) -> dict[str, Json]:
    text = (folder / STATE).read_text(encoding="utf-8")
    told: dict[str, Json] = json.loads(text, object_hook=_inexact)
    return told


def _misnamed(step: int, folder: Path) -> list[integrity.Finding]:
    """A folder that matches its manifest, but is no checkpoint of this step."""
    try:
        listed, told = STATE in integrity.read_manifest(folder), _told(folder)
        newer = int(told["layout"]) > LAYOUT  # type: ignore[arg-type]
        if listed and (newer or told["step"] == step):
            return []
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return [integrity.Finding(STATE, "damaged", f"it is not the state of step {step}")]


def _read(step: int, folder: Path, notes: list[str]) -> Snapshot:
    told = _told(folder)
    if told["layout"] != LAYOUT:
        raise RunError(
            f"{folder} was written by a newer presight (checkpoint layout {told['layout']}, "
            f"this one reads {LAYOUT}). Install the newer version."
        )
    files = integrity.read_manifest(folder)
    groups = tuple(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX))
    state = told["state"]
    assert isinstance(state, dict)
    return Snapshot(step, folder, state, groups, tuple(notes))
