import json

from presight.store.plain import finite

NAN, INFINITY = float("nan"), float("inf")


def test_numbers_that_json_lacks_become_null_and_a_word():
    assert finite({"loss": NAN}) == {"loss": None, "loss_is": "nan"}
    assert finite({"a": {"b": -INFINITY}}) == {"a": {"b": None, "b_is": "-inf"}}
    assert finite([1.0, INFINITY]) == [1.0, "inf"]


def test_everything_else_stays():
    value = {"a": [1, 0.1, None, True, "x", {"b": []}]}
    assert finite(value) == value
    assert json.dumps(finite({"x": (1, 2)}), allow_nan=False) == '{"x": [1, 2]}'
