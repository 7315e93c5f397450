import os
import subprocess
import sys

import pytest

from presight.errors import UsageError
from presight.store import atomic
from presight.store.faults import Dead, fault, hit, parse


def test_a_fault_strikes_at_the_nth_call_of_its_point_only():
    with fault("rename", 2) as planned:
        hit("rename")
        hit("write")
        assert not planned.fired
        with pytest.raises(OSError, match="No space"):
            hit("rename")
        hit("rename")
    hit("rename")


def test_any_counts_all_points():
    with fault("any", 3):
        hit("open")
        hit("write")
        with pytest.raises(OSError, match="No space"):
            hit("fsync")


def test_after_death_nothing_happens_any_more():
    with fault("write", 1, "die"):
        with pytest.raises(Dead):
            hit("write")
        with pytest.raises(Dead):
            hit("unlink")
    hit("unlink")


def test_a_struck_write_leaves_a_part():
    done = []
    with fault("write", 1), pytest.raises(OSError, match="No space"):
        hit("write", lambda: done.append(1))
    assert done == [1]


@pytest.mark.parametrize("text", ["rename", "rename:x", "rename:1:perhaps", "mend:1", ":1"])
def test_a_plan_that_cannot_be_read_is_refused(text):
    with pytest.raises(UsageError, match="POINT:N"):
        parse(text)


@pytest.mark.parametrize("action", ["", ":raise"])
def test_the_environment_plans_a_fault(tmp_path, action):
    code = "import sys; from pathlib import Path; from presight.store import atomic\n"
    code += "[atomic.write_text(Path(sys.argv[1], n), n) for n in 'abc']"
    plan = {**os.environ, "PRESIGHT_FAULT": f"rename:2{action}"}
    child = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=plan, capture_output=True, timeout=60
    )
    names = sorted(p.name for p in tmp_path.iterdir() if not atomic.is_temporary(p.name))
    assert names == ["a"]
    left = [p for p in tmp_path.iterdir() if atomic.is_temporary(p.name)]
    if action:
        assert child.returncode == 1
        assert b"is full" in child.stderr
        assert left == []
    else:
        assert child.returncode == 137
        assert len(left) == 1
        assert atomic.sweep(tmp_path) == left
