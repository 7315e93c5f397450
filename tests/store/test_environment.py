import getpass
import json
import socket

from presight.store.environment import environment


def test_what_is_written_holds_no_secret(monkeypatch):
    canary = "canary7391"
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "WANDB_API_KEY", "HOME", "PATH"):
        monkeypatch.setenv(name, canary)
    monkeypatch.setenv("OMP_NUM_THREADS", f"/home/{canary}")
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    text = json.dumps(environment({"device": "cpu"}))
    assert canary not in text
    assert f'"{socket.gethostname()}"' not in text
    assert f'"{getpass.getuser()}"' not in text
    assert "/" not in text
    assert environment()["switches"]["MKL_NUM_THREADS"] == "3"


def test_what_changes_a_result_is_written():
    told = environment({"threads": 2})
    assert told["threads"] == 2
    assert told["packages"]["torch"]
    assert told["python"].startswith("3.")
    assert isinstance(told["cpu_flags"], list)
