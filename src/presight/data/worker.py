"""The child that opens images: a decoder that crashes or hangs takes nothing else with it.

It reads tasks from standard input, one JSON line each with the image's bytes behind it where the
parent holds them, and answers each with one JSON line, pixels behind it where they were asked
for. It imports torch only to make blocks of a source that is computed. It ends with its parent,
when its input ends.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import Any, BinaryIO

import cv2

from presight.data.decode import Limits, Unreadable, decode, inspect, read
from presight.data.source import Blocks, Piece, Pixels
from presight.errors import DataError


def answer(task: dict[str, Any], data: bytes | None, limits: Limits) -> tuple[Any, bytes]:
    """The reply to one task, and the pixels behind it."""
    piece = Piece("", task["path"], task["start"], task["length"], data)
    if task["do"] == "inspect":
        return dataclasses.astuple(inspect(piece, limits)), b""
    if task["do"] == "block":
        return _block(task), b""
    pixels = decode(read(piece), limits, task["side"])
    if "into" not in task:
        return pixels.shape[:2], pixels.tobytes()
    if list(pixels.shape[:2]) != task["shape"]:
        raise Unreadable("decodes to another size than its header says")
    _place(task["into"], task["offset"], pixels)
    return pixels.shape[:2], b""


def _block(task: dict[str, Any]) -> list[int]:
    """Make a block of a computed source, and write it to its place."""
    from presight.data.fill import block
    from presight.data.open import open_source

    source = open_source(task["spec"])
    assert isinstance(source, Blocks)
    start, stop = task["rows"]
    _place(task["into"], task["offset"], block(source, start, stop, task["side"]))
    return [start, stop]


def _place(path: str, offset: int, pixels: Pixels) -> None:
    """Write pixels to their place in the pack."""
    file = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    try:
        os.lseek(file, offset, os.SEEK_SET)
        left = memoryview(pixels.tobytes())
        while left:
            left = left[os.write(file, left) :]
    finally:
        os.close(file)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the input ends; the first line holds the limits."""
    limits = Limits()
    while line := requests.readline():
        task = json.loads(line)
        if "limits" in task:
            limits = Limits(**task["limits"])
            continue
        data = requests.read(task["bytes"]) if "bytes" in task else None
        tail = b""
        try:
            reply, tail = answer(task, data, limits)
        except Unreadable as error:
            reply = {"reason": error.reason, "kind": error.kind}
        except (DataError, OSError, MemoryError) as error:
            reply = {"reason": str(error), "kind": "unreadable"}
        replies.write(json.dumps(reply).encode() + b"\n" + tail)
        replies.flush()


def main() -> None:
    """Serve on standard input and output; whatever a library prints goes to standard error."""
    cv2.setNumThreads(1)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, out)
