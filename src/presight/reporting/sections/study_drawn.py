"""Answers drawn on images of a study's test: its failures, and some at random beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from presight.core.wording import cut, number
from presight.reporting.blocks import Answers, Block, Drawn, Section
from presight.reporting.pictures import address
from presight.reporting.sections.study_reading import HOW, AnswerFacts, Arm

FOLDER = "pictures"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]*\.jpg")
_LARGEST = 200_000


def section(
    answer: AnswerFacts, told: Sequence[Mapping[str, Any]], folder: Path, room: int
) -> Section | None:
    """Pictures of one answer; None where the study has none.

    Args:
        answer: of the study.
        told: its record of pictures.
        folder: of the study.
        room: bytes that they may take on the page.
    """
    own = [one for one in told if isinstance(one, dict)
           and (one.get("task"), one.get("measured_on", "")) == (answer.task, answer.measured_on)
           ]  # fmt: skip
    if not own:
        return None
    try:
        return _made(answer, own[0], folder / FOLDER, room)
    except (KeyError, ValueError, TypeError, OSError):
        return None  # a page without pictures is better than none


def _made(answer: AnswerFacts, told: Mapping[str, Any], folder: Path, room: int) -> Section | None:
    arm, mode = Arm.of(told["arm"]), str(told["mode"])
    who = f"{HOW.get(mode, mode)} {answer.name_of(arm)}"
    if not arm.pretrained:
        who = "scratch" if mode == "finetune" else "the untrained network"
    n_labels, n_test = int(told["n_labels"]), int(told["n_test"])
    metric = cut(told["metric"])
    blocks: list[Block] = []
    for kind, title, sub in (
        ("lowest", "Failures", f"The {{}} of {n_test:,} test images with the lowest part in "
         f"{metric}; those with equal parts in an order drawn once. None was picked by hand."),
        ("random", "Drawn at random", "{} of the test images, whatever the answer."),
    ):  # fmt: skip
        shown, room = _shown(told["images"], kind, folder, room)
        if shown:
            protocol = (
                f"{who}, {n_labels:,} labels, repetition {int(told['seed']) + 1}; the mean "
                f"of all test images' parts is the {metric}"
            )
            blocks.append(Answers(title, sub.format(len(shown)), shown, protocol))
    if not blocks:
        return None
    finding = f"Test images with the right answer and that of {who}, the best here."
    return Section("drawn", "What does it answer?", finding, blocks)


def _shown(
    images: Sequence[Mapping[str, Any]], kind: str, folder: Path, room: int
) -> tuple[list[Drawn], int]:
    """Images of a kind while there is room, and the room that is left."""
    found: list[Drawn] = []
    for one in images:
        if one["kind"] != kind:
            continue
        held = [(word, _read(folder, str(name))) for word, name in one["files"]]
        size = sum(len(where) for _, where in held)
        if size > room:
            break
        room -= size
        place = f"{kind} {len(found) + 1}"
        pictures = [(where, f"{place}: {cut(word)}", cut(word)) for word, where in held]
        found.append(Drawn(pictures, f"part in the score {number(round(float(one['score']), 3))}"))
    return found, room


def _read(folder: Path, name: str) -> str:
    """The address of a picture of the study's own folder, and of no other place."""
    if not _PLAIN.fullmatch(name):
        raise ValueError("not a picture's name")
    raw = (folder / name).read_bytes()
    if len(raw) > _LARGEST or not raw.startswith(b"\xff\xd8"):
        raise ValueError("not a small JPEG")
    return address("jpeg", raw)
