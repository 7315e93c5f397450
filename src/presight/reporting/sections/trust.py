"""Which figures that take no labels order networks as the scores of a study do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from presight.core.wording import cut
from presight.reporting.blocks import Block, Figure, Folded, Section, Table
from presight.reporting.charts.correlations import Rho, correlation_chart

_HOW = {"frozen": "frozen", "finetune": "fine-tuned"}
_TELLS, _FEW = "tells", "too few"


def sections(told: Mapping[str, Any] | None) -> list[Section]:
    """The section, where a study's file holds its record.

    Args:
        told: what stands under `diagnostics`.

    Raises:
        KeyError, TypeError, ValueError: it is no such record.
    """
    if not told:
        return []
    found: Sequence[Mapping[str, Any]] = told["correlations"]
    over = [one for one in found if not one["method"] and one["over"] == "networks"]
    scores = list(dict.fromkeys(_score(one) for one in over))
    main = next((_score(one) for one in over if one["score"]["mode"] == "finetune"), scores[0])
    blocks: list[Block] = [_figure(over, main, scores, told)]
    order = [one for one in found if one["over"] == "arms"]
    if order:
        blocks.append(_order(order))
    within = [one for one in found if one["method"]]
    if within:
        rows = [[_named(one), cut(one["method"]), _score(one), _rho(one), f"{one['n']}"]
                for one in within]  # fmt: skip
        head = ["figure", "within", "score", "rank correlation", "networks"]
        blocks.append(Folded("Within a method", Table(head, rows, numeric=False)))
    return [Section("trust", "Which cheap figures can be trusted?", str(told["sentence"]), blocks,
                    _NOTES)]  # fmt: skip


_NOTES = (
    ("Rank correlation:", "Spearman's rho. At +1 the figure orders networks as the score does, at "
     "\N{MINUS SIGN}1 the other way round; both can be used to choose. At 0 it tells nothing."),
    ("Probe:", "a linear one on frozen features, with the study's fewest or most labels."),
    ("Gray:", "the interval holds 0, or there are too few networks."),
)  # fmt: skip


def _score(one: Mapping[str, Any]) -> str:
    """A score in words."""
    score = one["score"]
    where = f" on {score['measured_on']}" if score["measured_on"] else ""
    return cut(f"{score['task']}{where}, {_HOW[score['mode']]}, {int(score['n_labels']):,} labels")


def _named(one: Mapping[str, Any]) -> str:
    return cut(one["figure"]) + (" *" if one["takes_labels"] else "")


def _figure(
    found: Sequence[Mapping[str, Any]], main: str, scores: Sequence[str], told: Mapping[str, Any]
) -> Figure:
    here = sorted(
        (one for one in found if _score(one) == main and one["rho"] is not None),
        key=lambda one: (bool(one["takes_labels"]), -abs(float(one["rho"]))),
    )
    shown = [
        Rho(_named(one), float(one["rho"]), float(one["low"]), float(one["high"]),
            one["verdict"] == _TELLS)
        for one in here
    ]  # fmt: skip
    first = next(one for one in found if _score(one) == main)
    names = list(dict.fromkeys([_named(one) for one in here] + [_named(one) for one in found]))
    cells = {(_named(one), _score(one)): _rho(one) for one in found}
    table = Table(
        ["", *scores], [[name, *(cells.get((name, s), "") for s in scores)] for name in names]
    )
    protocol = (
        f"Figures of {int(told['images']):,} images without labels, the same for all networks; "
        f"{int(first['n'])} pretrained networks of {int(first['arms'])} arms; intervals are 95 %, "
        "by resampling arms and then the repetitions of each; figures with a star take labels; "
        f"below {int(told['least'])} networks nothing is concluded; one in twenty figures that "
        "tell nothing would seem to tell by chance"
    )
    drawing = Markup(correlation_chart(shown, "trust-rho") if shown else "")
    return Figure(f"Against {main}", drawing, "", protocol, table, "rank correlations")


def _order(found: Sequence[Mapping[str, Any]]) -> Table:
    """The frozen probe's order of arms against fine-tuning's."""
    rows = [[f"{cut(one['figure'])}, against {_score(one)}", _rho(one), f"{int(one['n'])}"]
            for one in found]  # fmt: skip
    caption = "Is the order of arms by a frozen probe their order fine-tuned?"
    return Table(["order of arms by", "rank correlation", "arms"], rows, caption=caption)


def _rho(one: Mapping[str, Any]) -> str:
    """A correlation in words."""
    if one["rho"] is None:
        return "the same for all"
    words = f"{_signed(one['rho'])} ({_signed(one['low'])} to {_signed(one['high'])})"
    if one["verdict"] == _FEW:
        return f"{words}; too few"
    return words if one["verdict"] == _TELLS else f"{words}; tells nothing"


def _signed(value: object) -> str:
    return f"{float(str(value)):+.2f}".replace("-", "\N{MINUS SIGN}")
