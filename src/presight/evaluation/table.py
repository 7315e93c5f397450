"""Scores as a table in plain ASCII, for terminals and logs."""

from __future__ import annotations

from collections.abc import Sequence

from presight.core.wording import cut
from presight.evaluation.curve import Point, places, whole
from presight.evaluation.score import Score

_NAMES = {"knn": "kNN", "linear": "linear probe"}


def protocols(scores: Sequence[Score]) -> list[str]:
    """The protocols that were measured, in the order of the scores, without the majority's."""
    return [name for name in dict.fromkeys(s.protocol for s in scores) if name != "majority"]


def score_table(scores: Sequence[Score]) -> str:
    """One line a row and number of labels: accuracy in percent, and its 95 % interval, by protocol.

    The blind guess is the same whatever the protocol, so it stands in every column, with the most
    labels only.

    Args:
        scores: of one evaluation.

    Returns:
        Aligned lines without a final line end; empty for no scores.
    """
    shown = whole(scores)
    if not shown:
        return ""
    columns = protocols(shown) or ["majority"]
    counts = sorted({score.n_train for score in shown})
    lines = [["", "labels", *(_NAMES.get(name, name) for name in columns)]]
    for row in dict.fromkeys(score.row for score in shown):
        found = [
            {point.n_labels: point for point in places(shown, row, name)}
            or {point.n_labels: point for point in places(shown, row, "majority")[-1:]}
            for name in columns
        ]
        for n in counts:
            if any(n in points for points in found):
                cells = (_cell(points.get(n)) for points in found)
                lines.append([_ascii(cut(row)), f"{n:,}", *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_line(cells, widths) for cells in lines]
    return "\n".join([text[0], "-" * len(text[1]), *text[1:], _protocol(shown)])


def _protocol(shown: Sequence[Score]) -> str:
    seeds = max(len(point.values) for point in _points(shown))
    over = f"{seeds} choices of labels and " if seeds > 1 else ""
    return (
        f"accuracy in %, 95 % interval over {over}{shown[0].n_test:,} test images; frozen features"
    )


def _points(shown: Sequence[Score]) -> list[Point]:
    kinds = dict.fromkeys((score.row, score.protocol) for score in shown)
    return [point for row, protocol in kinds for point in places(shown, row, protocol)]


def stage_line(scores: Sequence[Score], row: str = "pretrained") -> str:
    """What a linear probe reads at each stage of a row, as a line; empty where none was measured.

    Args:
        scores: of one evaluation.
        row: whose stages.
    """
    found = [score for score in scores if score.stage and score.row == row]
    if not found:
        return ""
    told = ", ".join(f"{score.stage} {100 * score.value:.1f}" for score in found)
    return f"by stage, linear probe with {found[0].n_train:,} labels: {told}"


def _cell(score: Point | None) -> str:
    if score is None:
        return "not measured"
    return f"{100 * score.mean:5.1f}  ({100 * score.low:.1f} to {100 * score.high:.1f})"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "   ".join(padded).rstrip()


def _ascii(text: str) -> str:
    """Printable ASCII: a row's name may come from a file, and must not move the cursor."""
    return text.encode("ascii", "backslashreplace").decode().translate(_CONTROLS)


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
