"""Claims on downstream tasks: who is ahead on which, and what kinds of tasks gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from presight.studies.claims import kinds
from presight.studies.claims.claim import Claim, Said, compared, settled, unmeasured
from presight.studies.claims.gains import Unit, units, worth
from presight.studies.claims.measured import Contrast, Drawn, Measured, Place, Setting, rectangle
from presight.studies.claims.wording import (
    in_doublings,
    in_points,
    listed,
    omitted,
    repetitions,
    scope,
    shown,
)

_TASKS = "survey 4, affect on tasks"
_KINDS = "survey 4, downstream task"
POSES = ("pose", "pose5")
DENSE = ("segmentation", "depth")


class Ahead(NamedTuple):
    """That one method is ahead of others on some tasks."""

    said: Said
    method: str
    rivals: tuple[str, ...]
    tasks: tuple[tuple[str, ...], ...]


AHEAD = (
    Ahead(
        Said(
            "CMC on detection and pose",
            "On detection and on pose CMC is the better pretraining: ahead of AMDIM, rotation and "
            "the VAE.",
            _TASKS,
        ),
        "cmc",
        ("amdim", "rotation", "vae"),
        (("detection",), POSES),
    ),
    Ahead(
        Said(
            "CMC on classification and pose",
            "On classification and on pose CMC is ahead of AMDIM, rotation and the VAE.",
            "Newell and Deng 2020, the survey's source",
        ),
        "cmc",
        ("amdim", "rotation", "vae"),
        (("classification",), POSES),
    ),
    Ahead(
        Said(
            "rotation on segmentation and depth",
            "On segmentation and depth rotation is ahead of CMC.",
            _TASKS,
        ),
        "rotation",
        ("cmc",),
        (("segmentation",), ("depth",)),
    ),
    Ahead(
        Said(
            "AMDIM on segmentation and depth",
            "On segmentation and depth AMDIM is ahead of CMC.",
            _TASKS,
        ),
        "amdim",
        ("cmc",),
        (("segmentation",), ("depth",)),
    ),
)
ABOUT = Said(
    "semantic against geometric",
    "Whether a task asks what things are or where and how they lie makes a difference to what "
    "pretraining is worth.",
    _KINDS,
)
ANSWERS = Said(
    "dense against single answers",
    "Whether a task wants an answer all over the image or one for the whole makes a difference to "
    "what pretraining is worth.",
    _KINDS,
)
NO_WINNER = Said(
    "no winner everywhere",
    "No pretraining is the best for every task: each is beaten somewhere.",
    "survey 4, affect on tasks; Newell and Deng 2020",
)


def on_tasks(measured: Measured) -> list[Claim]:
    """All claims of this file."""
    return [
        *(_ahead(measured, one) for one in AHEAD),
        _kind(measured, ABOUT, 0, ("semantic", "geometric")),
        _kind(measured, ANSWERS, 1, ("dense", "single")),
        _no_winner(measured),
    ]


def fine_tuned(method: str, settings: Sequence[Setting]) -> Contrast:
    """A method's mean score, fine-tuned, over settings."""
    return Contrast.mean(Contrast({Place(method, "finetune", one): 1.0}) for one in settings)


def _ahead(measured: Measured, asked: Ahead) -> Claim:
    absent = kinds.lacking((asked.method, *asked.rivals), measured.methods)
    rivals = [name for name in asked.rivals if name in measured.methods]
    if asked.method not in measured.methods or not rivals:
        return unmeasured(asked.said, absent)
    wanted = {task for tasks in asked.tasks for task in tasks}
    table = {
        name: {one for one in measured.settings(name, "finetune") if one.task in wanted}
        for name in (asked.method, *rivals)
    }
    columns, settings = rectangle(table, lambda chosen: asked.method in chosen and len(chosen) > 1)
    kept, seeds = measured.complete(
        settings, lambda one: [fine_tuned(name, [one]) for name in columns]
    )
    if not kept:
        return unmeasured(asked.said, f"{absent} None of the tasks was measured.".strip())
    rivals = [name for name in rivals if name in columns]
    parts = [fine_tuned(name, kept) for name in (asked.method, *rivals)]
    own, *others = measured.draw(parts, seeds)
    leads = dict(zip(rivals, (own - other for other in others), strict=True))
    tasks = [tasks[0] for tasks in asked.tasks if not {one.task for one in kept} & set(tasks)]
    left = [absent, f"Not measured: {listed(tasks)}." if tasks else "",
            omitted(len(settings) - len(kept), len(settings), "settings")]  # fmt: skip
    return _led(asked, leads, scope(parts, seeds), len(seeds), " ".join(filter(None, left)))


