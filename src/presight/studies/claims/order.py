"""The claim that the order of methods by probes is not their order fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from presight.core.wording import MINUS
from presight.evaluation.intervals import Interval
from presight.evaluation.replicates import Floats, middle
from presight.studies.cells import MODES, Mode
from presight.studies.claims.claim import Claim, Said, compared, unmeasured
from presight.studies.claims.measured import Contrast, Drawn, Measured, Place, Setting, rectangle
from presight.studies.claims.wording import listed, omitted, repetitions, shown

ORDER = Said(
    "probe order",
    "Which pretraining is better by a probe of frozen features does not tell which is better "
    "fine-tuned.",
    "Newell and Deng 2020, the survey's source",
)


def on_order(measured: Measured) -> list[Claim]:
    """The claim of this file."""
    table = {
        method: set.intersection(*(measured.settings(method, mode) for mode in MODES))
        for method in measured.methods
    }
    columns, settings = rectangle(table, lambda chosen: len(chosen) > 1)

    def score(method: str, mode: Mode, where: list[Setting]) -> Contrast:
        return Contrast.mean(Contrast({Place(method, mode, one): 1.0}) for one in where)

    kept, seeds = measured.complete(
        settings, lambda one: [score(name, mode, [one]) for name in columns for mode in MODES]
    )
    if not kept:
        missing = "Two pretrainings are needed, both frozen and fine-tuned on the same task."
        return [unmeasured(ORDER, missing)]
    tasks = list(dict.fromkeys(one.task for one in kept))
    parts = {
        (name, mode, task): score(name, mode, [one for one in kept if one.task == task])
        for name in columns for mode in MODES for task in tasks
    }  # fmt: skip
    pairs = [(*two, task) for two in combinations(columns, 2) for task in tasks]
    drawn = measured.draw(list(parts.values()), seeds, among=len(pairs))
    held = dict(zip(parts, drawn, strict=True))
    left = omitted(len(measured.methods) - len(columns), len(measured.methods), "methods")
    return [_ordered(held, pairs, tasks, columns, len(seeds), left)]


def _ordered(
    held: dict[tuple[str, Mode, str], Drawn],
    pairs: list[tuple[str, str, str]],
    tasks: list[str],
    columns: list[str],
    seeds: int,
    left: str,
) -> Claim:
    """Agrees where a pair is clearly the other way round, disagrees where all are clearly not."""

    def leads(pair: tuple[str, str, str], among: int) -> list[Interval]:
        one, other, task = pair
        return [(held[one, mode, task] - held[other, mode, task]).interval(among) for mode in MODES]

    def opposed(spans: list[Interval]) -> bool:
        (frozen, fine) = spans
        return frozen.low > 0 > fine.high or fine.low > 0 > frozen.high

    def agreeing(spans: list[Interval]) -> bool:
        return all(span.low > 0 for span in spans) or all(span.high < 0 for span in spans)

    turned = [pair for pair in pairs if opposed(leads(pair, len(pairs)))]
    same = [pair for pair in pairs if agreeing(leads(pair, 1))]
    tau = _tau(held, tasks, columns)
    words = (
        f"Kendall's tau between the order frozen and the order fine-tuned is {_signed(tau.value)} "
    )
    words += f"(95 % interval {_signed(tau.low)} to {_signed(tau.high)}), the mean over "
    words += f"{listed(tasks)}; of {len(pairs)} pairs of methods, {len(turned)} clearly the other "
    words += f"way round and {len(same)} clearly the same; {listed(map(shown, columns))}, "
    words += f"{repetitions(seeds)}."
    if turned:
        one, other, task = turned[0]
        words += f" {shown(one)} and {shown(other)} change places on {task}."
    return compared(
        ORDER, words, agrees=bool(turned), disagrees=len(same) == len(pairs), seeds=seeds,
        left=left, effect=tau,
        missing=f"Not told apart in both: {len(pairs) - len(same)} of the pairs; more repetitions.",
    )  # fmt: skip


def _tau(
    held: Mapping[tuple[str, Mode, str], Drawn], tasks: Sequence[str], columns: Sequence[str]
) -> Interval:
    """Kendall's tau of frozen and fine-tuned scores, the mean over tasks."""
    scores: dict[Mode, Floats] = {
        mode: np.stack([[held[name, mode, task].draws for name in columns] for task in tasks])
        for mode in MODES
    }
    means: dict[Mode, Floats] = {
        mode: np.array([[[held[name, mode, task].value] for name in columns] for task in tasks])
        for mode in MODES
    }
    agreement = _concordance(*scores.values())
    return Interval(float(_concordance(*means.values())[0]), *middle(agreement))


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", MINUS)


def _concordance(frozen: Floats, fine: Floats) -> Floats:
    """Kendall's tau of columns [T, M, draws], the mean over tasks: [draws]."""
    pairs = list(combinations(range(frozen.shape[1]), 2))
    signs = [np.sign(frozen[:, a] - frozen[:, b]) * np.sign(fine[:, a] - fine[:, b])
             for a, b in pairs]  # fmt: skip
    found: Floats = np.mean(signs, axis=(0, 1))
    return found
