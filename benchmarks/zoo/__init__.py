"""Networks of many kinds, small enough to read, to try predictions on. None is trained."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.zoo.images import (
    B0,
    V2,
    alexnet,
    convnext,
    densenet,
    fully_convolutional,
    generator,
    inception,
    lenet,
    mobile,
    mobilenet_v1,
    resnet,
    shufflenet,
    squeezenet,
    unet,
    vgg,
    volumes,
)
from benchmarks.zoo.layers import Recurrent
from benchmarks.zoo.tokens import encoder, language_model, mixer, mlp, points, tagger, temporal, text_cnn, vit, wavenet


@dataclass(frozen=True)
class Specimen:
    """A network with an input.

    Attributes:
        shape: of the input, batch first.
        words: how many words the input chooses from; 0 where it is of floating numbers.
        known: whether its times were looked at while the predictor was written; all others were first seen when it
            was finished.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    words: int = 0
    known: bool = False

    def make(self) -> tuple[nn.Module, Tensor]:
        """The network, in evaluation mode, and an input: the same whenever asked."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            x = torch.randint(self.words, self.shape) if self.words else torch.randn(self.shape)
            return self.build().eval(), x


IMAGE, SMALL = (3, 224, 224), (3, 32, 32)
LSTM, GRU = nn.LSTM, nn.GRU

ZOO: dict[str, Specimen] = {
    "LeNet, 128": Specimen(lenet, (128, 1, 28, 28), known=True),
    "AlexNet, 1": Specimen(alexnet, (1, *IMAGE)),
    "AlexNet, 16": Specimen(alexnet, (16, *IMAGE)),
    "VGG-11 of 32 channels, 32 pixels, 32": Specimen(lambda: vgg((1, 1, 2, 2, 2), 32, 32), (32, *SMALL)),
    "VGG-16, 1": Specimen(lambda: vgg((2, 2, 3, 3, 3), 64, 224), (1, *IMAGE), known=True),
    "ResNet-18, 1": Specimen(lambda: resnet((2, 2, 2, 2)), (1, *IMAGE), known=True),
    "ResNet-18, 16": Specimen(lambda: resnet((2, 2, 2, 2)), (16, *IMAGE)),
    "ResNet-34, 4": Specimen(lambda: resnet((3, 4, 6, 3)), (4, *IMAGE)),
    "ResNet-50, 1": Specimen(lambda: resnet((3, 4, 6, 3), deep=True), (1, *IMAGE)),
    "ResNet-50, 4": Specimen(lambda: resnet((3, 4, 6, 3), deep=True), (4, *IMAGE), known=True),
    "ResNeXt-50, 1": Specimen(lambda: resnet((3, 4, 6, 3), deep=True, groups=32), (1, *IMAGE)),
    "MobileNet V1, 1": Specimen(mobilenet_v1, (1, *IMAGE)),
    "MobileNet V1, 8": Specimen(mobilenet_v1, (8, *IMAGE), known=True),
    "MobileNet V2, 1": Specimen(lambda: mobile(V2), (1, *IMAGE), known=True),
    "MobileNet V2 of half width, 8": Specimen(lambda: mobile(V2, width=0.5), (8, *IMAGE)),
    "EfficientNet-B0, 1": Specimen(lambda: mobile(B0, squeeze=True), (1, *IMAGE)),
    "ShuffleNet, 1": Specimen(shufflenet, (1, *IMAGE)),
    "ShuffleNet, 8": Specimen(shufflenet, (8, *IMAGE), known=True),
    "SqueezeNet, 4": Specimen(squeezenet, (4, *IMAGE)),
    "DenseNet-121, 1": Specimen(lambda: densenet((6, 12, 24, 16)), (1, *IMAGE), known=True),
    "Inception, 4": Specimen(inception, (4, *IMAGE)),
    "U-Net, 1": Specimen(lambda: unet(32, 4), (1, 3, 256, 256), known=True),
    "dilated ResNet-18, 1": Specimen(fully_convolutional, (1, *IMAGE)),
    "DCGAN, 16": Specimen(generator, (16, 100, 1, 1)),
    "C3D, 2": Specimen(volumes, (2, 3, 16, 56, 56)),
    "ConvNeXt-T, 1": Specimen(convnext, (1, *IMAGE)),
    "ConvNeXt of 48 channels, 4": Specimen(lambda: convnext((2, 2, 6, 2), 48), (4, *IMAGE), known=True),
    "ViT-Ti, 1": Specimen(lambda: vit(12, 192, 3), (1, *IMAGE), known=True),
    "ViT-S, 4": Specimen(lambda: vit(12, 384, 6), (4, *IMAGE)),
    "Mixer, 2": Specimen(mixer, (2, *IMAGE)),
    "MLP of 1,024, 32": Specimen(lambda: mlp(784, 1024, 1024, 10), (32, 784)),
    "MLP of 4,096, 1": Specimen(lambda: mlp(4096, 4096, 4096, 4096, 4096), (1, 4096), known=True),
    "MLP of 4,096, 32": Specimen(lambda: mlp(4096, 4096, 4096, 4096, 4096), (32, 4096)),
    "LSTM, 1": Specimen(lambda: Recurrent(LSTM, 64, 128, 2), (1, 100, 64), known=True),
    "LSTM, 16": Specimen(lambda: Recurrent(LSTM, 128, 256, 2), (16, 100, 128), known=True),
    "GRU, 8": Specimen(lambda: Recurrent(GRU, 128, 256, 2), (8, 100, 128), known=True),
    "LSTM both ways, words, 8": Specimen(tagger, (8, 64), words=20_000),
    "encoder of 4, 4": Specimen(lambda: encoder(4, 512, 8), (4, 128, 512), known=True),
    "encoder of 6, 1": Specimen(lambda: encoder(6, 256, 4), (1, 64, 256)),
    "language model, 1": Specimen(lambda: language_model(6, 384, 6, 256, 10_000), (1, 256), words=10_000),
    "temporal convolution, 8": Specimen(lambda: temporal(64, 6), (8, 1, 1024), known=True),
    "WaveNet, 1": Specimen(lambda: wavenet(64, 10), (1, 1, 4096)),
    "text CNN, 32": Specimen(text_cnn, (32, 64), words=20_000),
    "PointNet, 8": Specimen(points, (8, 3, 1024)),
}
"""By name and batch."""
