"""The building blocks of published networks, one kind a file; here all of them, with the convolutions they are made of.

docs/blocks.md says which is which.
"""

from gradus.nn.blocks.alignment import AdditiveAttention, DotAttention
from gradus.nn.blocks.attention import CBAM, ChannelAttention, SpatialAttention, SqueezeExcitation
from gradus.nn.blocks.dense import DenseBlock
from gradus.nn.blocks.fire import fire
from gradus.nn.blocks.glimpse import GlimpseSensor, glimpses
from gradus.nn.blocks.highway import Highway
from gradus.nn.blocks.inception import Inception
from gradus.nn.blocks.inverted_residual import inverted_residual
from gradus.nn.blocks.mask import Attention, ChannelMask, Hourglass, MeanMask, SpatialMask, soft_mask
from gradus.nn.blocks.residual import PaddedShortcut, Residual
from gradus.nn.blocks.shuffle import SplitUnit, shuffle_unit
from gradus.nn.blocks.spatial_transformer import SpatialTransformer, sampling_grid
from gradus.nn.blocks.temporal import CausalConv1d, steps_seen, temporal_block
from gradus.nn.blocks.transformer import Positions, SelfAttention, encoder_layer
from gradus.nn.convolution import (
    ChannelShuffle,
    Concatenated,
    conv_norm,
    depthwise_separable,
    interleaved,
    norm_conv,
)
from gradus.nn.convolution_matrix import ZeroInsertion, as_convolution, as_matrix
from gradus.nn.locally_connected import LocallyConnected2d
from gradus.nn.upsampling import PixelShuffleUpsampling

__all__ = [
    "CBAM",
    "AdditiveAttention",
    "Attention",
    "CausalConv1d",
    "ChannelAttention",
    "ChannelMask",
    "ChannelShuffle",
    "Concatenated",
    "DenseBlock",
    "DotAttention",
    "GlimpseSensor",
    "Highway",
    "Hourglass",
    "Inception",
    "LocallyConnected2d",
    "MeanMask",
    "PaddedShortcut",
    "PixelShuffleUpsampling",
    "Positions",
    "Residual",
    "SelfAttention",
    "SpatialAttention",
    "SpatialMask",
    "SpatialTransformer",
    "SplitUnit",
    "SqueezeExcitation",
    "ZeroInsertion",
    "as_convolution",
    "as_matrix",
    "conv_norm",
    "depthwise_separable",
    "encoder_layer",
    "fire",
    "glimpses",
    "interleaved",
    "inverted_residual",
    "norm_conv",
    "sampling_grid",
    "shuffle_unit",
    "soft_mask",
    "steps_seen",
    "temporal_block",
]
