"""Warnings: what to know before a number is quoted, the most important first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from presight.core.plan import FEW_UPDATES
from presight.core.wording import between, cut, percent
from presight.evaluation.curve import whole
from presight.evaluation.score import Score
from presight.evaluation.verdict import gaps, headline, upper
from presight.reporting.privacy import without_folders
from presight.reporting.reading import RunFacts, is_finite, table_of

Level = Literal["must", "should", "record"]
_WIDE = 0.05
_UNEVEN = 2.0  # the blind guess, in shares of an even guess, from which classes are uneven
_SIDES = (
    ("n_samples", "{:,} images"),
    ("image_size", "of {:,} px"),
    ("epochs", "{:.3g} epochs"),
    ("global_batch", "batches of {:,}"),
)
_ORDER: dict[Level, int] = {"must": 0, "should": 1, "record": 2}
_KINDS: dict[str, Level] = {"rank": "must", "loss": "must"}


@dataclasses.dataclass(frozen=True)
class Warned:
    """Something to know before a number is quoted: what was found, and what to do."""

    level: Level
    text: str
    do: str = ""


def warned(run: RunFacts) -> list[Warned]:
    """All warnings, the most important first."""
    found = [*_of_state(run), *_of_updates(run), *_of_scores(run), *_of_protocol(run)]
    if run.outdated:
        text = "These scores are of earlier weights: the run was trained on since."
        found.append(Warned("must", text, "Give the same evaluate command again."))
    for event in run.events:
        if isinstance(event.get("text"), str):
            level = _KINDS.get(str(event.get("kind")), "should")
            found.append(Warned(level, without_folders(cut(event["text"], 600))))
    if len(run.evaluations) > 1:
        count = len(run.evaluations) - 1
        words = "1 earlier evaluation is" if count == 1 else f"{count:,} earlier evaluations are"
        text = f"{words} in the run folder."
        found.append(Warned("record", text, "This page shows the newest one."))
    if run.skipped:
        found.append(Warned("record", _of_skipped(run), "Listed with reasons in skipped.csv."))
    found += [
        Warned("should", without_folders(cut(remark, 300)), "Restore the file.")
        for remark in run.remarks
    ]
    return sorted(dict.fromkeys(found), key=lambda one: _ORDER[one.level])


def _of_state(run: RunFacts) -> list[Warned]:
    if run.status == "done":
        return []
    words = {
        "diverged": "Training diverged: the loss was not finite, or the embeddings collapsed.",
        "failed": "Training failed; the log in the run folder says why.",
        "interrupted": "Training was interrupted before its end.",
        "running": "The run was not finished when this report was written, or it was killed.",
        "unreadable": "This folder cannot be shown.",
    }
    text = words.get(run.status, "The state of the run is not known.")
    level: Level = "must" if run.status in ("diverged", "failed", "unreadable") else "should"
    do = "" if run.status == "unreadable" else "The same command goes on where it stopped."
    return [Warned(level, text, do)]


def _of_updates(run: RunFacts) -> list[Warned]:
    steps = [record["step"] for record in run.records if is_finite(record.get("step"))]
    if not steps or max(steps) >= FEW_UPDATES:
        return []
    text = f"Only {max(steps):,.0f} updates: little can be learned in so few."
    return [Warned("should", text, "Train longer: more `--minutes`, or more `--epochs`.")]


def _of_skipped(run: RunFacts) -> str:
    images = table_of(run.data.get("spec")).get("n_samples")
    total = f" of {run.skipped + images:,}" if isinstance(images, int) else ""
    return f"{run.skipped:,}{total} images were left out."


def _of_protocol(run: RunFacts) -> list[Warned]:
    """What the evaluation itself found: near duplicates, and alarms about the features."""
    found = []
    duplicates = table_of(run.protocol.get("duplicates"))
    parts = (duplicates, *map(table_of, duplicates.values()))  # one pair of sets, or several
    for words in (words for part in parts for words in _listed(part.get("words"))):
        found.append(Warned("must", cut(words, 400), "Remove them, or accuracies are too high."))
    for words in _listed(duplicates.get("harmless")):
        found.append(Warned("record", cut(words, 400)))
    pretrained = table_of(table_of(run.protocol.get("diagnostics")).get("pretrained"))
    for words in _listed(pretrained.get("alarms")):
        found.append(Warned("must", cut(words, 400)))
    return found


def _of_scores(run: RunFacts) -> list[Warned]:
    scores = whole(run.scores)
    if not scores:
        return []
    told = dict.fromkeys(
        str(text) for score in scores for text in _listed(score.details.get("warnings"))
    )
    found = [Warned("must", cut(text, 300)) for text in told]
    found += [*_of_gaps(scores), *_of_probes(scores), *_of_classes(scores)]
    main = headline(scores)
    if main is not None and main.high - main.low > 2 * _WIDE:
        span = between(main.low, main.high)
        text = f"{scores[0].n_test:,} test images are few: the 95 % interval is {span} %."
        found.append(Warned("should", text, "Label more images for the test."))
    text = "Intervals are not over pretraining: this is one run with one seed."
    found.append(Warned("record", text, "Other seeds may differ by more."))
    return [*found, *_of_scale(run)]


def _of_scale(run: RunFacts) -> list[Warned]:
    """What keeps these figures apart from published ones."""
    spec = table_of(run.data.get("spec"))
    sides = [(spec.get(key), words) for key, words in _SIDES]
    told = [words.format(value) for value, words in sides if is_finite(value)]
    if len(told) < len(_SIDES):
        return []
    return [Warned("record", "Not comparable with published numbers.",
                   f"This is {', '.join(told)}; papers have their own.")]  # fmt: skip


def _of_gaps(scores: Sequence[Score]) -> list[Warned]:
    found = []
    main = headline(scores)
    for one in gaps(scores, main.n_labels) if main else []:
        if one.high < 0:
            text = f"{upper(one.other)} do better than the pretrained features."
            if "network" in one.other:
                text = "The untrained network does better than the pretrained one."
            found.append(Warned("must", text, "Train longer, or try another method."))
        elif one.low <= 0:
            text = f"The pretrained features cannot be told from {one.other}."
            found.append(Warned("should", text, "Train longer, or label more test images."))
    return found


def _of_probes(scores: Sequence[Score]) -> list[Warned]:
    rows = dict.fromkeys(cut(s.row) for s in scores if s.details.get("converged") is False)
    return [Warned("should", f"The linear probe of {row} did not converge.",
                   "Its accuracy may be too low.") for row in rows]  # fmt: skip


def _of_classes(scores: Sequence[Score]) -> list[Warned]:
    """Classes so uneven that accuracy says little: the blind guess tells."""
    blind = next((s for s in scores[::-1] if s.row == "blind guess"), None)
    classes = blind.details.get("classes") if blind else None
    if blind is None or not isinstance(classes, int) or classes < 2:
        return []
    if blind.value * classes < _UNEVEN:
        return []
    text = f"Classes are uneven: always guessing the commonest is right for {percent(blind.value)}."
    means = [s.details.get("mean_per_class") for s in scores if s.row == "pretrained"]
    mean = next((m for m in means[::-1] if is_finite(m)), None)
    do = f"The mean over classes is {percent(mean)}." if mean is not None else ""
    return [Warned("should", text, do)]


def _listed(value: object) -> list[object]:
    if isinstance(value, str):
        return [value] if value else []
    return value if isinstance(value, list) else []
