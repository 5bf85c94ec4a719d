"""The inspector on what people write: kinds of inputs, of models and of tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gradus.analysis.inspect import Inspection, inspect
from tests.analysis.test_inspect import kept_by_autograd

X = torch.zeros(3, 4)
LINEAR = 3 * 4 * 4


class Around(nn.Module):
    """A function of a layer of 4 x 4 and of what comes in."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(4, 4), function

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.function(self.layer, *inputs, **named)


@dataclass
class Pair:
    left: Tensor
    right: Tensor


@pytest.mark.parametrize(
    ("function", "inputs", "named"),
    [
        (lambda layer, x, *, scale: layer(x) * scale, (X,), {"scale": torch.ones(4)}),
        (lambda layer, given: {"out": [layer(given["x"][0])]}, ({"x": (X, 2)},), {}),
        (lambda layer, given: layer(given.left), (Pair(X, X),), {}),
        (lambda layer, x: Pair(layer(x), x).left, (X,), {}),
        (lambda layer, *, pairs: (layer(pairs[0].right), None, "text"), (), {"pairs": [Pair(X, X)]}),
        (lambda layer, x, mask=None: layer(x) if mask is None else x, (X,), {"mask": None}),
    ],
)
def test_inputs_and_outputs_in_any_structure(
    function: Callable[..., Any], inputs: tuple[Any, ...], named: dict[str, Any]
) -> None:
    found = inspect(Around(function), *inputs, **named)
    assert (found.macs, found.unresolved) == (LINEAR, [])
    assert (3, 4) in found.layers[0].inputs
    assert (found.layers[0].outputs, found.layers[1].outputs) == (((3, 4),),) * 2


TABLE, NUMBERS = torch.ones(5000, 4), torch.tensor([0, 2])


@pytest.mark.parametrize(
    "function",
    [
        lambda layer, x: layer(x) + TABLE[NUMBERS].sum(0),  # tensors that are no buffers
        lambda layer, x: layer(x + torch.arange(4) + torch.zeros(4, device=x.device)),  # made on the way
        lambda layer, x: layer(x) if NUMBERS.sum() == 2 and torch.tensor(0.5) < 1 else x,  # known beforehand
        lambda layer, x: torch.vmap(layer)(x),
        lambda layer, x: layer.train().eval()(x),
        lambda layer, x: layer(torch.view_as_real(torch.view_as_complex(x.unflatten(1, (2, 2)))).flatten(1)),
    ],
)
def test_tensors_from_anywhere(function: Callable[..., Any]) -> None:
    found = inspect(Around(function), X)
    assert (found.macs, found.uncounted, found.unresolved) == (LINEAR, {}, [])


def test_tables_that_are_no_buffers_take_no_memory_either() -> None:
    model = Around(lambda layer, x: layer(x) + (TABLE.expand(2**28, 5000, 4) * 2).sum((0, 1)))  # 20 TiB
    assert inspect(model, X).unresolved == []


@pytest.mark.parametrize(
    ("function", "kept"),
    [
        (lambda layer, x: checkpoint(nn.Sequential(layer, nn.ReLU()), x, use_reentrant=False), X.nbytes),
        (lambda layer, x: checkpoint(nn.Sequential(layer, nn.ReLU()), x, use_reentrant=True), 0),
        (lambda layer, x: torch.no_grad()(layer)(x), 0),
        (lambda layer, x: torch.inference_mode()(layer)(x), 0),
        (lambda layer, x: torch.autocast("cpu", torch.bfloat16)(layer)(x), X.nbytes // 2),
    ],
)
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad=True")
def test_what_is_kept_where_a_model_says_how(function: Callable[..., Any], kept: int) -> None:
    found = inspect(Around(function), X)
    assert (found.macs, found.saved_bytes, found.unresolved) == (LINEAR, kept, [])
    assert kept_by_autograd(Around(function), X) == kept


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_shapes_become_inputs_of_the_parameters_type(dtype: torch.dtype, device: str) -> None:
    found = inspect(Around(lambda layer, x: layer(x)).to(device, dtype), (4,))
    assert (found.macs, found.saved_bytes) == (16, 4 * dtype.itemsize)
    assert found.cost.written == 4 * dtype.itemsize


def same(model: Any, *inputs: Any) -> Inspection:
    found = inspect(model, *inputs)
    assert found == inspect(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), *inputs)
    return found


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, lambda model: model])
def test_wrapped_models_are_what_they_wrap(wrap: Callable[[nn.Module], Any]) -> None:
    same(wrap(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))), X)


def test_lazy_models_are_what_they_become_and_stay_lazy() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    same(model, X)
    same(model, (4,))
    assert [type(each) for each in model] == [nn.LazyLinear, nn.LazyBatchNorm1d]
    assert all(isinstance(each, nn.parameter.UninitializedParameter) for each in model.parameters())


def test_batch_norm_of_a_batch_of_one_refuses_only_training() -> None:
    found = inspect(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), (4,))
    assert (found.macs, found.saved_bytes, found.unresolved) == (16, None, [])


def test_branches_that_are_drawn_are_followed_as_in_evaluation() -> None:
    model = Around(lambda layer, x: x if layer.training and torch.rand(()) < 0.5 else x + layer(x))
    found = inspect(model, X)
    assert (found.macs, found.unresolved, found.saved_bytes) == (LINEAR, [], None)


class Experts(nn.Module):
    """Each example goes to the expert that a gate prefers (Fedus et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(4, 3), nn.ModuleList(nn.Linear(4, 5) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        choice = self.gate(x).argmax(-1)
        out = torch.zeros(len(x), 5)
        for number, expert in enumerate(self.experts):
            mine = (choice == number).nonzero().flatten()
            out.index_add_(0, mine, expert(x[mine]))
        return out


def test_routing_depends_on_numbers() -> None:
    model, x = Experts(), torch.randn(16, 4)
    found = inspect(model, x)
    assert (found.macs, found.ran) == (16 * 4 * 3, False)
    assert found.unresolved == ["the model: aten.nonzero.default depends on numbers, not on shapes"]
    found = inspect(model, x, run=True)
    assert (found.macs, found.ran) == (16 * 4 * 3 + 16 * 4 * 5, True)
    assert (found.uncounted, found.unresolved) == ({}, [])
    assert found.saved_bytes == kept_by_autograd(model, x)
    assert sum(shape[0] for each in found.layers if each.name.startswith("experts") for shape in each.inputs) == 16


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.ao.quantization is deprecated")
def test_quantized_layers_are_named() -> None:
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), {nn.Linear})
    found = inspect(model, X)
    assert (found.macs, found.uncounted) == (0, {"quantized::linear_dynamic": 1})
    assert found.layers[1].outputs == ((3, 4),)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_whole_numbers_and_truth_values(dtype: torch.dtype) -> None:
    found = inspect(nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 4)), torch.zeros(2, 3, dtype=dtype))
    assert (found.macs, found.saved_bytes) == (2 * 3 * 4 * 4, 6 * dtype.itemsize + 2 * 3 * 4 * 4)
    assert inspect(Around(lambda layer, x: layer(x.float())), torch.zeros(3, 4, dtype=torch.bool)).macs == LINEAR
