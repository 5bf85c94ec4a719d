import pytest
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.nn.blocks.highway import Highway


@pytest.mark.parametrize(("depth", "layers"), [(8, [1, 1, 1]), (11, [2, 2, 2]), (19, [4, 5, 5]), (32, [9, 9, 9])])
def test_depth_counts_every_layer_with_weights(depth: int, layers: list[int]) -> None:
    model = create_model("highway19", depth=depth)
    stages = [[each for each in stage.modules() if isinstance(each, Highway)] for stage in model.children()]
    assert [len(stage) for stage in stages if stage] == layers
    weights = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    assert len(weights) - sum(layers) == depth


def test_gates_begin_at_their_bias() -> None:
    weights = create_model("highway19", gate_bias=-3.0).state_dict()
    first = {name: each.unique().tolist() for name, each in weights.items() if name.endswith("bias")}
    assert [each for name, each in first.items() if name.endswith("gate.bias")] == [[-3.0]] * 14
    assert [each for name, each in first.items() if name.endswith("layer.bias")] == [[0.0]] * 14


def test_dropout_comes_before_every_stage_and_the_output() -> None:
    rates = [each.p for each in create_model("highway19", dropout=0.3).modules() if isinstance(each, nn.Dropout)]
    assert rates == [0.3] * 4
    assert not any(isinstance(each, nn.Dropout) for each in create_model("highway19", dropout=0.0).modules())


def test_the_larger_of_every_2_by_2_numbers_is_kept() -> None:
    pools = [name for name, each in create_model("highway19").named_modules() if isinstance(each, nn.MaxPool2d)]
    assert pools == ["stage2.pool", "stage3.pool"]


def test_other_data_and_options_are_refused() -> None:
    with pytest.raises(InputError, match="model `highway19`: takes images of at least 4 x 4"):
        create_model("highway19", input_shape=(3, 3, 8))
    with pytest.raises(InputError, match="model `highway19`: `depth`"):
        create_model("highway19", depth=7)
    with pytest.raises(InputError, match="model `highway19`: `gate_bias`"):
        create_model("highway19", gate_bias=1.0)
