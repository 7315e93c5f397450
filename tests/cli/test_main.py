"""The command line, in process: what it hands to the library, its messages and exit codes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from presight import pretraining
from presight.cli.main import main
from presight.cli.verbs import VERBS
from presight.core.options import MISSING, Option, of_function
from presight.core.ranges import RANGES

PLUGIN = str(Path(__file__).parent / "plugin_methods.py")
TOY = ["--method", "toy-one", "--plugin", PLUGIN]


class Outcome:
    summary = {"loss": 1.5}

    def lines(self) -> list[str]:
        return ["done"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Calls of the library's pretrain, which does nothing here."""
    seen: list[Any] = []

    def pretrain(data: str, *, settings: Any, plan: Any, options: Any) -> Outcome:
        seen.append((data, settings, plan, options))
        return Outcome()

    monkeypatch.setitem(vars(pretraining), "pretrain", pretrain)
    return seen


def refused(argv: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """The one line that the command prints as it is refused."""
    assert main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err.removeprefix("error: ").rstrip("\n")


def test_pretrain_hands_over_what_was_given(calls: list[Any]) -> None:
    argv = ["pretrain", "photos/", *TOY, "--heat", "0.3", "epochs=5", "--out=runs/a", "--sharp"]
    assert main(argv) == 0
    ((data, settings, plan, options),) = calls
    assert data == "photos/"
    assert (settings.method, settings.out, settings.plugin) == ("toy-one", "runs/a", PLUGIN)
    assert plan == {"epochs": 5.0}
    assert options == {"heat": 0.3, "sharp": True}


def test_pretrain_prints_lines_or_json(
    calls: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["pretrain", "photos/", *TOY])
    assert capsys.readouterr().out == "done\n"
    main(["pretrain", "photos/", *TOY, "--json"])
    out = capsys.readouterr().out
    assert json.loads(out) == {"verb": "pretrain", "ok": True, "exit_code": 0, "loss": 1.5}
    assert calls[1][1].json


def test_a_file_gives_defaults_that_flags_override(calls: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "data: photos/\n"
        f"method: {{name: toy-two, heat: 0.3, queue_size: 8}}\nrun: {{plugin: {PLUGIN}}}\n"
        "train: {epochs: 5, lr: 1e-4}\nout: runs/a\n"
    )
    assert main(["pretrain", "--config", str(file), "--epochs", "9", "out=runs/b"]) == 0
    ((data, settings, plan, options),) = calls
    assert (data, settings.method, settings.out) == ("photos/", "toy-two", "runs/b")
    assert plan == {"epochs": 9.0, "lr": 1e-4}
    assert options == {"heat": 0.3, "queue_size": 8}
    assert main(["pretrain", "other/", "--config", str(file)]) == 0
    assert calls[-1][0] == "other/"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("heat: hot\n", "--heat is 'hot'; expected float."),
        ("haet: 1\n", "unknown option --haet for method toy-one. Did you mean --heat"),
        ("train: {heta: 1}\n", "unknown option --heta for method toy-one."),
        ("epochs: no\n", "--epochs is 'no'; expected float."),
        ("epochs: 1\nepochs: 2\n", "line 2: epochs stands twice"),
        ("epochs: &a 1\n", "line 1: anchors"),
        ("layout: 7\n", "layout 7 is unknown"),
        ("- 1\n", "must hold `key: value` lines"),
    ],
)
def test_faults_of_a_file_name_it(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    message = refused(["pretrain", "x", *TOY, "--config", str(file)], capsys)
    assert message.startswith(str(file))
    assert words in message


UNKNOWN = [
    (["pretrian"], 'no verb "pretrian". Nearest: pretrain, predict, report. See: presight --help'),
    (["pretrain", "x", "--method", "mocov2"], 'no method "mocov2". Nearest: moco-v2, moco'),
    (["pretrain", "x", "--method", "SimCLR_"], 'no method "SimCLR_". Nearest: simclr'),
    (["pretrain", "x", "--backbone", "resnet81"], "no backbone 'resnet81'; nearest: resnet18"),
    (["pretrain", "x", "--plugin", "gone.py"], "no plugin file gone.py."),
    (["pretrain", "x", "--config", "gone.yaml"], "cannot read gone.yaml: No such file"),
]
OPTIONS = [
    (
        ["--haet", "1"],
        "unknown option --haet for method toy-one. Did you mean --heat (float, default 0.1)?",
    ),
    (
        ["--method.heat", "1"],
        "unknown option --method.heat for method toy-one. Did you mean --heat (float, default",
    ),
    (["--queue-size", "1"], "toy-two, not toy-one."),
    (["--temperature", "1"], "--temperature belongs to"),
    (["--heat", "abc"], "--heat is 'abc'; expected float."),
    (["--heat"], "--heat needs a value (float): divisor of the logits, above 0;"),
    (["--kind", "sfot"], "--kind is 'sfot'; expected soft or hard."),
    (["--image-size", "big"], "--image-size is 'big'; expected int or auto."),
    (["--optimizer", "sdg"], "--optimizer is 'sdg'; expected sgd, adamw, adam or lars."),
    (["--betas", "0.9"], "--betas is '0.9'; expected float,float."),
    (["--views", "simlcr"], "simlcr"),
    (["y"], 'unexpected "y" for method toy-one: options begin with --.'),
]


@pytest.mark.parametrize(("argv", "words"), UNKNOWN)
def test_unknown_names(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refused(argv, capsys)


@pytest.mark.parametrize(("more", "words"), OPTIONS)
def test_faults_of_options(more: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in refused(["pretrain", "x", *TOY, *more], capsys)


def test_the_published_example_of_a_misspelled_option(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(["pretrain", "x", "--temprature", "0.2"], capsys)
    assert message == (
        "unknown option --temprature for method simclr. "
        "Did you mean --temperature (float, default 0.1)?"
    )


def test_an_extra_that_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = refused(["pretrain", "x", "--backbone", "timm/vit_small"], capsys)
    assert 'pip install "presight[timm]"' in message


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["pretrain", *TOY], "pretrain needs DATA: folder, CSV of paths"),
        (["check"], "check needs DATA: folder"),
        (["evaluate", "--labels", "x"], "evaluate needs RUN: a run folder"),
        (["export"], "export needs RUN: a run folder"),
        (["report"], "report needs a run folder: presight report runs/a"),
    ],
)
def test_what_must_be_given(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(argv, capsys)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["list", "method"], "WHAT is 'method'; expected methods, backbones or recipes."),
        (["export", "runs/a", "--to", "onxn"], "--to is 'onxn'; expected safetensors, torchvision"),
        (["evaluate", "runs/a", "--lables", "x"], "Did you mean --labels (text, default none)?"),
        (["demo", "--minutes", "x"], "--minutes is 'x'; expected float."),
        (["check", "a", "b"], 'unexpected "b" for check'),
    ],
)
def test_faults_of_other_verbs(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(argv, capsys)


NUMBERS = [
    (verb, option)
    for verb in VERBS.keys() - {"pretrain"}
    for option in of_function(VERBS[verb])
    if not option.is_flag
    if option.name in RANGES or {int, float} & {option.annotation, *get_args(option.annotation)}
]


@pytest.mark.parametrize(("verb", "option"), NUMBERS, ids=[f"{v}-{o.name}" for v, o in NUMBERS])
def test_numbers_of_verbs_are_out_of_range_before_anything_is_read(
    verb: str, option: Option, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    known = of_function(VERBS[verb])
    given = [str(tmp_path / o.name) for o in known if o.positional]
    for one in known:
        if one.default is MISSING and not one.positional:
            given += [one.flag, str(tmp_path / one.name)]
    words = refused([verb, *given, option.flag, "-1"], capsys)
    assert re.match(rf"{option.flag}( is)? -1(\.0)?[:;] expected", words)


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_a_page(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: presight {verb}")


def test_a_methods_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", *TOY, "--help"]) == 0
    out = capsys.readouterr().out
    assert "method toy-one: Toy One (contrastive)" in out
    assert "--heat" in out
    assert "--epochs" in out
    assert "--image-size" in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("presight ")


def test_list_takes_a_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "methods", "TOY TWO", "--plugin", PLUGIN]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["method", "toy-two"]
    assert main(["list", "methods", "--plugin", PLUGIN, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {"toy-one", "toy-two"} <= {row["method"] for row in record["methods"]}


def child(argv: list[str], code: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in a pipe."""
    text = code or "import sys; from presight.cli.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", text, *argv],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


HEAVY = ("torch", "numpy", "PIL", "sklearn", "tyro", "rich", "cv2", "matplotlib")
CHECKED = f"""
import sys
from presight.cli.main import main
code = main(sys.argv[1:])
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--help"], 0),
        (["list", "methods"], 0),
        (["list", "backbones"], 0),
        (["evaluate", "--help"], 0),
        (["nope"], 2),
        (["pretrain", "x", "--method", "mocov3"], 2),
        (["pretrain", "x", "--backbone", "resnet81"], 2),
        (["evaluate", "x", "--label", "y"], 2),
    ],
)
def test_help_and_errors_in_names_import_nothing_heavy(argv: list[str], code: int) -> None:
    done = child(argv, CHECKED)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    ["--help", "list methods", "nope", "pretrain x --method moco3", "pretrain x --backbone res"],
)
def test_half_a_second_of_cpu_is_enough(line: str) -> None:
    spent = []
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        child(line.split())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(spent) <= 0.5


def test_a_pipe_gets_no_control_characters() -> None:
    done = child(["pretrain", "x", "--method", "a\x1b[31mb\rc"])
    assert done.returncode == 2
    assert "\\x1b[31mb\\rc" in done.stderr
    assert not set("\x1b\r") & set(done.stdout + done.stderr)


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    command = [sys.executable, "-m", "presight", "list", "backbones"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "presight", "nope"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('error: no verb "nope".')