def _led(asked: Ahead, leads: dict[str, Drawn], words: str, seeds: int, left: str) -> Claim:
    """Ahead of every rival, or clearly behind one."""
    spans = {name: lead.interval() for name, lead in leads.items()}
    told = f"{asked.method} less " + ", ".join(
        f"{name} {in_points(span, brief=True)}" for name, span in spans.items()
    )
    told += f", points with 95 % intervals; {words}."
    if len(spans) == 1:
        (span,) = spans.values()
        return settled(asked.said, span, "points", 1, told, seeds=seeds, left=left)
    behind = [name for name, lead in leads.items() if lead.interval(len(leads)).high < 0]
    unclear = listed(name for name, span in spans.items() if span.low <= 0)
    return compared(
        asked.said, told, agrees=all(span.low > 0 for span in spans.values()),
        disagrees=bool(behind), seeds=seeds, left=left,
        missing=f"It cannot be told from {unclear}: more repetitions.",
    )  # fmt: skip


def _kind(measured: Measured, said: Said, place: int, names: tuple[str, str]) -> Claim:
    """What pretraining is worth on one kind of task less on the other, by the same methods."""
    known = [unit for unit in units(measured) if unit.task in kinds.TASKS]
    found = worth(measured, known)
    sides: list[dict[Unit, Drawn]] = [
        {unit: one for unit, one in found.by_unit.items() if kinds.TASKS[unit.task][place] == name}
        for name in names
    ]
    both = {unit[:2] for unit in sides[0]} & {unit[:2] for unit in sides[1]}
    sides = [{unit: one for unit, one in side.items() if unit[:2] in both} for side in sides]
    if not both:
        wanted = [name for name, side in zip(names, sides, strict=True) if not side]
        missing = f"Tasks of both kinds are needed, of the same methods: {listed(wanted)} lacking."
        return unmeasured(said, f"{missing} {found.left}".strip())
    means = [Drawn.mean(side.values()) for side in sides]
    effect = (means[0] - means[1]).interval()
    parts = [
        f"{in_doublings(mean.interval())} on {name} tasks ({listed(unit.task for unit in side)})"
        for name, mean, side in zip(names, means, sides, strict=True)
    ]
    who = listed(shown(unit.method) for unit in sides[0])
    told = f"Pretraining is worth {parts[0]} and {parts[1]}: a difference of "
    told += f"{in_doublings(effect)}; {who}, {repetitions(len(found.seeds))}."
    return settled(said, effect, "doublings of labels", 0, told, seeds=len(found.seeds),
                   left=found.left)  # fmt: skip


def _no_winner(measured: Measured) -> Claim:
    """Every method is clearly beaten on some task, or one is clearly ahead on all."""
    table = {name: measured.settings(name, "finetune") for name in measured.methods}
    columns, settings = rectangle(table, lambda chosen: len(chosen) > 1)
    kept, seeds = measured.complete(
        settings, lambda one: [fine_tuned(name, [one]) for name in columns]
    )
    tasks = list(dict.fromkeys(one.task for one in kept))
    if len(columns) < 2 or len(tasks) < 2:
        return unmeasured(NO_WINNER, "Two pretrainings and two tasks are needed.")
    parts = {(name, task): fine_tuned(name, [one for one in kept if one.task == task])
             for name in columns for task in tasks}  # fmt: skip
    among = (len(columns) - 1) * len(tasks)
    held = dict(zip(parts, measured.draw(list(parts.values()), seeds, among=among), strict=True))
    beaten: dict[str, str] = {}
    winners = []
    for name in columns:
        leads = {(other, task): held[other, task] - held[name, task]
                 for other in columns if other != name for task in tasks}  # fmt: skip
        worst = max(leads, key=lambda pair: leads[pair].interval(among).low)
        if leads[worst].interval(among).low > 0:
            told = f"{shown(name)} by {shown(worst[0])} on {worst[1]}"
            beaten[name] = f"{told} by {in_points(leads[worst].interval(among))}"
        if all(lead.interval().high < 0 for lead in leads.values()):
            winners.append(name)

    def first(task: str) -> str:
        return shown(max(columns, key=lambda name: held[name, task].value))

    best = [f"{first(task)} on {task}" for task in tasks]
    words = f"Best by mean score: {'; '.join(best)}. Clearly beaten: "
    words += f"{'; '.join(beaten.values()) or 'none'}. {scope(parts.values(), seeds)}."
    left = omitted(len(measured.methods) - len(columns), len(measured.methods), "methods")
    if winners:
        words += f" Ahead of all others everywhere: {shown(winners[0])}."
    open_ = listed(shown(name) for name in columns if name not in beaten)
    return compared(
        NO_WINNER, words, agrees=len(beaten) == len(columns), disagrees=bool(winners),
        seeds=len(seeds), left=left, missing=f"Not clearly beaten: {open_}.",
    )  # fmt: skip
