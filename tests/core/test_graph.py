"""How a forward pass is followed: on stand-ins, on the meta device, and for real where that is allowed."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.graph import Trace, settled, trace


def _only_elsewhere(x: Tensor) -> Tensor:
    raise RuntimeError("only on another device")


LIBRARY = torch.library.Library("gradus_tests", "DEF")
LIBRARY.define("numbers_only(Tensor x) -> Tensor")
LIBRARY.impl("numbers_only", torch.neg, "CPU")
LIBRARY.define("picky(Tensor x) -> Tensor")
LIBRARY.impl("picky", torch.neg, "CPU")
LIBRARY.impl("picky", _only_elsewhere, "Meta")
LIBRARY.define("as_many_as_it_takes(Tensor x) -> Tensor", tags=torch.Tag.dynamic_output_shape)
LIBRARY.impl("as_many_as_it_takes", torch.neg, "CPU")
LIBRARY.impl("as_many_as_it_takes", torch.empty_like, "Meta")


@torch.library.custom_op("gradus_tests::through_numpy", mutates_args=())
def through_numpy(x: Tensor) -> Tensor:
    return torch.from_numpy(-x.numpy())


class Between(nn.Module):
    """A function between two layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.function(self.first(x)))
        return y


def products(seen: Trace) -> int:
    return sum(each.name == "aten::addmm" for each in seen.operations)


WANTS_NUMBERS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "no shapes": (torch.ops.gradus_tests.numbers_only, "gradus_tests.numbers_only.default does not say what shapes"),
    "no shapes, in Python": (through_numpy, "There was no fake impl registered for <CustomOpDef"),
    "numpy": (lambda x: torch.from_numpy(x.detach().numpy()), ".numpy() is not supported"),
    "a condition": (lambda x: -x if x.sum() > 0 else x, "aten._local_scalar_dense.default depends on numbers"),
    "a list": (lambda x: torch.tensor(x.tolist()), "aten._local_scalar_dense.default depends on numbers"),
    "a choice": (lambda x: x[x.sum(1).abs() >= 0], "aten.nonzero.default depends on numbers"),
    "a number in text": (lambda x: x + len(f"{x.sum():.1f}"), "unsupported format string"),
}


@pytest.mark.parametrize("case", WANTS_NUMBERS)
def test_what_shapes_do_not_tell_is_said_or_run(case: str) -> None:
    function, reason = WANTS_NUMBERS[case]
    model, x = Between(function), torch.randn(3, 4)
    seen = trace(model, (x,))
    assert (products(seen), seen.ran) == (1, False)
    assert seen.unresolved.startswith("the model: ")
    assert reason in seen.unresolved
    seen = trace(model, (x,), run=True)
    assert (products(seen), seen.ran, seen.unresolved) == (2, True, "")
    assert seen.calls[0].outputs[0].shape == (3, 4)


def test_an_operation_may_have_shapes_for_the_meta_device_only() -> None:
    offset = torch.ones(4)  # not on that device
    model = Between(lambda x: torch.ops.gradus_tests.as_many_as_it_takes(x + offset) + torch.zeros(4))
    seen = trace(model, (torch.randn(3, 4),))
    assert (products(seen), seen.unresolved, seen.ran) == (2, "", False)


def test_what_shapes_tell_is_never_run() -> None:
    assert not trace(Between(torch.relu), (torch.randn(3, 4),), run=True).ran
    assert trace(Between(torch.relu), (torch.empty(3, 4, device="meta"),), run=True).unresolved == ""


class Disturbed(nn.Module):
    """Changes everything that it can reach, and asks for a number."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.steps, self.table = torch.tensor(0), torch.zeros(4)
        self.cache: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        self.steps += 1
        self.table.add_(1)
        self.linear.weight.data.mul_(0.5)
        x.add_(random.random())
        y: Tensor = self.norm(self.linear(x)) + torch.rand(4)
        self.cache["y"] = self.last = y
        return y if y.sum() > 0 else -y


@pytest.mark.parametrize("run", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_left_in_the_model_its_inputs_or_the_random_numbers(training: bool, run: bool) -> None:
    model, x = Disturbed(), torch.randn(3, 4)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    given, states = x.clone(), (torch.get_rng_state(), random.getstate())
    seen = trace(model, (x,), training=training, run=run)
    assert (bool(seen.unresolved), seen.ran) == (not run, run)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())
    assert torch.equal(x, given)
    assert (int(model.steps), model.table.tolist(), model.cache) == (0, [0.0] * 4, {})
    assert not hasattr(model, "last")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]


def test_plain_tensors_are_not_changed_on_the_meta_device_either() -> None:
    table = torch.zeros(4)
    model = Between(lambda x: torch.ops.gradus_tests.as_many_as_it_takes(x) + table.add_(1))
    assert not trace(model, (torch.randn(3, 4),)).unresolved
    assert table.tolist() == [0.0] * 4


def test_a_real_run_keeps_for_the_backward_pass_what_shapes_say() -> None:
    def bytes_kept(function: Callable[[Tensor], Tensor], *, run: bool) -> int:
        seen = trace(Between(function), (torch.randn(3, 4),), training=True, run=run)
        assert seen.ran is run
        return sum(each.storage_bytes for each in seen.saved if each.storage not in seen.state)

    assert bytes_kept(lambda x: x.tanh() if x.sum() > 9 else x.sigmoid(), run=True) == bytes_kept(torch.tanh, run=False)


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (Between(through_numpy), torch.empty(3, 4, device="meta")),
        (Between(through_numpy).to("meta"), torch.randn(3, 4)),
    ],
)
def test_without_numbers_nothing_can_be_run(model: nn.Module, x: Tensor) -> None:
    with pytest.raises(InputError, match=r"^run: needs numbers in the inputs and in the model\. Give example tensors"):
        trace(model, (x,), run=True)


@pytest.mark.parametrize("x", [torch.randn(3, 5), torch.empty(3, 5, device="meta")])
def test_shapes_that_do_not_fit_are_said_first(x: Tensor) -> None:
    with pytest.raises(
        InputError, match=r"^first \(Linear\): cannot run given \(3, 5\): .*(cannot be multiplied|same reduction)"
    ):
        trace(Between(through_numpy), (x,), run=True)


def test_what_stand_ins_refuse_may_really_run() -> None:
    model = Between(torch.ops.gradus_tests.picky)
    with pytest.raises(InputError, match="only on another device"):
        trace(model, (torch.randn(3, 4),))
    assert trace(model, (torch.randn(3, 4),), run=True).ran


class Converts(nn.Module):
    """As routers of experts do, it computes in a type of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer.to(torch.float64)(x.double())
        return y


