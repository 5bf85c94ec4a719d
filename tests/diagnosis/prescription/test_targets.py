"""Targets in large units, in arrays and in batches."""

from tests.diagnosis.prescription.changing import changes, first_change


def program(loop: str = "for x, y in loader", target: str = "y", evaluation: str = "") -> str:
    return f"""
import torch
from torch import nn

loader = torch.utils.data.DataLoader(Flats(), batch_size=8)
model = nn.Linear(5, 1)
{evaluation}
def train(model):
    for epoch in range(9):
        {loop}:
            loss = nn.functional.mse_loss(model(x), {target})
            loss.backward()
"""


EVALUATION = """
@torch.no_grad()
def evaluate(net, x, y):
    error = (net(x) - y).abs().mean()
    return error
"""


class TestFiguresOfBatches:
    def test_are_kept_by_the_model_for_other_functions(self) -> None:
        source = program(evaluation=EVALUATION + "evaluate(model, *held_out)")
        assert first_change(source, "scale-targets") == [
            "- error = (net(x) - y).abs().mean()",
            "+ error = ((net(x) * net.target_std + net.target_mean) - y).abs().mean()",
            "+ targets = torch.cat([y for x, y in loader])",
            "+ model.target_mean, model.target_std = targets.mean(), targets.std()",
            "- loss = nn.functional.mse_loss(model(x), y)",
            "+ loss = nn.functional.mse_loss(model(x), (y - model.target_mean) / model.target_std)",
        ]

    def test_of_dicts(self) -> None:
        source = program("for batch in loader", 'batch["price"]', EVALUATION + "evaluate(model, *held_out)")
        assert '+ targets = torch.cat([batch["price"] for batch in loader])' in first_change(
            source.replace("model(x)", 'model(batch["x"])'), "scale-targets"
        )

    def test_without_a_held_out_pass_nothing_is_known_to_scale_back(self) -> None:
        assert changes(program(), "scale-targets") == []
