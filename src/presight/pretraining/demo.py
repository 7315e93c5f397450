"""run_demo(): two methods on rendered scenes, measured beside what costs nothing."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from presight.core import automatic, ranges
from presight.core.options import split
from presight.core.plan import FEW_UPDATES
from presight.core.registry import entry
from presight.core.settings import Settings
from presight.evaluation.curve import places
from presight.evaluation.verdict import verdict
from presight.pretraining import markup
from presight.pretraining.data import images_for, open_data
from presight.pretraining.measure import Measured, evaluate_run
from presight.pretraining.run import pretrain
from presight.pretraining.telling import say
from presight.store.folder import RunFolder

OUT = "demo"
METHODS = ("simclr", "rotation")
IMAGES, LABELLED, WATCHED, SIDE = 4000, 2000, 1000, 32
FACTORS = "CVL"  # without textures, by which two views of a scene would know each other
DATA = f"scenes:{IMAGES}?size={2 * SIDE}&factors={FACTORS}"
LABELS = f"scenes:{LABELLED}?size={2 * SIDE}&factors={FACTORS}&seed=1"
TEST = f"scenes:{LABELLED}?size={2 * SIDE}&factors={FACTORS}&seed=2&split=test"
WATCH = f"scenes:{WATCHED}?size={2 * SIDE}&factors={FACTORS}&seed=3"
COUNTS = (50, 200, 500, LABELLED)


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Args:
        folder: of the runs.
        measured: by method.
        seconds: it took.
        updates: that fitted into the time, by method.
        minutes: time budget of both trainings together.
    """

    folder: Path
    measured: dict[str, Measured]
    seconds: float
    updates: dict[str, int]
    minutes: float

    @property
    def summary(self) -> dict[str, Any]:
        """Scores by method, and the page's path."""
        scores = {name: found.summary for name, found in self.measured.items()}
        return {**scores, "report": str(self.report)}

    def lines(self) -> Sequence[str]:
        """The table of all rows, the verdicts, where to look, and whether to give more time."""
        lines = [f"{'labels':<24}" + "".join(f"{count:>9,}" for count in COUNTS)]
        first = next(iter(self.measured.values()))
        for name, found in self.measured.items():
            lines.append(_row(entry(name).title, found, "pretrained", "linear"))
        lines += [_row(row, first, row, "linear") for row in ("untrained", "raw pixels")]
        lines.append(_row("blind guess", first, "blind guess", "majority"))
        lines.append(
            f"accuracy of a linear probe on {LABELLED:,} synthetic scenes of shapes that were "
            f"never seen, ten classes, frozen features; one seed of pretraining, "
            f"{self.seconds / 60:.1f} minutes in all"
        )
        lines += [f"{entry(name).title}: {verdict(found.scores).sentence}"
                  for name, found in self.measured.items()]  # fmt: skip
        lines += [*(f"run       {run}" for run in self.runs), f"report    {self.report}"]
        return [*lines, *self._more_time()]

    def _more_time(self) -> list[str]:
        """Why little was learned, and what helps; nothing where enough updates fitted."""
        few = [f"{updates:,} of {entry(name).title}" for name, updates in self.updates.items()
               if updates < FEW_UPDATES]  # fmt: skip
        if not few:
            return []
        command = f"presight demo --minutes {5 * self.minutes:g}"
        if self.folder != Path(OUT):
            command += f" --out {shlex.quote(str(self.folder))}"
        return [
            f"note: only so many updates fitted into {self.minutes:g} minutes: "
            f"{' and '.join(few)}; little can be learned in fewer than {FEW_UPDATES}.",
            f"more time {command}",
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return markup.frame(markup.preformatted(self.lines()))

    @property
    def report(self) -> Path:
        """Where the page about the runs belongs."""
        return self.folder / "report.html"

    @property
    def runs(self) -> list[Path]:
        """The run folders."""
        return [self.folder / name for name in self.measured]


def _row(title: str, found: Measured, row: str, protocol: str) -> str:
    means = {point.n_labels: point.mean for point in places(found.scores, row, protocol)}
    cells = (f"{means[count]:>9.1%}" if count in means else f"{'':>9}" for count in COUNTS)
    return f"{title:<24}" + "".join(cells)


def _render() -> None:
    """Make all scenes, once: or the first method would pay for them out of its minutes."""
    say("rendering scenes")
    settings = Settings()
    side = automatic.cache_side(SIDE).number
    for spec in (DATA, WATCH, LABELS, TEST):
        images_for(open_data(spec, settings), spec, settings, side, [])


def _measured(run: Path) -> Measured:
    return evaluate_run(
        run,
        LABELS,
        test=TEST,
        label_counts=",".join(map(str, COUNTS)),
        label_seeds=3,
        stages="quick",
        seed=0,
        device="auto",
        download=False,
        min_side="auto",
        max_bad_fraction="auto",
        follow_links=False,
        plugin="",
        quiet=False,
    )


def run_demo(out: str = OUT, minutes: float = 3.0) -> Demo:
    """Pretrain two methods without labels, and measure both.

    Args:
        out: folder of the runs; runs of an earlier demo are moved aside.
        minutes: time budget for both trainings together, above 0.

    Raises:
        UsageError: no time.
    """
    ranges.require(minutes > 0, "--minutes", minutes, "a number above 0")
    began = time.monotonic()
    folder, measured, updates = Path(out), {}, {}
    _render()
    for number, name in enumerate(METHODS, 1):
        say(f"[{number}/{len(METHODS)}] pretraining without labels: {name}")
        run = folder / name
        parts = split(
            method=name,
            out=str(run),
            minutes=minutes / len(METHODS),
            image_size=SIDE,
            monitor_labels=WATCH,
            overwrite=RunFolder(run).exists,
        )
        made = pretrain(DATA, settings=parts.settings, plan=parts.plan, options=parts.options)
        updates[name] = made.summary["updates"]
        say("measuring on labels that training never saw")
        measured[name] = _measured(run)
    return Demo(folder, measured, time.monotonic() - began, updates, minutes)
