import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.integrations.attending import Unhealthy
from tests.integrations.loops import plain
from tests.integrations.programs import FAULTS, HEALTHY
from tests.test_import import loaded_after

pytest_plugins = ["pytester"]

PROGRAM = """
import torch

def train(rate, steps=40):
    torch.manual_seed(0)
    x = torch.randn(64, 5)
    y = (x[:, 0] > 0).long()
    net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    sgd = torch.optim.SGD(net.parameters(), rate)
    for _ in range(steps):
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        sgd.step()
    return net

def test_healthy(assert_healthy):
    assert isinstance(assert_healthy(train, 0.5), torch.nn.Module)

def test_faulty(assert_healthy):
    assert_healthy(train, 500.0, steps=30)
"""


def test_a_suite_fails_with_what_was_found(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROGRAM)
    known = bool(entry_points(group="pytest11", name="gradus"))
    done = pytester.runpytest_subprocess(*[] if known else ["-p", "gradus.integrations.pytest_plugin"])
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*Unhealthy: training is not healthy", "*gradus*learning-rate-too-high*"])


def test_the_plugin_loads_no_torch() -> None:
    assert loaded_after("import gradus.integrations.pytest_plugin").isdisjoint({"torch", "numpy"})


def test_a_suite_without_torch_stays_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'torch' not in sys.modules")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "gradus.integrations.pytest_plugin"]
        if not entry_points(group="pytest11", name="gradus")
        else [sys.executable, "-m", "pytest", "-q"],
        cwd=pytester.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


# ---- the function ---------------------------------------------------------------------------------------------------


def test_passes_arguments_and_results() -> None:
    done = gradus.assert_healthy(plain, HEALTHY[0], watched=False)
    assert set(done.weights) == set(HEALTHY[0].model().state_dict())


def test_names_the_cause() -> None:
    with pytest.raises(Unhealthy, match=r"likely cause: unscaled-inputs") as raised:
        gradus.assert_healthy(plain, FAULTS[5], watched=False)
    assert raised.value.causes[0].id == "unscaled-inputs"


@pytest.mark.parametrize("how", ["silence", "allow"])
def test_what_is_known_may_be_allowed(how: str) -> None:
    program = FAULTS[2]
    with pytest.raises(Unhealthy):
        gradus.assert_healthy(plain, program, watched=False)
    given: Any = {how: ["softmax-twice"]}
    gradus.assert_healthy(plain, program, watched=False, **given)


def test_only_what_is_grave_counts() -> None:
    gradus.assert_healthy(plain, FAULTS[1], watched=False, fail_on="critical")


def test_watches_the_models_it_is_given() -> None:
    program = FAULTS[2]
    bystander, model = HEALTHY[0].model(), program.model()

    def train() -> None:
        adam = program.optimizer(model)
        for batch in program.loaders()[0]:
            adam.zero_grad()
            model(**batch)["loss"].backward()
            adam.step()

    with pytest.raises(Unhealthy):
        gradus.assert_healthy(train, models=[model])
    with pytest.raises(AssertionError, match="train trained nothing: there was no backward pass of `models`"):
        gradus.assert_healthy(train, models=[bystander])


def test_an_error_of_the_programs_is_its_own() -> None:
    def train() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        gradus.assert_healthy(train)


def test_refuses_ids_that_name_nothing() -> None:
    with pytest.raises(InputError, match="no rule has this id"):
        gradus.assert_healthy(plain, HEALTHY[0], silence=["softmax"])
    with pytest.raises(InputError, match="no rule has this id"):
        gradus.assert_healthy(plain, HEALTHY[0], allow=["softmax"])
