"""Claims on the number of labels: the gain and its end, and freezing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from presight.core.wording import points
from presight.studies.claims.claim import Claim, Said, compared, settled, unmeasured
from presight.studies.claims.gains import Unit, gap, labels, score, units
from presight.studies.claims.measured import Contrast, Measured
from presight.studies.claims.wording import in_points, listed, omitted, repetitions, scope, shown

NEGLIGIBLE = 0.01
"""A gain of less is none for practical purposes: a point."""

_COUNT = "survey 4, number of labels"
_FREEZING = "survey 4, freezing"
FEW = Said("gain with few labels", "With few labels, pretraining lifts the score clearly.", _COUNT)
SHRINKS = Said(
    "gain shrinks", "The more labels there are, the less pretraining adds to them.", _COUNT
)
GONE = Said(
    "gain vanishes",
    "With many labels nothing worth mentioning is left of what pretraining gained with few.",
    _COUNT,
)
ANYWHERE = Said(
    "gain shrinks anywhere",
    "That the gain shrinks with labels holds for every pretext and every task.",
    _COUNT,
)
FROZEN_FEW = Said(
    "freezing with few labels",
    "With very few labels it is better to keep the pretrained layers as they are than to "
    "fine-tune them.",
    _FREEZING,
)
FROZEN_MANY = Said(
    "freezing with many labels",
    "With labels enough, keeping the layers as they are costs score against fine-tuning.",
    _FREEZING,
)


def on_labels(measured: Measured) -> list[Claim]:
    """All claims of this file."""
    return [*_gains(measured), _anywhere(measured), *_freezing(measured)]


def _grown(measured: Measured) -> list[Unit]:
    return [unit for unit in units(measured) if len(labels(measured, unit)) > 1]


def _ends(measured: Measured, unit: Unit) -> tuple[Contrast, Contrast]:
    """A unit's gap with the fewest and with the most labels."""
    counts = labels(measured, unit)
    return gap(unit, counts[0]), gap(unit, counts[-1])


def _gains(measured: Measured) -> list[Claim]:
    grown = _grown(measured)
    kept, seeds = measured.complete(grown, lambda unit: _ends(measured, unit))
    if not kept:
        missing = "Two numbers of labels are needed, fine-tuned with pretraining and from scratch."
        return [unmeasured(said, missing) for said in (FEW, SHRINKS, GONE)]
    pairs = [_ends(measured, unit) for unit in kept]
    few, many = measured.draw([Contrast.mean(side) for side in zip(*pairs, strict=True)], seeds)
    first, last, less = few.interval(), many.interval(), (few - many).interval()
    words = scope([pair[0] for pair in pairs], seeds)
    ends = f"With {_counts(measured, kept, 0)} labels it adds {in_points(first)}"
    rest = f"with {_counts(measured, kept, -1)} labels {in_points(last)}"
    shrinking = f"{ends}, {rest}: less by {in_points(less)}; {words}."
    ending = f"{ends}, {rest}, of which up to {points(NEGLIGIBLE)} would count as nothing; {words}."
    barred = "" if first.low > 0 else "There is no clear gain with few labels that could go."
    count, left = len(seeds), omitted(len(grown) - len(kept), len(grown), "curves")
    return [
        settled(FEW, first, "points", 1, f"{ends}; {words}.", seeds=count, left=left),
        settled(SHRINKS, less, "points", 1, shrinking, barred=barred, seeds=count, left=left),
        settled(
            GONE,
            last,
            "points",
            -1,
            ending,
            beyond=NEGLIGIBLE,
            barred=barred,
            seeds=count,
            left=left,
        ),
    ]


def _counts(measured: Measured, kept: Sequence[Unit], place: int) -> str:
    found = sorted({labels(measured, unit)[place] for unit in kept})
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def _anywhere(measured: Measured) -> Claim:
    """Every method and every task by itself."""
    grown = _grown(measured)
    kept, seeds = measured.complete(grown, lambda unit: _ends(measured, unit))
    groups = {
        name: [unit for unit in kept if unit[place] == name]
        for place in (0, 2)
        for name in dict.fromkeys(unit[place] for unit in kept)
    }
    methods, tasks = len({unit.method for unit in kept}), len({unit.task for unit in kept})
    if methods < 2 and tasks < 2:
        return unmeasured(ANYWHERE, "Two methods or two tasks are needed.")

    def less(unit: Unit) -> Contrast:
        few, many = _ends(measured, unit)
        return few - many

    means = [Contrast.mean(map(less, chosen)) for chosen in groups.values()]
    few = [Contrast.mean(_ends(measured, unit)[0] for unit in chosen) for chosen in groups.values()]
    drawn = measured.draw([*means, *few], seeds, among=len(groups))
    found = dict(zip(groups, drawn, strict=False))
    gained = [one.interval().low > 0 for one in drawn[len(groups) :]]
    shrinks = [name for (name, one), gain in zip(found.items(), gained, strict=True)
               if one.interval().low > 0 and gain]  # fmt: skip
    grows = [name for name, one in found.items() if one.interval(len(groups)).high < 0]
    told = [f"{shown(n)} {in_points(one.interval(), brief=True)}" for n, one in found.items()]
    words = "The gain with few labels less the one with many, points with 95 % intervals: "
    words += f"{', '.join(told)}; "
    words += f"{repetitions(len(seeds))}."
    left = omitted(len(grown) - len(kept), len(grown), "curves")
    if grows:
        words += f" It grows with {listed(map(shown, grows))}."
    open_ = listed(shown(name) for name in found if name not in shrinks)
    return compared(
        ANYWHERE, words, agrees=len(shrinks) == len(found), disagrees=bool(grows),
        seeds=len(seeds), left=left,
        missing=f"Not clear for {open_}: more repetitions, or more labels.",
    )  # fmt: skip


def _freezing(measured: Measured) -> list[Claim]:
    grown = [
        unit
        for unit in _grown(measured)
        if len({*labels(measured, unit)} & {*labels(measured, unit, "frozen")}) > 1
    ]
    return [
        _frozen(measured, grown, FROZEN_FEW, min, 1),
        _frozen(measured, grown, FROZEN_MANY, max, -1),
    ]


def _frozen(
    measured: Measured,
    chosen: Sequence[Unit],
    said: Said,
    end: Callable[[Sequence[int]], int],
    toward: int,
) -> Claim:
    """The score frozen less the score fine-tuned, at one end of the numbers of labels."""

    def at(unit: Unit) -> int:
        return end(labels(measured, unit))

    def needs(unit: Unit) -> tuple[Contrast]:
        return (score(unit, at(unit), "frozen") - score(unit, at(unit)),)

    kept, seeds = measured.complete(chosen, needs)
    if not kept:
        return unmeasured(said, "Pretrained networks are needed frozen and fine-tuned, with few "
                          "and with many labels.")  # fmt: skip
    parts = [needs(unit)[0] for unit in kept]
    (drawn,) = measured.draw([Contrast.mean(parts)], seeds)
    counts = sorted({at(unit) for unit in kept})
    span = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    effect = drawn.interval()
    words = f"With {span} labels freezing changes the score by {in_points(effect)}; "
    left = omitted(len(chosen) - len(kept), len(chosen), "curves")
    words += f"{scope(parts, seeds)}."
    return settled(said, effect, "points", toward, words, seeds=len(seeds), left=left)
