"""Which images to label next: what choosing them gained over drawing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from presight.core.wording import between, cut, percent, points
from presight.reporting.blocks import Block, Command, Figure, Section, Table
from presight.reporting.charts.label_curve import Line, Place, label_curve, readings

_KINDS = {
    "selected": "chosen",
    "random": "drawn at random",
    "stratified": "drawn by class",
}
_ROLES = {"selected": "main", "random": "ink", "stratified": "soft"}


def sections(told: Mapping[str, Any] | None) -> list[Section]:
    """The section, where a study's file holds its record.

    Args:
        told: what stands under `selection`.

    Raises:
        KeyError, TypeError, ValueError: it is no such record.
    """
    if not told:
        return []
    blocks: list[Block] = []
    for at, one in enumerate(told["arms"]):
        blocks += [_figure(one, f"label-next-{at}"), _gains(one)]
    command = "presight embed RUN IMAGES --select 200"
    note = "writes select.csv to fill in and select.png to look at."
    blocks.append(Command("To choose images", command, note))
    return [Section("label-next", "Which images to label next?", str(told["sentence"]), blocks,
                    _NOTES)]  # fmt: skip


_NOTES = (
    ("Chosen:", "one typical image from each of as many clusters of the features as there are "
     "labels to give, as embed --select does. It sees no label."),
    ("Drawn by class:", "classes in proportion, which nobody can do without their labels."),
)  # fmt: skip


def _name(one: Mapping[str, Any]) -> str:
    arm = one["arm"]
    return cut(f"{str(arm['method']).rsplit('/', 1)[-1]}, {arm['backbone']}")


def _figure(one: Mapping[str, Any], name: str) -> Figure:
    counts = [int(n) for n in one["counts"]]
    lines = [
        Line(
            words.removesuffix(" at random"), _places(counts, one["scores"][kind]), _ROLES[kind], at
        )
        for at, (kind, words) in enumerate(_KINDS.items())
    ]
    rows = [
        [words, *(f"{percent(float(v))} ({between(float(low), float(high))})"
                  for v, low, high in one["scores"][kind])]
        for kind, words in _KINDS.items()
    ]  # fmt: skip
    rows += [[f"classes seen, {words}", *(f"{float(n):.1f}" for n in one["classes"][kind])]
             for kind, words in _KINDS.items()]  # fmt: skip
    networks, draws = int(one["networks"]), int(one["draws"])
    protocol = (
        f"Accuracy of a linear probe on frozen features of {_name(one)}; {draws} choices of labels "
        f"of each kind for each of {networks} network{'s' if networks > 1 else ''}; bands are 95 % "
        f"over {'networks' if networks > 1 else 'choices'} and test images"
    )
    drawing = Markup(label_curve(lines, None, name))
    title = f"Labels chosen and labels drawn, {_name(one)}"
    table = Table(["", *(f"{n:,}" for n in counts)], rows)
    return Figure(title, drawing, "", protocol, table, "accuracy by labels", readings(lines), name)


def _places(counts: Sequence[int], scores: Sequence[Sequence[float]]) -> list[Place]:
    return [
        Place(n, float(mean), float(low), float(high))
        for n, (mean, low, high) in zip(counts, scores, strict=True)
    ]


def _gains(one: Mapping[str, Any]) -> Table:
    rows = []
    for kind in ("random", "stratified"):
        for n, gain, saved in zip(
            one["counts"], one["gains"][kind], one["saved"][kind], strict=True
        ):
            value, low, high = map(float, gain)
            rows.append([
                f"{int(n):,} chosen, above {_KINDS[kind]}",
                f"{points(value)} ({points(low)} to {points(high)})",
                _work(saved),
            ])  # fmt: skip
    caption = "Points gained, paired on the same test images, and labels drawn for the same score"
    return Table(["labels", "points", "labels drawn"], rows, caption=caption)


def _work(saved: Mapping[str, Any]) -> str:
    """Labels that drawing takes for the same."""
    n = int(saved["n_labels"])
    needed = n * (1.0 + float(saved["value"]))
    if saved["status"] == "right_censored":
        return f"more than {needed:,.0f}"
    if saved["status"] == "left_censored":
        return f"fewer than {needed:,.0f}"
    low, high = (one if one is None else n * (1.0 + float(one))
                 for one in (saved["low"], saved["high"]))  # fmt: skip
    ends = f"{'fewer' if low is None else f'{low:,.0f}'} to "
    ends += "more" if high is None else f"{high:,.0f}"
    return f"{needed:,.0f} ({ends})" + ("; flat" if saved["status"] == "flat" else "")
