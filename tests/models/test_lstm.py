"""What reads windows."""

import pytest
import torch

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model

TEXT = DataSpec(task="classification", inputs=((16,),), input_dtypes=("int64",), outputs=65, vocabulary=tuple("abcde"))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_output_is_of_each_directions_last_state(bidirectional: bool) -> None:
    model = create_model("lstm", hidden=8, layers=2, bidirectional=bidirectional).eval()
    x = torch.randn(3, 24, 7)
    steps, _ = model.get_submodule("recurrence")(x)
    ends = torch.cat([steps[:, -1, :8], steps[:, 0, 8:]], dim=1)  # the one that reads backwards ends at the beginning
    torch.testing.assert_close(model(x), model.get_submodule("output")(ends))


def test_reads_text() -> None:
    model = create_model("lstm", spec=TEXT, embedding=6, hidden=8)
    assert model(torch.randint(5, (4, 16))).shape == (4, 65)
    # 5 * 6 + 4 * 8(6 + 8 + 2) + 65(8 + 1)
    assert sum(each.numel() for each in model.parameters()) == 30 + 512 + 585


def test_torchs_fused_layer_has_the_weights_whatever_is_dropped() -> None:
    names = set(create_model("lstm", layers=2).state_dict())
    assert "recurrence.kernel.weight_hh_l1" in names
    assert set(create_model("lstm", layers=2, dropout=0.1, weight_drop=0.5).state_dict()) == names


def test_every_option_together_learns() -> None:
    torch.manual_seed(0)
    model = create_model("lstm", hidden=8, layers=2, bidirectional=True, layer_norm=True, dropout=0.2, weight_drop=0.2)
    x = torch.randn(4, 24, 7)
    assert not torch.equal(model(x), model(x))
    model(x).sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in model.parameters())
    assert torch.equal(model.eval()(x), model(x))


def test_images_are_refused() -> None:
    with pytest.raises(InputError, match="model `lstm`: takes windows of a series"):
        create_model("lstm", input_shape=(1, 8, 8))
