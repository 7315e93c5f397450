"""Claims on backbones: small strides, size, and whether pretexts suit all of them alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from presight.evaluation.intervals import Interval
from presight.studies.cells import NONE, Mode
from presight.studies.claims import kinds
from presight.studies.claims.claim import Claim, Said, more, settled, unmeasured
from presight.studies.claims.measured import Contrast, Measured, Place, Setting, rectangle
from presight.studies.claims.wording import in_points, listed, omitted, scope, shown

_MODELS = "survey 4, model selection"
STRIDES = Said(
    "VGG against AlexNet",
    "Where fine detail counts, VGG with its small kernels and strides serves better than AlexNet "
    "with its large ones.",
    _MODELS,
)
SIZE = Said(
    "larger backbones",
    "Of one family, the larger network does better on what it has not seen.",
    "survey 4, model",
)
INTERACTION = Said(
    "architecture and pretext",
    "How pretexts compare depends on the architecture, and the other way round.",
    "survey 6, after Kolesnikov et al. 2019",
)


class Where(NamedTuple):
    """What backbones are compared on."""

    method: str
    task: str
    world: str
    n_labels: int


def on_backbones(measured: Measured) -> list[Claim]:
    """All claims of this file."""
    return [_strides(measured), _size(measured), _interaction(measured)]


def _mean(backbone: str, where: Sequence[Where]) -> Contrast:
    """A backbone's mean score, fine-tuned."""
    return Contrast.mean(
        Contrast({Place(one.method, "finetune", Setting(backbone, *one[1:])): 1.0}) for one in where
    )


def _where(measured: Measured, methods: Sequence[str]) -> dict[str, set[Where]]:
    """What each backbone was measured on, fine-tuned."""
    found: dict[str, set[Where]] = {}
    for method in methods:
        for one in measured.settings(method, "finetune"):
            found.setdefault(one.backbone, set()).add(Where(method, *one[1:]))
    return found


def _strides(measured: Measured) -> Claim:
    """VGG less AlexNet on dense tasks, by the same pretrainings."""
    table = {
        name: {one for one in where
               if one.task in kinds.TASKS and kinds.TASKS[one.task].answer == "dense"}
        for name, where in _where(measured, measured.methods).items()
    }  # fmt: skip
    sides = [[name for name in table if kinds.size(name)[0] == family]
             for family in ("vgg", "alexnet")]  # fmt: skip
    lacking = [name for name, side in zip(("VGG", "AlexNet"), sides, strict=True) if not side]
    if lacking:
        return unmeasured(STRIDES, f"Not in this study: {listed(lacking)}.")
    columns, where = rectangle(
        {name: table[name] for side in sides for name in side},
        lambda chosen: all(set(side) & set(chosen) for side in sides),
    )
    kept, seeds = measured.complete(where, lambda one: [_mean(name, [one]) for name in columns])
    if not kept:
        return unmeasured(STRIDES, "No dense task was measured with both.")
    first, second = (
        Contrast.mean(_mean(name, kept) for name in side if name in columns) for side in sides
    )
    (drawn,) = measured.draw([first - second], seeds)
    effect = drawn.interval()
    words = f"VGG less AlexNet on dense answers: {in_points(effect)}; "
    words += f"{scope([first, second], seeds)}."
    left = omitted(len(where) - len(kept), len(where), "settings")
    return settled(STRIDES, effect, "points", 1, words, seeds=len(seeds), left=left)


def _size(measured: Measured) -> Claim:
    """The largest of each family less its smallest, with the most labels of each task."""
    table = _where(measured, [NONE, *measured.methods])
    families: dict[str, list[str]] = {}
    for name in sorted(table, key=kinds.size):
        families.setdefault(kinds.size(name)[0] or name, []).append(name)
    pairs = [(own[-1], own[0]) for own in families.values() if len(own) > 1]
    pieces = []
    for large, small in pairs:
        most: dict[Sequence[object], int] = {}
        for one in table[large] & table[small]:
            most[one[:3]] = max(most.get(one[:3], 0), one.n_labels)
        pieces += [_mean(large, [one]) - _mean(small, [one])
                   for one in sorted(table[large] & table[small])
                   if one.n_labels == most[one[:3]]]  # fmt: skip
    kept, seeds = measured.complete(pieces, lambda piece: [piece])
    if not kept:
        return unmeasured(SIZE, "Two backbones of one family are needed, fine-tuned.")
    (drawn,) = measured.draw([Contrast.mean(kept)], seeds)
    effect = drawn.interval()
    names = "; ".join(f"{large} less {small}" for large, small in pairs)
    words = f"With the most labels, {names}: {in_points(effect)}; {scope(kept, seeds)}."
    left = omitted(len(pieces) - len(kept), len(pieces), "comparisons")
    return settled(SIZE, effect, "points", 1, words, seeds=len(seeds), left=left)


def _interaction(measured: Measured) -> Claim:
    """Two methods' distance on one backbone less theirs on another, for all such fours."""
    modes: tuple[Mode, Mode] = ("frozen", "finetune")
    found = [_fours(measured, mode) for mode in modes]
    # The source compared linear probes; fine-tuned networks where there are none.
    return next((one for one in found if one is not None), None) or unmeasured(
        INTERACTION, "Two pretrainings on two backbones are needed."
    )


def _fours(measured: Measured, mode: Mode) -> Claim | None:
    table: dict[tuple[str, str], set[tuple[str, str, int]]] = {}
    for method in measured.methods:
        for one in measured.settings(method, mode):
            table.setdefault((method, one.backbone), set()).add(one[1:])

    def fours(columns: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
        have = set(columns)
        methods, backbones = (sorted({one[k] for one in columns}) for k in (0, 1))
        return [
            (*two, *nets) for two in combinations(methods, 2) for nets in combinations(backbones, 2)
            if {(m, b) for m in two for b in nets} <= have
        ]  # fmt: skip

    columns, settings = rectangle(table, lambda chosen: bool(fours(chosen)))

    def score(method: str, backbone: str, where: Sequence[tuple[str, str, int]]) -> Contrast:
        return Contrast.mean(
            Contrast({Place(method, mode, Setting(backbone, *one)): 1.0}) for one in where
        )

    kept, seeds = measured.complete(settings, lambda one: [score(*c, [one]) for c in columns])
    if not kept:
        return None
    asked = fours(columns)
    parts = [score(*column, kept) for column in columns]
    drawn = measured.draw(parts, seeds, among=len(asked))
    held = dict(zip(columns, drawn, strict=True))
    spans: dict[tuple[str, str, str, str], Interval] = {
        (m, other, b, net): ((held[m, b] - held[other, b]) - (held[m, net] - held[other, net]))
        .interval(len(asked)) for m, other, b, net in asked
    }  # fmt: skip
    strongest = max(spans, key=lambda four: max(spans[four].low, -spans[four].high))
    m, other, b, net = strongest
    effect = spans[strongest]
    how = {"frozen": "Frozen", "finetune": "Fine-tuned"}[mode]
    words = f"{how}, {shown(m)} less {shown(other)} is larger with {b} than with {net} by "
    words += f"{in_points(effect)}, the clearest of {len(spans)}, all of which hold together; "
    words += f"{scope(parts, seeds)}."
    if len(seeds) > 1 and not effect.low <= 0 <= effect.high:
        return Claim(*INTERACTION, "agrees", words, "", effect, "points")
    return Claim(*INTERACTION, "inconclusive", words, more(effect, len(seeds)), effect, "points")
