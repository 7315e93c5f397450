"""A notebook: one output that is written over, a Run that shows itself, an interrupt that keeps."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from presight.core.settings import Settings
from presight.errors import Interrupted, UsageError
from presight.pretraining import notebook as module
from presight.pretraining import telling
from presight.pretraining.notebook import (
    CellProgress,
    cell,
    flags,
    of_several,
    one_process,
    present,
)
from presight.store.folder import RunFolder
from presight.training.monitor import Advice
from pretraining.test_measure import photos
from tinyruns import tiny

NUMBERS = {"steps": 40.0, "loss": 2.0, "images_per_second": 100.0, "seconds_left": 5.0}


class Handle:
    """What IPython gives for a display that can be written over."""

    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, made: str) -> None:
        self.shown.append(made)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook was shown; a display that is not updated in place starts with `new`."""
    found: list[str] = []

    def display(made: str, display_id: bool) -> Handle:
        assert display_id
        found.append("new " + made)
        return Handle(found)

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    parts = SimpleNamespace(display=display, HTML=str)
    monkeypatch.setitem(sys.modules, "IPython.display", parts)  # type: ignore[arg-type]
    return found


def test_outside_a_notebook_there_is_no_cell() -> None:
    with cell("x"):
        assert present() is None


def test_everything_that_is_told_goes_into_one_output(
    shown: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    with cell("<b>run</b>"):
        open_now = present()
        assert open_now is not None
        telling.say("data      64 images")
        progress = telling.counted("decoding once", False)
        assert progress is not None
        for done in range(0, 101, 10):
            clock[0] += 0.2
            progress(done, 100)
        watcher = CellProgress(open_now)
        assert "waiting for the first updates" in shown[-1]
        for step in range(1, 41):
            clock[0] += 0.2
            values = {**NUMBERS, "step": float(step), "epoch": step / 10}
            watcher.on_record(values | ({"ridge_accuracy": 0.431} if step == 5 else {}))
        watcher.on_advice(Advice("rank", "it has <collapsed>."))
        watcher.on_end()
    assert present() is None
    assert [made.startswith("new ") for made in shown] == [True] + [False] * (len(shown) - 1)
    assert len(shown) < 25  # not oftener than twice a second
    assert any("decoding once 50 of 100" in made for made in shown)
    last = shown[-1]
    assert "epoch 4 of 4" in last
    assert "monitor 43.1%" in last  # still known, 35 records later
    assert "it has &lt;collapsed&gt;." in last
    assert "&lt;b&gt;run&lt;/b&gt;" in last
    assert "data      64 images" in last
    assert "<polyline" in last
    assert "decoding" not in last
    assert capsys.readouterr() == ("", "")


def test_a_quiet_run_has_no_cell(shown: list[str], tmp_path: Path) -> None:
    tiny(tmp_path / "run", quiet=True)
    tiny(tmp_path / "run", quiet=False, dry_run=True, overwrite=True)
    assert shown == []


def test_a_run_is_shown_and_nothing_is_printed(
    shown: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tiny(tmp_path / "run", quiet=False)
    assert capsys.readouterr() == ("", "")
    assert [made.startswith("new ") for made in shown].count(True) == 1
    assert "width:100.0%" in shown[-1]
    assert "only 64 images" in shown[-1]
    made = run._repr_html_()
    assert "run: done" in made
    assert "data:image/jpeg;base64," in made
    assert "next      presight.evaluate(" in made
    assert "presight evaluate " not in made


def test_an_interrupt_is_a_run_that_is_not_finished_and_goes_on(
    shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pretraining.test_run import broken, same_weights

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        broken(patch, Interrupted("stopped by SIGINT after update 2."), 3)
        run = tiny(folder, checkpoint_minutes=0.0)
    assert RunFolder(folder).status == run.summary["status"] == "interrupted"
    assert run.summary["updates"] == 2
    assert "2 of 4 updates" in "\n".join(run.lines())
    assert "run: interrupted" in run._repr_html_()
    assert "the same presight.pretrain(...) again" in run._repr_html_()
    assert not run.backbone().training
    assert tiny(folder, checkpoint_minutes=0.0).summary["updates"] == 4
    tiny(tmp_path / "straight")
    assert same_weights(folder, tmp_path / "straight")


def test_an_interrupt_before_anything_is_kept_is_one(
    shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pretraining.test_run import broken

    broken(monkeypatch, Interrupted("stopped."), 1)
    with pytest.raises(Interrupted):
        tiny(tmp_path / "run")


def test_several_processes_are_refused_with_the_line_to_paste(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(method="simclr", out="runs/a b", device="cuda:0,cuda:1")
    line = (
        "torchrun --nproc-per-node 2 -m presight pretrain 'my photos' --out 'runs/a b' "
        "--epochs 3.0 --temperature 0.2"
    )
    with pytest.raises(UsageError, match="a notebook is one process, and 2 were") as caught:
        one_process("my photos", settings, {"epochs": 3.0, "temperature": 0.2})
    assert str(caught.value).endswith(line)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="--nproc-per-node 4"):
        one_process("photos", Settings(), {})


def test_several_gpus_are_told_of_where_one_is_used(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of_several("photos", Settings(), {}) == []
    monkeypatch.setattr(module.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module.torch.cuda, "device_count", lambda: 4)
    (note,) = of_several("photos", Settings(out="runs/a"), {"epochs": 3})
    assert note.startswith("note: 4 GPUs are here, and a notebook uses one.")
    assert note.endswith(
        "torchrun --nproc-per-node 4 -m presight pretrain photos --out runs/a --epochs 3"
    )
    assert of_several("photos", Settings(device="cuda:1"), {}) == []
    assert of_several("photos", Settings(device="cpu"), {}) == []


def test_a_second_run_in_the_same_output_has_its_own_curve(shown: list[str]) -> None:
    with cell("the demo"):
        output = present()
        assert output is not None
        for step in (1.0, 20.0, 40.0, 1.0):
            output.progress({**NUMBERS, "step": step, "epoch": step / 10})
        assert "<polyline" not in output.html()
        with cell("a run of the demo"):
            assert present() is output
    assert present() is None


def test_elsewhere_processes_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    one_process("photos", Settings(), {})
    with pytest.raises(UsageError, match="a process has one device"):
        one_process("photos", Settings(device="cuda:0,1"), {})


def test_flags_are_what_the_command_line_reads() -> None:
    from presight.cli.parse import parse
    from presight.core import options
    from presight.core.options import Owners

    given = {"quiet": True, "track": ("wandb", "mlflow"), "allow_truncated": False, "keep": 5}
    words = flags("photos", given).split()
    known = options.of_dataclass(Settings, "settings")
    found = options.take(known, parse(words[1:], known, Owners("x")), Owners("x"))
    assert found == given


# A real kernel.

Messages = list[dict[str, Any]]


class Notebook:
    """A kernel in a child process, and what a browser would be sent."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, until: Callable[[Messages], bool] | None = None) -> Messages:
        """Run a cell; interrupt it once `until` is true of what it has shown."""
        asked = self.client.execute(code)
        seen: Messages = []
        stopped = False
        while True:
            message = self.client.get_iopub_msg(timeout=90)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return seen
            seen.append({"kind": kind, **content})
            if until is not None and not stopped and until(seen):
                stopped = True
                self.manager.interrupt_kernel()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    pytest.importorskip("ipykernel", reason="no notebook kernel here: pip install presight[dev]")
    client_module = pytest.importorskip("jupyter_client")
    folder = tmp_path_factory.mktemp("kernel")
    names = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: str(folder / name.lower()) for name in names})
    manager = client_module.KernelManager(kernel_name="python3")
    try:
        manager.start_kernel(cwd=str(folder))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield Notebook(manager, client)
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


CALL = """\
import presight
run = presight.pretrain(
    {data!r}, method="rotation", backbone="resnet9:4", batch_size=16, device="cpu",
    precision="fp32", epochs={epochs}, out={out!r},
)
"""


EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


def of_kind(seen: Messages, *kinds: str) -> Messages:
    return [message for message in seen if message["kind"] in kinds]


def test_a_kernel_is_shown_one_output_that_is_written_over(
    kernel: Notebook, tmp_path: Path
) -> None:
    data = photos(tmp_path / "photos", count=64)  # decoded by processes of the kernel's own
    seen = kernel.run(CALL.format(data=str(data), epochs=8, out=str(tmp_path / "run")) + "run")
    assert of_kind(seen, "error", "stream") == []
    (first,) = of_kind(seen, "display_data")
    updates = of_kind(seen, "update_display_data")
    assert updates
    assert {m["transient"]["display_id"] for m in (first, *updates)} == {
        first["transient"]["display_id"]
    }
    assert "epoch 8 of 8" in updates[-1]["data"]["text/html"]
    (result,) = of_kind(seen, "execute_result")
    assert "run: done" in result["data"]["text/html"]
    assert "data:image/jpeg;base64," in result["data"]["text/html"]


def test_a_kernel_that_is_interrupted_keeps_what_it_learned(
    kernel: Notebook, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    def learning(seen: Messages) -> bool:
        return any("loss" in m.get("data", {}).get("text/html", "") for m in seen)

    call = CALL.format(data="scenes:64?size=16", epochs=20000, out=str(folder))
    seen = kernel.run(call + "print(run.summary['status'], run.summary['updates'] > 0)", learning)
    assert of_kind(seen, "error") == []
    assert "".join(m["text"] for m in of_kind(seen, "stream")) == "interrupted True\n"
    assert RunFolder(folder).status == "interrupted"
    assert list((folder / "checkpoints").iterdir())
    seen = kernel.run("run\n")
    (result,) = of_kind(seen, "execute_result")
    assert "run: interrupted" in result["data"]["text/html"]
    seen = kernel.run("run.backbone().dim")
    assert of_kind(seen, "execute_result")[0]["data"]["text/plain"] == "32"


def test_the_example_is_stored_without_its_outputs() -> None:
    cells = json.loads(EXAMPLE.read_text())["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_the_example_runs_as_it_stands(kernel: Notebook, tmp_path: Path) -> None:
    kernel.run(f"import os; os.chdir({str(tmp_path)!r})")
    results = []
    for one in json.loads(EXAMPLE.read_text())["cells"]:
        if one["cell_type"] == "code":
            seen = kernel.run("".join(one["source"]))
            assert of_kind(seen, "error", "stream") == []
            results += [m["data"] for m in of_kind(seen, "execute_result")]
    assert "ridge accuracy" in results[0]["text/html"]
    assert "pretrained" in results[1]["text/html"]
    assert results[2]["text/plain"].startswith("torch.Size([4, ")
    assert (tmp_path / "runs" / "notebook.html").is_file()
