"""The model card beside an export: what the weights are and what they were measured to be worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from presight.core.registry import Entry
from presight.core.wording import cut
from presight.data.source import name_of, shown
from presight.errors import PresightError
from presight.evaluation.curve import Point, places, whole
from presight.evaluation.score import RESULT, Score, read_result
from presight.pretraining.configuration import Configuration, entry_of_method
from presight.pretraining.run_card import about
from presight.store import atomic
from presight.store.folder import RunFolder
from presight.store.header import read_metadata
from presight.store.integrity import entry_of

_ROOTS = ("onnxruntime", "presight", "safetensors.torch", "timm", "torchvision")
_PROTOCOLS = {"linear": "linear probe", "knn": "kNN", "majority": "majority"}
_FILE = "## File\n\n"  # only a model card has it, not the run's own
_LIMITS = """\
## Limits

- Frozen features of images like those that were pretrained on; nothing is known about others.
- Robustness and biases were not measured.
"""


@dataclass(frozen=True)
class Facts:
    """What the card of any export of a run needs.

    Args:
        folder: of the run.
        config: its configuration.
        method: what its method's card says.
    """

    folder: RunFolder
    config: Configuration
    method: Entry


def facts_of(run: str | Path, plugin: str = "") -> Facts | None:
    """What the card needs, which is better known before the export is written.

    Args:
        run: a run folder; anything else has no card.
        plugin: a Python file with the run's method, where this command names one.

    Raises:
        IntegrityError: the run's configuration is damaged.
        UsageError: the run's method is found nowhere.
    """
    folder = RunFolder(run)
    if not folder.exists:
        return None
    config = Configuration.read(folder, plugin)
    return Facts(folder, config, entry_of_method(config, folder))


def write_model_card(facts: Facts, weights: Path, usage: str) -> Path:
    """Write README.md beside an exported file, from the run's own files alone.

    Where a README.md of another kind lies there, the card is NAME.md, after the file. What is not
    known is left out: there is no license, and no result where none was measured.

    Args:
        facts: of the run.
        weights: the exported file.
        usage: lines that load it.

    Returns:
        The card.
    """
    config, card = facts.config, facts.method
    found = _newest(facts.folder)
    scores, protocol = found or ([], {})
    front: dict[str, Any] = {
        "library_name": "presight",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["self-supervised-learning", "image-feature-extraction", card.name],
    }
    results = _results(scores, protocol)
    if results:
        name = f"{config.settings.backbone} by {card.title}"
        front["model-index"] = [{"name": name, "results": results}]
    entry = entry_of(weights)
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---",
        about(facts.folder, config, card).rstrip(),
        *_table(scores, protocol),
        f"## Use\n\n```python\n{_code(usage, weights, config)}\n```\n\n{_input(config, weights)}",
        _LIMITS.rstrip(),
        f"{_FILE}- {shown(weights.name)}: {entry.size:,} bytes, SHA-256 {entry.sha256}",
    ]
    path = _place(weights)
    atomic.write_text(path, "\n\n".join(parts) + "\n")
    return path


def _code(usage: str, weights: Path, config: Configuration) -> str:
    """The lines with their imports; files by name: where they lay is nobody's business."""
    bare = usage
    for path in filter(None, (str(weights), config.settings.plugin)):
        bare = bare.replace(repr(path), "")
        usage = usage.replace(repr(path), repr(Path(path).name))
    imports = [f"import {root}\n" for root in _ROOTS if f"{root}." in bare]
    return "".join([*imports, "\n", usage])


def _place(weights: Path) -> Path:
    """README.md beside the file, unless that is somebody else's: a project's, or the run's own."""
    usual = weights.with_name("README.md")
    if not usual.exists():
        return usual
    told = usual.read_text(encoding="utf-8", errors="replace") if usual.is_file() else ""
    ours = told.startswith("---\nlibrary_name: presight\n") and _FILE in told
    return usual if ours else weights.with_name(f"{weights.name}.md")


def _input(config: Configuration, weights: Path) -> str:
    """What images the network wants."""
    told = f"Images are RGB, float [B, 3, H, W]; it was pretrained on {config.spec.image_size} px."
    words = read_metadata(weights) if weights.suffix == ".safetensors" else {}
    if "mean" not in words:
        return f"{told} Values are in [0, 1]; normalization is inside."
    return (
        f"{told} The trunk's own weights take values in [0, 1] less the mean ({words['mean']}), "
        f"divided by the deviation ({words['std']}), by channel; presight does that by itself."
    )


def _newest(folder: RunFolder) -> tuple[list[Score], dict[str, Any]] | None:
    """Scores and protocol of the newest evaluation that has any."""
    files = sorted(folder.evaluations.glob(f"*/{RESULT}"), key=lambda file: file.stat().st_mtime_ns)
    for file in reversed(files):
        try:
            scores, protocol = read_result(file)
        except PresightError:
            continue
        if scores:
            return scores, protocol
    return None


def _points(scores: list[Score], row: str) -> list[tuple[str, Point]]:
    kinds = dict.fromkeys(s.protocol for s in whole(scores) if s.row == row)
    return [(kind, point) for kind in kinds for point in places(scores, row, kind)]


def _results(scores: list[Score], protocol: dict[str, Any]) -> list[dict[str, Any]]:
    """The pretrained row, as model hubs read results."""
    data = _test_set(protocol)
    return [
        {
            "task": {"type": "image-classification"},
            "dataset": {"name": data, "type": "custom"},
            "metrics": [
                {
                    "type": "accuracy",
                    "name": f"{_PROTOCOLS.get(kind, kind)}, {point.n_labels:,} labels",
                    "value": round(point.mean, 4),
                }
            ],
        }
        for kind, point in _points(scores, "pretrained")
    ]


def _table(scores: list[Score], protocol: dict[str, Any]) -> list[str]:
    rows = dict.fromkeys(score.row for score in whole(scores))
    lines = [
        f"| {_cell(row)} | {_PROTOCOLS.get(kind, kind)} | {point.n_labels:,} | "
        f"{len(point.values)} | {100 * point.mean:.1f} | {100 * point.low:.1f} to "
        f"{100 * point.high:.1f} |"
        for row in rows
        for kind, point in _points(scores, row)
    ]
    if not lines:
        return []
    head = "| features | protocol | labels | label seeds | accuracy, % | 95 % interval |"
    test = _cell(_test_set(protocol))
    told = (
        f"Frozen features, {scores[0].n_test:,} test images ({test}); one seed of pretraining, "
        "which is in no interval."
    )
    return ["\n".join(["## Results", "", told, "", head, "| --- " * 6 + "|", *lines])]


def _test_set(protocol: dict[str, Any]) -> str:
    return name_of(str(protocol.get("test") or "held out"))


def _cell(text: str) -> str:
    return cut(text).replace("|", "/").replace("<", "&lt;")
