"""Units of light networks that mix groups of channels by their order: ShuffleNet V1 and V2."""

from collections import OrderedDict

from torch import Tensor, nn

from gradus.nn.blocks.residual import Residual
from gradus.nn.convolution import ChannelShuffle, Concatenated, conv_norm, interleaved, relu


def shuffle_unit(
    inputs: int, outputs: int, *, groups: int, reduced_in: int | None = None, stride: int = 1
) -> nn.Module:
    """A bottleneck of grouped 1 x 1 convolutions, with a shuffle so that each group hears of the others.

        H W B (2 M / g + K^2)  multiply-adds at stride 1, for M channels, g groups and B = M / 4 channels within

    Where the shape changes, the input, averaged over 3 x 3 at a stride of 2, comes first and the branch adds the
    channels that lack; else the two are summed.

    The shuffle stands behind the depthwise convolution, as in the authors' code, where the paper has it before: the
    same functions, but four times fewer numbers to copy at a stride of 2. Behind a first convolution that is not
    grouped there is none: that would only give its kernels another order.

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).

    Args:
        groups: of the 1 x 1 convolutions.
        reduced_in: groups of the first of them, where these are others.

    Source: Zhang, Zhou, Lin, Sun (2017), ShuffleNet, arXiv:1707.01083, figure 2.
    """
    within = outputs // 4
    first = groups if reduced_in is None else reduced_in
    changes = (stride, inputs) != (1, outputs)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["reduce"] = conv_norm(inputs, within, 1, groups=first)
    layers["depthwise"] = conv_norm(within, within, 3, stride=stride, groups=within, activation=None)
    if first > 1:
        layers["shuffle"] = ChannelShuffle(first)
    if not changes:
        layers["expand"] = conv_norm(within, outputs, 1, groups=groups, activation=None)
        return Residual(nn.Sequential(layers), activation=relu())
    # Means of what is not negative are not negative, so that the branch alone needs the activation.
    layers["expand"] = conv_norm(within, outputs - inputs, 1, groups=groups)
    return Concatenated(nn.AvgPool2d(3, stride, 1) if stride > 1 else nn.Identity(), nn.Sequential(layers))


class SplitUnit(nn.Module):
    """Half of the channels pass as they are, the other half through a branch; then channels of both in turn.

        H W B (2 B + K^2)  multiply-adds at stride 1, for 2 B channels

    Where the shape changes, both halves come from all channels, each through a branch of its own.

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)), `outputs` even.

    Source: Ma, Zhang, Zheng, Sun (2018), ShuffleNet V2, arXiv:1807.11164, figure 3 (c) and (d).
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        half = outputs // 2
        splits = (stride, inputs) == (1, outputs)
        self.shortcut = (
            None
            if splits
            else nn.Sequential(
                OrderedDict(
                    depthwise=conv_norm(inputs, inputs, 3, stride=stride, groups=inputs, activation=None),
                    pointwise=conv_norm(inputs, half, 1),
                )
            )
        )
        self.branch = nn.Sequential(
            OrderedDict(
                reduce=conv_norm(half if splits else inputs, half, 1),
                depthwise=conv_norm(half, half, 3, stride=stride, groups=half, activation=None),
                expand=conv_norm(half, half, 1),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        kept, changed = x.chunk(2, dim=1) if self.shortcut is None else (self.shortcut(x), x)
        return interleaved(kept, self.branch(changed))
