"""Two processes that meet: what the first one sees of the other, and that training is not changed by it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.processes import ENVIRONMENT

PROGRAM = """
import json, sys, time
import torch
from torch import distributed, multiprocessing, nn
import gradus

def work(rank, place, what):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
    torch.manual_seed(0 if what != "own start" else rank)
    inner = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    if what in ("ddp", "changed", "slow", "slow now and then", "unwatched"):
        net = nn.parallel.DistributedDataParallel(inner)
    else:
        net = inner
    sgd = torch.optim.SGD(net.parameters(), lr=0.05)
    doctor = None if what == "unwatched" else gradus.watch(net, sgd, quiet=True)
    torch.manual_seed(100 + rank)
    for step in range(72):
        if what == "slow":
            time.sleep(0.03 if rank == 1 else 0.005)
        elif what == "slow now and then":
            time.sleep(0.03 if (step // 8) % 2 == rank else 0.005)
        else:
            time.sleep(0.002)
        x = torch.randn(16, 8)
        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
        sgd.zero_grad()
        loss.backward()
        if what == "own start":
            for each in net.parameters():
                distributed.all_reduce(each.grad)
                each.grad /= 2
        sgd.step()
        if what == "averaged now and then" and step % 5 == 4:
            for each in net.parameters():
                distributed.all_reduce(each.data)
                each.data /= 2
        if what == "changed" and rank == 1 and step == 9:
            with torch.no_grad():
                inner[0].weight.mul_(1.01)
    distributed.barrier()
    if doctor is not None:
        doctor.close()
    if rank == 0:
        found = [] if doctor is None else [each.to_json() for each in doctor.findings]
        errors = [] if doctor is None else [each for each in doctor.history.events if each["kind"] == "error"]
        weights = [each.tolist() for each in net.parameters()]
        causes = [] if doctor is None else [each.id for each in doctor.causes]
        meetings = 0 if doctor is None else len(doctor.history.ranks)
        print(json.dumps([found, errors, weights, causes, meetings]))
    distributed.destroy_process_group()

if __name__ == "__main__":
    multiprocessing.spawn(work, sys.argv[1:], nprocs=2)
"""


def _run(folder: Path, what: str) -> Any:
    script = folder / "two.py"
    script.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, str(script), str(folder / f"meeting {what}"), what]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_replicas_stay_alike_and_are_not_changed(tmp_path: Path) -> None:
    found, errors, weights, _, meetings = _run(tmp_path, "ddp")
    # On a machine with other work to do one of the two may well keep the other waiting.
    assert ({each["symptom"] for each in found} <= {"straggler"}, errors) == (True, [])
    assert meetings >= 7
    assert weights == _run(tmp_path, "unwatched")[2]


@pytest.mark.parametrize("what", ["changed", "own start"])
def test_a_process_with_other_weights_is_found(tmp_path: Path, what: str) -> None:
    found, errors, _, causes, _ = _run(tmp_path, what)
    assert errors == []
    assert causes[:1] == ["desynchronised-rank"]
    (finding,) = (each for each in found if each["symptom"] == "desynchronised-rank")
    assert finding["evidence"]["rank"] == 1
    assert finding["since_step"] == 16


def test_a_process_that_keeps_others_waiting_is_found(tmp_path: Path) -> None:
    found, errors, _, causes, _ = _run(tmp_path, "slow")
    assert errors == []
    assert causes == ["straggler"]
    assert found[0]["evidence"]["rank"] == 1
    assert found[0]["evidence"]["ratio"] > 2


@pytest.mark.parametrize("what", ["averaged now and then", "slow now and then"])
def test_processes_may_differ_on_purpose(tmp_path: Path, what: str) -> None:
    found, errors, *_ = _run(tmp_path, what)
    assert (found, errors) == ([], [])
