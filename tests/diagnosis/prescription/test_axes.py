"""The axis of examples is left alone."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Examination, LossSigns
from tests.diagnosis.prescription.changing import changes
from tests.diagnosis.prescription.programs import seen


def module(begin: str, forward: str) -> str:
    return f"""
import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {begin}
    def forward(self, x):
        {forward}
"""


class TestBatchAxis:
    @pytest.mark.parametrize(
        ("begin", "forward", "expected"),
        [
            ("self.rnn = nn.GRU(3, 8)", "return self.rnn(x)[0][:, -1]", "nn.GRU(3, 8, batch_first=True)"),
            ("pass", "return torch.softmax(x, dim=0)", "torch.softmax(x, dim=-1)"),
            ("pass", "return x.softmax(0)", "x.softmax(-1)"),
            ("pass", "return x - x.mean(0)", "x - x.mean(1, keepdim=True)"),
            ("pass", "return x / x.norm(dim=0)", "x / x.norm(dim=1, keepdim=True)"),
            ("pass", "return self.fc(x.flatten())", "self.fc(x.flatten(1))"),
            ("pass", "return self.fc(x.view(-1, 64))", "self.fc(x.view(len(x), -1))"),
            ("pass", "return self.fc(torch.flatten(x))", "self.fc(torch.flatten(x, 1))"),
            (
                "pass",
                "x = x.reshape(x.size(1), x.size(0), -1)",
                "x = x.reshape(x.size(0), x.size(1), -1).transpose(0, 1)",
            ),
            ("pass", "b, t, n = x.shape; x = x.view(t, b, n)", "; x = x.transpose(0, 1)"),
            ("pass", "b, t = x.size()[:2]; x = x.view((t, b, 8))", "; x = x.transpose(0, 1)"),
            ("pass", "b = len(x); t = x.shape[1]; x = torch.reshape(x, (t, b, 8))", "; x = x.transpose(0, 1)"),
            (
                "self.rnn = nn.LSTM(8, 8)",
                "b, t = x.shape[:2]; h = self.cnn(x.flatten(0, 1)); return self.rnn(h.view(t, b, -1))[0]",
                "self.rnn(h.reshape(b, t, -1).transpose(0, 1))[0]",
            ),
            ("pass", "x = x.reshape(4, -1, 48)", "x = x.reshape(-1, 4, 48).transpose(0, 1)"),
            (
                "self.layers = 2",
                "h = self.start(x).view(self.layers, len(x), 8)",
                "h = self.start(x).reshape(len(x), self.layers, 8).transpose(0, 1)",
            ),
            (
                "self.rnn = nn.GRU(3, 8)",
                "t = 5; return self.rnn(self.cnn(x).view(t, x.size(0), -1))[0]",
                "self.rnn(self.cnn(x).reshape(x.size(0), t, -1).transpose(0, 1))[0]",
            ),
            ("self.rnn = nn.LSTM(3, 8)", "x = x.view(x.size(1), x.size(0), 3)", "x = x.transpose(0, 1)"),
            ("pass", "w = x.softmax(0); return (w * x).sum(1)", "w = x.softmax(1)"),
            ("pass", "m = x.mean(0); return x - m, x.std(0)", "m = x.mean(1); return x - m, x.std(1)"),
            ("pass", "return self.fc(x.transpose(0, 1))", "return self.fc(x)"),
            ("pass", "return self.fc(x.repeat(n, 1))", "self.fc(x.repeat_interleave(n, dim=0))"),
            ("pass", "return self.fc(torch.tile(x, (n, 1, 1)))", "self.fc(x.repeat_interleave(n, dim=0))"),
            ("self.bn = nn.BatchNorm1d(3, track_running_stats=False)", "return x", "self.bn = nn.BatchNorm1d(3)"),
        ],
    )
    def test_is_left_alone(self, begin: str, forward: str, expected: str) -> None:
        assert expected in changes(module(begin, forward), "keep-batch-axis", seen())[0]

    @pytest.mark.parametrize(
        ("joined", "expected"),
        [
            ("torch.stack(parts)", "torch.stack(parts, dim=1)"),
            ("torch.stack(parts, 0)", "torch.stack(parts, 1)"),
            ("torch.cat(parts, dim=0)", "torch.cat(parts, dim=1)"),
        ],
    )
    @pytest.mark.parametrize(
        "forward",
        [
            "h = {}; return self.fc(h.reshape(len(x), -1))",
            "return self.fc(torch.relu({}).contiguous().view(-1, 48))",
            "return self.fc(torch.reshape({}, (len(x), 48)))",
        ],
    )
    def test_parts_of_an_example_lie_beside_each_other(self, joined: str, expected: str, forward: str) -> None:
        source = module("parts = 0", forward.format(joined))
        assert changes(source, "keep-batch-axis", seen())[0] == source.replace(joined, expected)

    @pytest.mark.parametrize(
        "forward",
        [
            "return self.fc(torch.stack(parts, dim=1).reshape(len(x), -1))",
            "return self.fc(torch.stack(parts).permute(1, 0, 2).reshape(len(x), -1))",
            "return self.attend(torch.stack(parts))",
        ],
    )
    def test_parts_that_lie_right_stay(self, forward: str) -> None:
        found = changes(module("pass", forward), "keep-batch-axis", seen())
        assert [each.count("dim=1") for each in found] == [forward.count("dim=1")] * len(found)

    @pytest.mark.parametrize(
        "forward",
        [
            "x.repeat(1, n)",
            "x.repeat(1, 1)",
            "x.repeat(n, 2)",
            "self.start.repeat(len(x), 1)",
            "t[None].repeat(n, 1)",
            "t.unsqueeze(0).repeat(n, 1)",
        ],
    )
    def test_copies_that_mix_no_examples_stay(self, forward: str) -> None:
        assert changes(module("pass", f"return self.fc({forward})"), "keep-batch-axis", seen()) == []

    @pytest.mark.parametrize(
        "sizes", ["b, t, n", "b * t, 1, n", "n, t, b", "1, b, t * n", "self.batch_size, -1, n", "b, -1, 4"]
    )
    def test_a_shape_that_keeps_examples_apart_stays(self, sizes: str) -> None:
        source = module("pass", f"b, t, n = x.shape; return self.fc(x.view({sizes}))")
        assert changes(source, "keep-batch-axis", seen()) == []

    def test_nothing_is_said_of_other_axes(self) -> None:
        source = module("self.rnn = nn.GRU(3, 8, batch_first=True)", "return self.rnn(x.softmax(-1))[0].mean(1)")
        assert changes(source, "keep-batch-axis", seen()) == []


def _over_the_batch() -> History:
    loss = LossSigns(value=1.0, over_first=((64, 6),))
    return History(examinations=[Examination(step=0, losses=(loss,))])


class TestAttention:
    @pytest.mark.parametrize(
        ("begin", "forward", "expected"),
        [
            ("self.soft = nn.Softmax(dim=0)", "return self.soft(x @ self.k) @ self.v", "nn.Softmax(dim=-1)"),
            ("self.soft = nn.Softmax()", "return self.soft(x @ self.k) @ self.v", "nn.Softmax(dim=-1)"),
            ("self.soft = nn.Softmax(dim=0)", "return (self.soft(self.s(x)) * x).sum(1)", "nn.Softmax(dim=1)"),
            ("pass", "return torch.softmax(self.s(x), 0) @ self.v", "torch.softmax(self.s(x), -1)"),
            ("pass", "return nn.functional.softmax(self.s(x)) @ self.v", "softmax(self.s(x), dim=-1)"),
            ("pass", "return (self.s(x).softmax(0) * x).sum(dim=1)", "self.s(x).softmax(1)"),
        ],
    )
    def test_examples_do_not_compete(self, begin: str, forward: str, expected: str) -> None:
        found = changes(module(begin, forward), "class-axis", _over_the_batch())
        assert [expected in each for each in found] == [True]

    @pytest.mark.parametrize(("axis", "expected"), [("1", ["-1"]), ("-2", ["-1"]), ("-1", []), ("0", [])])
    def test_weights_add_up_over_what_is_summed(self, axis: str, expected: list[str]) -> None:
        loss = LossSigns(value=1.0, crossed=(1, 2, 3))
        history = History(examinations=[Examination(step=0, losses=(loss,))])
        found = changes(module("pass", f"return (x @ x.mT).softmax({axis}) @ x"), "class-axis", history)
        assert [each in change for each, change in zip(expected, found, strict=True)] == [True] * len(expected)

    @pytest.mark.parametrize(
        ("axis", "history"), [("-1", _over_the_batch()), ("1", _over_the_batch()), ("0", History())]
    )
    def test_those_that_were_not_seen_to_stay(self, axis: str, history: History) -> None:
        assert changes(module("pass", f"return self.s(x).softmax({axis}) @ x"), "class-axis", history) == []
