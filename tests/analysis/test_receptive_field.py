"""Fields against hand calculation (the acceptance cases of analyzers.md, by their numbers) and against gradients."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.analysis.receptive_field import Field, Fields, receptive_fields
from gradus.core.graph import trace
from tests.analysis.networks import VisionTransformer, resnet50

Conv, Seq, Max = nn.Conv2d, nn.Sequential, nn.MaxPool2d


class Computes(nn.Module):
    """A function of the input and of the modules it is given."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def alexnet() -> nn.Module:
    return Seq(
        Conv(3, 64, 11, 4, 2), nn.ReLU(inplace=True), Max(3, 2), Conv(64, 192, 5, padding=2), nn.ReLU(inplace=True),
        Max(3, 2), Conv(192, 384, 3, padding=1), Conv(384, 256, 3, padding=1), Conv(256, 256, 3, padding=1), Max(3, 2),
    )  # fmt: skip


def vgg16() -> nn.Module:
    layers: list[nn.Module] = []
    width = 3
    for number, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(number):
            layers += [Conv(width, channels, 3, padding=1), nn.ReLU(inplace=True)]
            width = channels
        layers.append(Max(2))
    return Seq(*layers)


class Basic(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.one, self.two = Conv(inputs, outputs, 3, stride, 1), Conv(outputs, outputs, 3, 1, 1)
        self.shortcut = Conv(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.two(F.relu_(self.one(x)))
        y += self.shortcut(x)
        return F.relu_(y)


def resnet18() -> nn.Module:
    blocks = [Basic(i, o, s) for i, o, s in ((8, 8, 1), (8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1),
                                             (32, 64, 2), (64, 64, 1))]  # fmt: skip
    return Seq(Conv(3, 8, 7, 2, 3), Max(3, 2, 1), *blocks)


def number(each: Fraction | None) -> float | None:
    return None if each is None else float(each)


def fields(model: nn.Module, shape: Sequence[int]) -> Fields:
    return receptive_fields(trace(model, [torch.empty(tuple(shape))]))


def of_network(model: nn.Module, shape: Sequence[int]) -> tuple[Field, ...]:
    found = fields(model, shape)
    assert found.assumed == {}
    return found.layers[0]


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        pytest.param(Conv(32, 32, 3, padding=2, dilation=2, groups=32), 28, (5, 3, 1, 0), id="4 dilated"),
        pytest.param(Seq(Conv(3, 4, 3, padding=1), Conv(4, 4, 3, padding=1)), 32, (5, 5, 1, 0), id="33 two 3x3"),
        pytest.param(Seq(Conv(3, 4, 7, 2, 3), Max(3, 2, 1)), 32, (11, 11, 4, 0), id="34 stem"),
        pytest.param(
            Seq(*(Conv(3, 3, 3, padding=d, dilation=d) for d in (1, 2, 4))), 32, (15, 15, 1, 0), id="35 d=1,2,4"),
        pytest.param(
            Seq(*(Conv(3, 3, 3, padding=2, dilation=2) for _ in range(2))), 32, (9, 5, 1, 0), id="36 gridding"),
        pytest.param(Seq(Max(2), Max(2), Max(2)), 32, (8, 8, 8, 3.5), id="37 pooling"),
        pytest.param(alexnet(), 224, (195, 195, 32, 31), id="38 AlexNet"),
        pytest.param(vgg16(), 224, (212, 212, 32, 15.5), id="39 VGG-16"),
        pytest.param(resnet18(), 224, (435, 435, 32, 0), id="40 ResNet-18"),
        pytest.param(resnet50()[:-3], 224, (427, 427, 32, 0), id="41 ResNet-50"),  # type: ignore[index]
    ],
)  # fmt: skip
def test_extent_taps_stride_and_centre(model: nn.Module, size: int, expected: tuple[float, ...]) -> None:
    channels = next((each.shape[1] for each in model.parameters()), 3)
    channels = 32 if isinstance(model, Conv) else channels
    for each in of_network(model, (1, channels, size, size)):
        assert (each.extent, each.taps, number(each.stride), number(each.offset)) == expected
        assert not each.whole


