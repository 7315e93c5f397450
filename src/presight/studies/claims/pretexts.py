"""Claims on pretexts and losses: contrastive or by pixels, of the whole or of boundaries."""

from __future__ import annotations

from presight.studies.claims import kinds
from presight.studies.claims.claim import Claim, Said, settled, unmeasured
from presight.studies.claims.gains import units, worth
from presight.studies.claims.measured import Contrast, Drawn, Measured, rectangle
from presight.studies.claims.tasks import fine_tuned
from presight.studies.claims.wording import (
    in_doublings,
    in_points,
    listed,
    omitted,
    repetitions,
    scope,
    shown,
)

_PRETEXTS = "survey 4, pretext and loss"
LOSSES = Said(
    "contrastive against pixel-wise",
    "Whether a contrastive loss or one on pixels is learned by makes a difference to what is "
    "learned.",
    _PRETEXTS,
)
REACH = Said(
    "global against boundary-level",
    "Rotation and jigsaw teach about the image as a whole, colorization about meaning and "
    "boundaries: the former do better where one answer is wanted, the latter where answers are "
    "dense.",
    _PRETEXTS,
)
GLOBAL, BOUNDARY = ("rotation", "jigsaw"), ("colorization",)


def on_pretexts(measured: Measured) -> list[Claim]:
    """All claims of this file."""
    return [_losses(measured), _reach(measured)]


def _losses(measured: Measured) -> Claim:
    """Mean score of methods with a contrastive loss less that of those with one on pixels."""
    sides = [[name for name in measured.methods if kinds.loss(name) == loss]
             for loss in ("contrastive", "pixels")]  # fmt: skip
    if not all(sides):
        return unmeasured(
            LOSSES, "A method with a contrastive loss and one with a loss on pixels are needed."
        )
    columns, settings = rectangle(
        {name: measured.settings(name, "finetune") for side in sides for name in side},
        lambda chosen: all(set(side) & set(chosen) for side in sides),
    )
    kept, seeds = measured.complete(
        settings, lambda one: [fine_tuned(name, [one]) for name in columns]
    )
    if not kept:
        return unmeasured(
            LOSSES, "Methods with contrastive losses and with losses on pixels share no cell."
        )
    first, second = (
        Contrast.mean(fine_tuned(name, kept) for name in side if name in columns) for side in sides
    )
    by_kind = {
        name: [one for one in kept if one.task in kinds.TASKS and name in kinds.TASKS[one.task]]
        for name in ("semantic", "geometric")
    }
    parts = [first - second]
    for chosen in filter(None, by_kind.values()):
        one, other = (
            Contrast.mean(fine_tuned(name, chosen) for name in side if name in columns)
            for side in sides
        )
        parts.append(one - other)
    whole, *rest = (drawn.interval() for drawn in measured.draw(parts, seeds))
    names = [name for name, chosen in by_kind.items() if chosen]
    told = f"Contrastive less pixel-wise losses: {in_points(whole)}"
    told += "".join(f"; on {name} tasks {in_points(span, brief=True)}"
                    for name, span in zip(names, rest, strict=True))  # fmt: skip
    lists = [listed(shown(name) for name in side if name in columns) for side in sides]
    told += f" ({lists[0]} against {lists[1]}; {scope(parts[:1], seeds)})."
    left = omitted(len(settings) - len(kept), len(settings), "settings")
    return settled(LOSSES, whole, "points", 0, told, seeds=len(seeds), left=left)


def _reach(measured: Measured) -> Claim:
    """Global less boundary-level pretexts: where one answer is wanted less where they are dense."""
    absent = kinds.lacking((*GLOBAL, *BOUNDARY), measured.methods)
    sides = [[name for name in side if name in measured.methods] for side in (GLOBAL, BOUNDARY)]
    if not all(sides):
        return unmeasured(REACH, absent)
    chosen = [unit for unit in units(measured)
              if unit.method in (*GLOBAL, *BOUNDARY) and unit.task in kinds.TASKS]  # fmt: skip
    found = worth(measured, chosen)
    means = {}
    for answer in ("single", "dense"):
        both = [
            {unit[1:]: unit for unit in found.by_unit if unit.method == name
             and kinds.TASKS[unit.task].answer == answer}
            for side in sides for name in side
        ]  # fmt: skip
        common = set.intersection(*(set(one) for one in both))
        if not common:
            missing = f"The same cells of both pretexts are needed on {answer} answers."
            return unmeasured(REACH, f"{missing} {found.left}".strip())
        per = [Drawn.mean(found.by_unit[one[key]] for key in common) for one in both]
        cut = len(sides[0])
        means[answer] = Drawn.mean(per[:cut]) - Drawn.mean(per[cut:])
    effect = (means["single"] - means["dense"]).interval()
    told = f"{listed(sides[0])} less {listed(sides[1])}: " + " and ".join(
        f"{in_doublings(one.interval())} on {answer} answers" for answer, one in means.items()
    )
    told += f"; a difference of {in_doublings(effect)}; {repetitions(len(found.seeds))}."
    left = f"{absent} {found.left}".strip()
    return settled(REACH, effect, "doublings of labels", 1, told, seeds=len(found.seeds), left=left)
