"""Scores as a table in plain ASCII, for terminals and logs."""

from __future__ import annotations

from collections.abc import Sequence

from presight.evaluation.score import Score, find

_NAMES = {"knn": "kNN", "linear": "linear probe"}


def protocols(scores: Sequence[Score]) -> list[str]:
    """The protocols that were measured, in the order of the scores, without the majority's."""
    return [name for name in dict.fromkeys(s.protocol for s in scores) if name != "majority"]


def score_table(scores: Sequence[Score]) -> str:
    """One line a row: accuracy in percent, and its 95 % interval, by protocol.

    The blind guess is the same whatever the protocol, so it stands in every column.

    Args:
        scores: of one evaluation.

    Returns:
        Aligned lines without a final line end; empty for no scores.
    """
    if not scores:
        return ""
    columns = protocols(scores) or ["majority"]
    lines = [["", *(_NAMES.get(name, name) for name in columns)]]
    for row in dict.fromkeys(score.row for score in scores):
        found = [find(scores, row, name) or find(scores, row, "majority") for name in columns]
        lines.append([_ascii(row), *(_cell(score) for score in found)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_line(cells, widths) for cells in lines]
    first = scores[0]
    protocol = (
        f"accuracy in %, 95 % interval over {first.n_test:,} test images; "
        f"{first.n_train:,} labelled images, frozen features, seed {first.seed}"
    )
    return "\n".join([text[0], "-" * len(text[1]), *text[1:], protocol])


def _cell(score: Score | None) -> str:
    if score is None:
        return "not measured"
    return f"{100 * score.value:5.1f}  ({100 * score.low:.1f} to {100 * score.high:.1f})"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "   ".join(padded).rstrip()


def _ascii(text: str) -> str:
    """Printable ASCII: a row's name may come from a file, and must not move the cursor."""
    return text.encode("ascii", "backslashreplace").decode().translate(_CONTROLS)


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