def test_42_a_transposed_convolution_has_as_many_kinds_of_output_as_its_stride() -> None:
    for each in of_network(nn.ConvTranspose2d(3, 4, 4, 2, 1), (1, 3, 14, 14)):
        assert (each.extent, each.stride, each.phases) == (2, Fraction(1, 2), (Fraction(-1, 2), Fraction(1, 2)))


def test_43_branches_whose_centres_are_apart() -> None:
    def meet(x: Tensor, wide: nn.Module, narrow: nn.Module) -> Tensor:
        out: Tensor = wide(x) + F.pad(narrow(x), (0, 2, 0, 2))
        return out

    found = fields(Computes(meet, Conv(3, 4, 5, padding=2), Conv(3, 4, 3)), (1, 3, 20, 20))
    assert [(each.extent, number(each.stride), number(each.offset)) for each in found.layers[0]] == [(5, 1, 0)] * 2
    assert [(each.place, each.axis, each.centres) for each in found.misaligned] == [("", 2, (0, 1)), ("", 3, (0, 1))]


def test_the_worked_example_of_the_notes() -> None:
    """AlexNet-like: kernels and strides whose fields grow 1, 3, 4, 8, 10, 18, 26, 30."""
    layers = [Conv(1, 1, 3, 1), Max(2, 2), Conv(1, 1, 3, 1), Max(2, 2), Conv(1, 1, 3, 1), Conv(1, 1, 3, 1), Max(2, 2)]
    found = fields(Seq(*layers), (1, 1, 64, 64))
    assert [each[0].extent for each in found.layers[1:]] == [3, 4, 8, 10, 18, 26, 30]