def test_parameters_that_a_pass_converts_are_as_before() -> None:
    model = Converts()
    weight = model.layer.weight
    seen = trace(model, (torch.randn(3, 4),))
    assert (products(seen), seen.unresolved) == (1, "")
    assert seen.calls[0].outputs[0].dtype == torch.float64
    assert model.layer.weight is weight
    assert weight.dtype == torch.float32


def test_what_fails_for_real_is_said_with_its_place() -> None:
    with pytest.raises(InputError, match=r"^second \(Linear\): cannot run given \(3, 2\): mat1 and mat2 shapes"):
        trace(Between(lambda x: through_numpy(x)[:, :2]), (torch.randn(3, 4),), run=True)


def test_a_model_on_no_device_is_taken_to_be_where_its_inputs_are() -> None:
    offset = torch.zeros(4, device="meta")
    model = Between(lambda x: x + offset + torch.zeros(4, device=offset.device) + torch.zeros(4)).to("meta")
    for device in ("cpu", "meta"):
        seen = trace(model, (torch.empty(3, 4, device=device),))
        assert (products(seen), seen.unresolved) == (2, "")


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, lambda model: torch.compile(nn.DataParallel(model))])
def test_what_torch_wraps_around_a_model_is_left_out(wrap: Callable[[nn.Module], nn.Module]) -> None:
    model = Between(torch.relu)
    assert settled(wrap(model), ()) is model
    assert [each.place for each in trace(wrap(model), (torch.randn(3, 4),)).calls] == ["", "first", "second"]


def test_compiled_parts_are_seen_as_they_are_written() -> None:
    first, second = nn.Linear(4, 4), Between(torch.compile(torch.relu))
    first.compile()
    compiled: Any = torch.compile(second)
    assert products(trace(nn.Sequential(first, compiled), (torch.randn(3, 4),))) == 3


def test_scripted_models_are_refused() -> None:
    scripted = torch.jit.script(nn.Linear(4, 4))
    with pytest.raises(InputError, match=r"^model: must not be scripted\. Give what it was scripted from\.$"):
        trace(scripted, (torch.randn(3, 4),))
    with pytest.raises(InputError, match=r"^1: must not be scripted"):
        trace(nn.Sequential(nn.ReLU(), scripted), (torch.randn(3, 4),))


def lazy() -> nn.Sequential:
    return nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConvTranspose2d(2, 2), nn.Flatten(),
        nn.LazyLinear(3), nn.Linear(3, 2),
    )  # fmt: skip


def test_lazy_parameters_get_sizes_in_a_copy() -> None:
    model, x = lazy(), torch.randn(2, 3, 8, 8)
    copied = settled(model, (x,))
    assert model.state_dict().keys() != {}
    assert all(isinstance(each, nn.parameter.UninitializedParameter) for each in (model[0].weight, model[5].weight))
    assert type(model[0]) is nn.LazyConv2d
    model(x)
    assert [tuple(each.shape) for each in copied.parameters()] == [tuple(each.shape) for each in model.parameters()]
    assert [tuple(each.shape) for each in copied.buffers()] == [tuple(each.shape) for each in model.buffers()]
    assert all(each.is_meta for each in copied.parameters())


def test_lazy_parameters_that_get_no_size() -> None:
    model = Between(torch.relu)
    model.never = nn.LazyLinear(2)
    with pytest.raises(InputError, match=r"^never\.weight: is lazy, and these inputs give it no size\. Call the model"):
        trace(model, (torch.randn(3, 4),))
    with pytest.raises(InputError, match=r"^0 \(LazyConv2d\): cannot run given \(3,\): "):
        trace(lazy(), (torch.randn(3),))


def test_operations_within_inference_mode_are_those_within_no_grad() -> None:
    model = Between(torch.relu)
    with torch.inference_mode():
        inside = [each.name for each in trace(model, (torch.randn(3, 4),)).operations]
    assert inside == [each.name for each in trace(model, (torch.randn(3, 4),)).operations]


def test_higher_order_operations_are_not_seen_into() -> None:
    model = Between(lambda x: torch.cond(x.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (x,)))
    for run in (False, True):
        assert (
            trace(model, (torch.randn(3, 4),), run=run).unresolved == "the model: what is done within cond is not seen"
        )


def test_operations_that_want_one_type_are_held_to_it() -> None:
    with pytest.raises(InputError, match=r"^first \(Linear\): cannot run given \(3, 4\): aten.addmm.default wants one"):
        trace(Between(torch.relu).half(), (torch.randn(3, 4),))


def test_what_a_forward_pass_raises_itself_is_said() -> None:
    def refuse(x: Tensor) -> Tensor:
        raise KeyError("labels")

    with pytest.raises(InputError, match=r"^Between \(Between\): cannot run given \(3, 4\): 'labels'$"):
        trace(Between(refuse), (torch.randn(3, 4),))
