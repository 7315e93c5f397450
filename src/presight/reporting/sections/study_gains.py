"""Gains over scratch by method and task, and by the world that was pretrained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from presight.core.wording import between, cut, percent, points
from presight.reporting.blocks import Block, Cell, Matrix, Section
from presight.reporting.sections.study_reading import HOW, AnswerFacts, Arm, Entry

_STRONGEST = 0.56
"""Of the tint over paper: text on it stays readable."""

Key = tuple[Arm, str]
Columns = Sequence[tuple[AnswerFacts, int]]
"""Answers, each at a place among its numbers of labels."""


def section(answers: Sequence[AnswerFacts]) -> Section | None:
    """Methods by tasks with the fewest and the most labels; None where nothing is pretrained."""
    keys = _keys(answers)
    if not keys:
        return None
    blocks: list[Block] = [_by_task(answers, keys, at) for at in (0, -1)]
    if len(answers) == 1:
        blocks = [_by_labels(answers[0], keys)]
    return Section(
        "gains",
        "Which method, which task?",
        _finding(answers, keys),
        blocks,
        [("Gain", "score less that of training from scratch, in points, with the same labels."),
         ("Tinted", "a gain whose 95 % interval is clear of 0. Dashed and slanted: a loss that is. "
          "All others cannot be told from none.")],
    )  # fmt: skip


def transfer(answers: Sequence[AnswerFacts]) -> Section | None:
    """What is pretrained on each world, measured on each; None in a study of one world."""
    seen = list(dict.fromkeys(one.arm.images for answer in answers for one in answer.entries
                              if one.arm.images))  # fmt: skip
    there = {(one.arm.images, answer.measured_on) for answer in answers for one in answer.entries}
    if not any(images and images != on for images, on in there):
        return None
    groups: dict[tuple[str, str, str, str], dict[tuple[str, str], Entry]] = {}
    for answer in answers:
        for one in answer.entries:
            if one.arm.images:
                kind = (answer.task, one.arm.method, one.arm.backbone, one.mode)
                groups.setdefault(kind, {})[one.arm.images, answer.measured_on] = one
    worlds = list(dict.fromkeys(answer.measured_on for answer in answers))
    biggest = max((one.gaps[-1][0] for held in groups.values() for one in held.values()
                   if one.gaps), default=0.0)  # fmt: skip
    blocks: list[Block] = []
    for (task, method, backbone, mode), held in groups.items():
        rows = [
            (f"pretrained on {cut(images)}",
             [_cell(held.get((images, on)), -1, biggest) for on in worlds])
            for images in seen
        ]  # fmt: skip
        title = f"{task}: {method} on {backbone}, {HOW.get(mode, mode)}"
        head = ["", *(f"measured on {cut(on)}" for on in worlds)]
        blocks.append(Matrix(title, head, rows, [], f"{_PROTOCOL}; with the most labels"))
    finding = f"{_clear(groups.values(), own=True)}; {_clear(groups.values(), own=False)}."
    return Section("transfer", "Does it carry over to other images?", finding, blocks)


def _clear(groups: Iterable[Mapping[tuple[str, str], Entry]], *, own: bool) -> str:
    """How many gains are clear with the most labels, on a network's own images or on others."""
    gaps = [one.gaps[-1] for held in groups for (images, on), one in held.items()
            if one.gaps and (images == on) == own]  # fmt: skip
    clear = sum(low > 0 for _, low, _ in gaps)
    where = "On the images pretrained on" if own else "on others"
    return f"{where} {clear} of {len(gaps)} gains are clear"


_PROTOCOL = (
    "points over training from scratch with as many labels, and 95 % intervals over repetitions "
    "and test images; tinted where clearly a gain, dashed and slanted where clearly a loss"
)


def _keys(answers: Sequence[AnswerFacts]) -> list[Key]:
    """Pretrained arms and modes, without those of other worlds' images: transfer has them."""
    found = [(Arm(one.arm.method, one.arm.backbone), one.mode) for answer in answers
             for one in answer.entries if one.pretrained]  # fmt: skip
    return sorted(dict.fromkeys(found))


