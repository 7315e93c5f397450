"""A score: one number with its interval and all that it depends on. No torch; reports read it."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from presight.errors import IntegrityError
from presight.evaluation.intervals import Correct
from presight.store import atomic
from presight.store.folder import RunFolder
from presight.store.integrity import entry_of

LAYOUT = 1
RESULT = "result.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """An accuracy on test images.

    Args:
        row: whose: pretrained, untrained, raw pixels, blind guess.
        protocol: knn, linear or majority.
        value: in [0, 1].
        low: end of the 95 % interval over test images.
        high: its other end.
        n_train: labelled images that were learned from.
        n_test: images of the test part.
        seed: of the labels that were learned from, and of the probe.
        stage: whose features, f1..fk; empty for the network's output.
        details: settings, and the answer to each image under `correct`; plain JSON.
    """

    row: str
    protocol: str
    value: float
    low: float
    high: float
    n_train: int
    n_test: int
    seed: int
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stage: str = ""

    @property
    def answers(self) -> str:
        """The answers by image as they are stored, packed; see `packed_correct`.

        Raises:
            IntegrityError: they were not stored.
        """
        packed = self.details.get("correct")
        if not isinstance(packed, str):
            raise _no_answers(self.row, self.protocol)
        return packed

    def correct(self) -> Correct:
        """Whether each test image was answered rightly, bool [n_test].

        Raises:
            IntegrityError: that was not stored, or is not as long as the test part.
        """
        try:
            return unpacked(self.answers, self.n_test)
        except ValueError:
            raise _no_answers(self.row, self.protocol) from None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**{f.name: getattr(self, f.name) for f in dataclasses.fields(self)},
                "details": dict(self.details)}  # fmt: skip

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The score of what `to_json` gave.

        Raises:
            IntegrityError: a field is missing, of another type or out of range.
        """
        if not isinstance(value, dict):
            raise _broken("it is no table")
        words = [_typed(value, name, str) for name in ("row", "protocol")]
        shares = [float(_typed(value, name, int, float)) for name in ("value", "low", "high")]
        counts = [_typed(value, name, int) for name in ("n_train", "n_test", "seed")]
        details = value.get("details", {})
        if not isinstance(details, dict):
            raise _broken("details are no table")
        if not all(math.isfinite(share) and 0.0 <= share <= 1.0 for share in shares):
            raise _broken(f"value, low and high are {shares}, not in [0, 1]")
        row, protocol = words
        value_, low, high = shares
        n_train, n_test, seed = counts
        stage = value.get("stage", "")
        if not isinstance(stage, str):
            raise _broken(f"`stage` is {str(stage)[:40]!r}")
        return cls(row, protocol, value_, low, high, n_train, n_test, seed, details, stage)


def _typed(value: Mapping[str, Any], name: str, *types: type) -> Any:
    found = value.get(name)
    if not isinstance(found, types) or isinstance(found, bool):
        raise _broken(f"`{name}` is {str(found)[:40]!r}")
    return found


def _broken(what: str) -> IntegrityError:
    return IntegrityError(f"this is no score: {what}. Evaluate again to write it anew.")


def packed_correct(correct: Correct) -> str:
    """The answers as a short word for `details["correct"]`: eight images a byte, base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()


def unpacked(packed: str, n: int) -> Correct:
    """The answers by image, bool [n], of what `packed_correct` gave.

    Raises:
        ValueError: it is no such word, or of another length.
    """
    try:
        held = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if len(held) != (n + 7) // 8:
        raise ValueError(f"{len(held)} bytes for {n} images")
    return np.unpackbits(np.frombuffer(held, np.uint8), count=n).astype(bool)


def _no_answers(row: str, protocol: str) -> IntegrityError:
    return IntegrityError(
        f"the score of {row} by {protocol} holds no results by image; evaluate again."
    )


def weights_of(run: RunFolder) -> str:
    """Which weights a run holds now: SHA-256 of its backbone, or its newest checkpoint's name."""
    if run.backbone.is_file():
        return entry_of(run.backbone).sha256
    latest = run.checkpoints / "LATEST"
    return latest.read_text(encoding="utf-8").strip() if latest.is_file() else ""


def write_result(
    folder: Path, scores: Iterable[Score], protocol: Mapping[str, Any] | None = None
) -> Path:
    """Write `result.json` into an evaluation's folder, whole or not at all.

    Args:
        folder: eval/ID of a run.
        scores: what was measured.
        protocol: what they have in common: data, view, seeds, hardware; plain JSON.

    Returns:
        The file.
    """
    atomic.make_folder(folder)
    path = folder / RESULT
    listed = [score.to_json() for score in scores]
    atomic.write_json(path, {"layout": LAYOUT, "scores": listed, "protocol": dict(protocol or {})})
    return path


def read_result(path: Path) -> tuple[list[Score], dict[str, Any]]:
    """Scores and protocol of a `result.json`.

    Raises:
        IntegrityError: it cannot be read, or is of another layout.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise IntegrityError(f"{path} is no readable JSON; evaluate again.") from None
    if not isinstance(held, dict) or held.get("layout") != LAYOUT:
        raise IntegrityError(f"{path} is not of layout {LAYOUT}; evaluate again.")
    scores, protocol = held.get("scores"), held.get("protocol", {})
    if not isinstance(scores, list) or not isinstance(protocol, dict):
        raise IntegrityError(f"{path} holds no list of scores; evaluate again.")
    return [Score.from_json(score) for score in scores], protocol


def find(scores: Sequence[Score], row: str, protocol: str) -> Score | None:
    """The score of a row by a protocol with the most labels, where it was measured."""
    found = [s for s in scores if s.row == row and s.protocol == protocol and not s.stage]
    return max(found, key=lambda score: score.n_train, default=None)