def draw_layer(draw: st.DrawFn) -> tuple[nn.Module, nn.Module]:
    """A layer from 4 channels to 4, and one with the same windows whose gradient reaches all that it looks at."""

    def convolution(pad: int | None = None) -> nn.Module:
        kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
        dilation = draw(st.integers(1, 3))
        padding = [dilation * (each - 1) // 2 if pad is None else pad for each in kernel]
        groups = draw(st.sampled_from([1, 2, 4]))
        return Conv(4, 4, kernel, draw(st.integers(1, 2)), (padding[0], padding[1]), dilation, groups)

    def odd(size: int, stride: int, dilation: int = 1) -> nn.Module:
        return Conv(4, 4, size, stride, dilation * (size - 1) // 2, dilation)

    kind = draw(st.sampled_from(["convolution", "pool", "transposed", "add", "cat", "nearest", "bilinear", "shuffle"]))
    stride = draw(st.integers(1, 2))
    if kind == "pool":
        window = (draw(st.integers(2, 3)), stride, draw(st.integers(0, 1)))
        return Max(*window), nn.AvgPool2d(*window)
    if kind == "transposed":
        size, padding, dilation = draw(st.integers(2, 5)), draw(st.integers(0, 1)), draw(st.integers(1, 2))
        layer: nn.Module = nn.ConvTranspose2d(4, 4, size, stride, padding, dilation=dilation)
    elif kind == "add":
        branches = odd(draw(st.sampled_from([1, 3, 5])), stride), odd(3, stride, draw(st.integers(1, 2)))
        layer = Computes(lambda x, a, b: a(x) + b(x), *branches)
    elif kind == "cat":
        branches = odd(1, stride), odd(draw(st.sampled_from([3, 5])), stride)
        layer = Computes(lambda x, a, b, c: c(torch.cat([a(x), b(x)], 1)), *branches, Conv(8, 4, 1, groups=stride))
    elif kind == "nearest":
        layer = nn.Upsample(scale_factor=2)
    elif kind == "bilinear":
        layer = nn.Upsample(scale_factor=draw(st.sampled_from([2, 1.5])), mode="bilinear")
    elif kind == "shuffle":
        layer = Seq(nn.PixelUnshuffle(2), Conv(16, 16, 3, padding=1), nn.PixelShuffle(2))
    else:
        layer = convolution(draw(st.sampled_from([None, 0, 1])))
    return layer, layer


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, nn.Module]:
    layers = [draw_layer(draw) for _ in range(draw(st.integers(1, 4)))]
    return Seq(*(each for each, _ in layers)), Seq(*(each for _, each in layers))


def footprint(y: Tensor, x: Tensor, at: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Rows and columns of the input that an output's gradient reaches."""
    (gradient,) = torch.autograd.grad(y[0, :, at[0], at[1]].sum(), x, retain_graph=True)
    reached = (gradient[0] != 0).any(0)
    return reached.any(1).nonzero().flatten().tolist(), reached.any(0).nonzero().flatten().tolist()


def inside(found: Sequence[Field], at: tuple[int, int], size: int) -> bool:
    """Whether an output sees nothing of the padding."""
    return all(0 <= p < size for field, index in zip(found, at, strict=True) for p in field.positions(index))


@settings(max_examples=120, deadline=None)
@given(networks())
def test_the_field_is_the_footprint_of_the_gradient(pair: tuple[nn.Module, nn.Module]) -> None:
    model, smooth = pair
    for each in model.parameters():
        nn.init.uniform_(each, 0.5, 1.5)
    x = torch.rand(1, 4, 48, 48, requires_grad=True)
    try:
        y = smooth(x)
    except RuntimeError:
        assume(False)
    found = of_network(model, x.shape)
    middle = y.shape[2] // 2, y.shape[3] // 2
    for at in [(middle[0] + phase, middle[1] + phase) for phase in range(4)]:
        if max(at) < min(y.shape[2:]) and inside(found, at, 48):
            there = found[0].positions(at[0]), found[1].positions(at[1])
            assert (there if all(there) else ([], [])) == footprint(y, x, at)  # in a gap along one axis it sees nothing


def windows(x: Tensor, mix: nn.Module, shift: int = 0) -> Tensor:
    """Attention-like mixing within windows of 4 x 4, rolled as in Swin (Liu et al. 2021)."""
    n, c, h, w = x.shape
    y = torch.roll(x, (-shift, -shift), (2, 3)).permute(0, 2, 3, 1)
    y = y.view(n, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
    y = torch.bmm(y, y.transpose(1, 2)).softmax(-1) @ mix(y)
    y = y.view(n, h // 4, w // 4, 4, 4, c).transpose(2, 3).reshape(n, h, w, c)
    return x + torch.roll(y.permute(0, 3, 1, 2), (shift, shift), (2, 3))


def shifted_in_time(x: Tensor) -> Tensor:
    """A quarter of the channels comes from the row before (as TSM, Lin et al. 2019), written in place."""
    out = torch.zeros_like(x)
    out[:, :1, 1:] = x[:, :1, :-1]
    out[:, 1:] = x[:, 1:]
    return out


def interleaved(x: Tensor) -> Tensor:
    """Even rows and odd ones change places, written in place."""
    out = torch.zeros_like(x)
    out[:, :, ::2] = x[:, :, 1::2]
    out[:, :, 1::2] += x[:, :, ::2]
    return out


def one_row_written(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, :, 9] = x[:, :, 6]
    return F.avg_pool2d(out, 3, 1, 1)[:, :, 6:13]


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "nearest, down": lambda x: F.interpolate(x, scale_factor=1 / 3),
    "nearest, exact": lambda x: F.interpolate(x, scale_factor=1.5, mode="nearest-exact"),
    "bilinear, down": lambda x: F.interpolate(x, scale_factor=1 / 3, mode="bilinear"),
    "bilinear, corners": lambda x: F.interpolate(x, size=(47, 70), mode="bilinear", align_corners=True),
    "bilinear, antialiased": lambda x: F.interpolate(x, scale_factor=1 / 3, mode="bilinear", antialias=True),
    "bilinear, antialiased, corners": lambda x: F.interpolate(
        x, (11, 11), mode="bilinear", align_corners=True, antialias=True
    ),
    "odd ratios": lambda x: F.interpolate(F.interpolate(x, scale_factor=1.37, mode="bilinear"), (29, 31), mode="area"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "bicubic, down": lambda x: F.interpolate(x, scale_factor=1 / 3, mode="bicubic"),
    "bicubic, antialiased": lambda x: F.interpolate(x, scale_factor=1 / 2, mode="bicubic", antialias=True),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (9, 7)),
    "flip": lambda x: F.avg_pool2d(x.flip(2), 3, 2),
    "slices": lambda x: x[:, :, 1:-1:2, 2:] + x[:, :, 2::2, :-2],
    "sliding": lambda x: x.unfold(2, 3, 2).sum(-1),
    "columns": lambda x: F.fold(F.unfold(x, 3, padding=1), 24, 3, padding=1),
    "channels first mixed, then split": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)[:, :2],
    "grouped": lambda x: F.conv2d(F.pixel_unshuffle(x, 2), torch.ones(4, 4, 1, 1), groups=4)[:, :1],
    "windows": lambda x: windows(x, nn.Identity()),
    "windows, rolled": lambda x: windows(windows(x, nn.Identity()), nn.Identity(), 2),
    "rows in tokens": lambda x: x.flatten(2).transpose(1, 2).view(1, 24, 24, 4).permute(0, 3, 1, 2)[..., 3:],
    "written in place": shifted_in_time,
    "one row written": one_row_written,
    "written in turns": interleaved,
    "chosen": lambda x: x[:, torch.tensor([2, 0])] + x[:, 1:3],
    "joined with nothing": lambda x: torch.cat([x[:, :0], F.avg_pool2d(x, 3, 1, 1)[:, 1:]], 1),
    "circular": lambda x: F.conv2d(F.pad(x, (1, 1, 1, 1), "circular"), torch.ones(4, 4, 3, 3)),
    "mirrored": lambda x: F.avg_pool2d(F.pad(x, (2, 1, 1, 2), "reflect"), 3, 1),
    "tiled": lambda x: x.repeat(1, 1, 2, 1),
    "einsum": lambda x: torch.einsum("nchw,dc->ndhw", x, torch.ones(2, 4)),
    "accumulated": lambda x: x.cumsum(2),
    "gated": lambda x: F.glu(x, 1) + x[:, :2].roll(1, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_operations_look_at(name: str) -> None:
    x = torch.rand(1, 4, 24, 24, requires_grad=True)
    y = FUNCTIONS[name](x)
    found = of_network(Computes(FUNCTIONS[name]), x.shape)
    compared = 0
    for row in range(0, y.shape[2], 3):
        for column in range(1, y.shape[3], 5):
            if inside(found, (row, column), 24):
                there = found[0].positions(row), found[1].positions(column)
                there = there if all(there) else ([], [])  # in a gap along one axis it sees nothing
                assert there == footprint(y, x, (row, column)), (row, column)
                compared += 1
    assert compared > 2


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (VisionTransformer(), (1, 3, 224, 224)),
        (Seq(Conv(4, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)), (1, 4, 24, 24)),
        (Computes(lambda x: torch.fft.rfft2(x).real), (1, 4, 24, 24)),
    ],
)
def test_what_sees_everything(model: nn.Module, shape: tuple[int, ...]) -> None:
    found = fields(model, shape)
    assert [(each.extent, each.whole, each.offset) for each in found.layers[0]] == [(shape[-1], True, None)] * 2
    assert found.assumed == ({"aten::_fft_r2c": 1} if isinstance(model, Computes) else {})


def test_a_gate_sees_everything_and_what_it_gates_keeps_its_place() -> None:
    gated = Computes(lambda x, part: part(x) * part(x).mean((2, 3), keepdim=True), Conv(4, 4, 3, padding=1))
    for model in (
        gated,
        Seq(Conv(4, 4, 3, padding=1), nn.GroupNorm(2, 4)),
        Seq(Conv(4, 4, 3, padding=1), nn.InstanceNorm2d(4)),
    ):
        for each in of_network(model, (2, 4, 24, 24)):
            assert (each.extent, each.whole, number(each.stride), number(each.offset)) == (24, True, 1, 0)
            assert each.positions(5) == [4, 5, 6]


def test_an_image_without_a_batch_axis() -> None:
    assert [each.extent for each in of_network(Conv(4, 8, (3, 5)), (4, 24, 24))] == [3, 5]


def test_sequences() -> None:
    convolutions = Seq(nn.Conv1d(8, 8, 3, 2), nn.ReLU(), nn.Conv1d(8, 3, 3))
    assert [(each.extent, number(each.stride)) for each in of_network(convolutions, (2, 8, 50))] == [(7, 2)]
    tokens = trace(Seq(nn.Embedding(10, 8), nn.GRU(8, 8, batch_first=True)), [torch.zeros(2, 7, dtype=torch.int64)])
    (recurrent,) = receptive_fields(tokens).layers[0]
    assert [recurrent.positions(at) for at in (0, 3)] == [[0], [0, 1, 2, 3]]
    causal = Computes(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True))
    (attention,) = receptive_fields(trace(causal, [torch.empty(1, 2, 9, 8)]), axes=[2]).layers[0]
    assert attention.positions(4) == [0, 1, 2, 3, 4]


def test_long_sequences() -> None:
    """Sets of a million positions, a million of them, would take more memory than there is."""
    pooled = Seq(nn.Conv1d(1, 4, 9, 3), nn.AdaptiveAvgPool1d(1))
    sound = trace(pooled, [torch.empty(1, 1, 999_999, device="meta")])
    found = receptive_fields(sound)
    assert [(each[0].extent, each[0].whole) for each in found.layers] == [
        (999_999, True),
        (9, False),
        (999_999, True),
    ]
    attends = Computes(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True))
    tokens = trace(Seq(*[attends] * 4), [torch.empty(1, 1, 4096, 8, device="meta")])
    assert receptive_fields(tokens, axes=[2]).layers[0][0].positions(5) == [0, 1, 2, 3, 4, 5]
    added = receptive_fields(trace(Computes(lambda x: x.cumsum(2)), [torch.empty(1, 1, 999_999, device="meta")]))
    assert added.assumed == {"aten::cumsum": 1}


def test_an_operation_without_a_rule_is_said_and_taken_to_see_everything() -> None:
    found = fields(Computes(lambda x: torch.linalg.qr(x)[0]), (1, 3, 8, 8))
    assert found.assumed == {"aten::linalg_qr": 1}
    assert all(each.whole for each in found.layers[0])


def test_the_layer_that_speaks_for_a_network_is_the_last_that_tells_positions_apart() -> None:
    model = Seq(Conv(3, 4, 3), Seq(Conv(4, 4, 3, 2), nn.ReLU()), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    seen = trace(model, [torch.empty(1, 3, 24, 24)])
    found = receptive_fields(seen)
    assert found.network is not None
    assert seen.calls[found.network].place == "1"
    assert fields(nn.Linear(3, 2), (1, 3)).network is None
    perceptron = fields(Seq(nn.Flatten(), nn.Linear(3 * 64, 8), nn.ReLU()), (1, 3, 8, 8))
    assert perceptron.network == 0  # which sees all, and not the flattened image, of which each number sees itself