def _entry(answer: AnswerFacts, key: Key) -> Entry | None:
    arm, mode = key
    for one in answer.entries:
        same = (one.arm.method, one.arm.backbone, one.mode) == (arm.method, arm.backbone, mode)
        if same and one.arm.images in ("", answer.measured_on):
            return one
    return None


def _by_task(answers: Sequence[AnswerFacts], keys: Sequence[Key], at: int) -> Matrix:
    """A column for each answer, at a place among the numbers of labels."""
    which = "fewest" if at == 0 else "most"
    head = [f"{one.title}: {cut(one.metric)}, {one.labels[at]:,} labels" for one in answers]
    return _matrix(
        f"Gain over scratch with the {which} labels",
        head,
        [(answer, at) for answer in answers],
        keys,
    )


def _by_labels(answer: AnswerFacts, keys: Sequence[Key]) -> Matrix:
    """A column for each number of labels."""
    head = [f"{n:,} labels" for n in answer.labels]
    columns = [(answer, at) for at in range(len(answer.labels))]
    return _matrix(f"Gain over scratch in {cut(answer.metric)}", head, columns, keys)


def _matrix(title: str, head: Sequence[str], columns: Columns, keys: Sequence[Key]) -> Matrix:
    several = len({arm.backbone for arm, _ in keys}) > 1
    biggest = max((one.gaps[at][0] for answer, at in columns for one in answer.entries
                   if one.gaps), default=0.0)  # fmt: skip
    rows = [
        (f"{arm.name(several)}, {HOW.get(mode, mode)}",
         [_cell(_entry(answer, (arm, mode)), at, biggest) for answer, at in columns])
        for arm, mode in keys
    ]  # fmt: skip
    protocol = f"{_PROTOCOL}; rows below the line are scores"
    return Matrix(title, ["", *head], rows, _references(columns), protocol)


def _cell(entry: Entry | None, at: int, biggest: float) -> Cell:
    if entry is None or not entry.gaps:
        return Cell("")
    value, low, high = entry.gaps[at]
    shade = max(0.08, _STRONGEST * value / biggest) if low > 0 and biggest > 0 else 0.0
    return Cell(points(value), f"{points(low)} to {points(high)}", shade, high < 0)


def _references(columns: Columns) -> list[tuple[str, list[Cell]]]:
    """Scores for proportion: all labels, scratch, untrained, pixels, blind."""
    several = any(answer.several for answer, _ in columns)
    found: dict[str, list[Cell]] = {}
    for column, (answer, at) in enumerate(columns):
        scores: dict[str, Cell] = {}
        for backbone, value in answer.maximal.items():
            name = "maximal supervision" + (f", {cut(backbone)}" if several else "")
            scores[name] = Cell(percent(value))
        for one in sorted(answer.entries, key=lambda one: _ORDER.get(_kind(one), 0)):
            if not one.pretrained:
                place = one.places[at]
                scores[one.name(several)] = Cell(
                    percent(place.mean), between(place.low, place.high)
                )
        for name, cell in scores.items():
            found.setdefault(name, [Cell("")] * len(columns))[column] = cell
    return list(found.items())


_ORDER = {"scratch": 0, "untrained": 1, "pixels": 2, "blind": 3}


def _kind(one: Entry) -> str:
    if one.arm.method != "none":
        return one.arm.method
    return "scratch" if one.mode == "finetune" else "untrained"


def _finding(answers: Sequence[AnswerFacts], keys: Sequence[Key]) -> str:
    """In how many cells the gain is clear, and whether one arm is the best in all tasks."""
    told = []
    for at, which in ((0, "fewest"), (-1, "most")):
        gaps = [one.gaps[at] for key in keys for answer in answers
                if (one := _entry(answer, key)) is not None and one.gaps]  # fmt: skip
        if gaps:
            clear = sum(low > 0 for _, low, _ in gaps)
            harm = sum(high < 0 for *_, high in gaps)
            lost = f", {harm} a clear loss" if harm else ""
            told.append(f"with the {which} labels {clear} of {len(gaps)} show a clear gain{lost}")
    if not told:
        return ""
    text = "; ".join(told)
    winners = {(best.arm.method, best.mode) for answer in answers if (best := answer.best)}
    if len(answers) > 1 and len(winners) > 1:
        text += "; no method is ahead in every task"
    return f"{text[0].upper()}{text[1:]}."
