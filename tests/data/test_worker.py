from __future__ import annotations

import io
import json

import numpy as np
import pytest

from data.making import encoded, pixels
from presight.data.decode import Limits, Unreadable
from presight.data.worker import answer, serve

WHERE = {"path": "", "start": 0, "length": -1}


def test_inspect_answers_with_the_header() -> None:
    told, rest = answer({"do": "inspect", **WHERE}, encoded(pixels(20, 30), "PNG"), Limits())
    assert told[:2] == (20, 30)
    assert rest == b""


def test_decode_answers_with_the_pixels() -> None:
    image = pixels(20, 30)
    told, rest = answer({"do": "decode", "side": 0, **WHERE}, encoded(image, "PNG"), Limits())
    assert np.array_equal(np.frombuffer(rest, np.uint8).reshape(*told, 3), image)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(Unreadable):
        answer({"do": "inspect", **WHERE}, b"no image", Limits())


def test_a_bad_image_is_a_reply_and_a_worker_goes_on_to_the_next() -> None:
    good = encoded(pixels(20, 30), "PNG")
    requests = io.BytesIO()
    for data in (b"no image", good):
        task = {"do": "inspect", **WHERE, "bytes": len(data)}
        requests.write(json.dumps(task).encode() + b"\n" + data)
    requests.seek(0)
    replies = io.BytesIO()
    serve(requests, replies)
    first, second = (json.loads(line) for line in replies.getvalue().splitlines())
    assert first["kind"] == "unreadable"
    assert second[:2] == [20, 30]
