"""On a task: figures of the run's network, frozen or fine-tuned, beside one without training."""

from __future__ import annotations

from collections.abc import Sequence

from presight.core.wording import cut
from presight.evaluation.outcomes import PRETRAINED, Outcome, sentence
from presight.reporting.blocks import Block, Section, Table, Words
from presight.reporting.reading import RunFacts, TaskFacts

_NOTES = (
    ("Frozen:", "only a head learned. Fine-tuned: the whole network did, from the pretrained "
     "weights or, from scratch, from new ones, with the same updates and choices."),
    ("Blind guess:", "the best answer of one who sees no picture."),
)  # fmt: skip


def section(run: RunFacts) -> Section | None:
    """The section; None where no task was measured.

    Args:
        run: what its folder says.
    """
    if not run.tasks:
        return None
    blocks: list[Block] = []
    for facts in reversed(run.tasks):
        blocks += _blocks(facts, run.weights)
    newest = run.tasks[-1]
    finding = sentence(newest.outcomes, _mode(newest))
    return Section("tasks", "What is it worth on a task?", finding, blocks, _NOTES)


def _mode(facts: TaskFacts) -> str:
    return str(facts.protocol.get("mode", ""))


def _blocks(facts: TaskFacts, weights: str) -> list[Block]:
    told = facts.protocol
    mode = "fine-tuned" if _mode(facts) == "finetune" else "frozen"
    title = f"{cut(told.get('task', 'a task'))}, {mode}"
    words = [
        sentence(facts.outcomes, _mode(facts)),
        f"{cut(told.get('n_test', '?'))} test images ({cut(told.get('split', 'given'))}).",
    ]
    if told.get("weights", weights) != weights:
        words.append("These figures are of other weights than the run holds now.")
    return [Words(" ".join(words), title), table(facts.outcomes)]


def table(outcomes: Sequence[Outcome]) -> Table:
    """A line for each metric and number of labels."""
    rows = list(dict.fromkeys(one.row for one in outcomes))
    held = {(one.metric, one.n_train, one.row): one for one in outcomes}
    lines = []
    for metric in dict.fromkeys(one.metric for one in outcomes):
        for n in sorted({one.n_train for one in outcomes}):
            found = [held.get((metric, n, row)) for row in rows]
            first = next((one for one in found if one is not None), None)
            if first is not None:
                cells = (one.words() if one else "not measured" for one in found)
                lines.append((f"{cut(metric)}, {cut(first.unit)}", f"{n:,}", *cells, _gain(found)))
    head = ("figure", "labels", *(cut(row) for row in rows), "pretrained above the second")
    return Table(head, lines, caption="Figures with 95 % intervals over test images")


def _gain(found: Sequence[Outcome | None]) -> str:
    """How much the pretrained row is above the one without training, paired by image."""
    one = next((one for one in found if one is not None and one.row == PRETRAINED), None)
    if one is None or not one.above:
        return "not measured"
    value, low, high = next(iter(one.above.values()))
    return f"{one.said(value)}  ({one.said(low)} to {one.said(high)})"
