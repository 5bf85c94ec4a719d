"""Convolutional networks, for images most of them."""

from torch import nn

from benchmarks.zoo.layers import Branches, Gate, Moved, Residual, classifier, conv


def lenet() -> nn.Module:
    """LeCun et al. (1998), with ReLU and max pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def alexnet() -> nn.Module:
    """Krizhevsky (2014)."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(True), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(True), nn.Linear(4096, 4096), nn.ReLU(True), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg(repeats: tuple[int, ...], width: int, pixels: int) -> nn.Module:
    """Simonyan and Zisserman (2014)."""
    layers: list[nn.Module] = []
    inputs = 3
    for stage, repeat in enumerate(repeats):
        for _ in range(repeat):
            outputs = width * min(2**stage, 8)
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    side = pixels // 2 ** len(repeats)
    hidden = 8 * width
    head = [nn.Flatten(), nn.Linear(inputs * side**2, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 1000)]
    return nn.Sequential(*layers, *head)


def resnet(repeats: tuple[int, ...], *, deep: bool = False, width: int = 64, groups: int = 1) -> nn.Module:
    """He et al. (2015); in groups, Xie et al. (2016)."""
    layers = [conv(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = width
    for stage, repeat in enumerate(repeats):
        inner = width * 2**stage * (2 if groups > 1 else 1)
        outputs = width * 2**stage * (4 if deep else 1)
        for block in range(repeat):
            stride = 2 if stage and not block else 1
            if deep:
                body = [
                    conv(inputs, inner, 1),
                    conv(inner, inner, 3, stride, groups=groups),
                    conv(inner, outputs, 1, act=None),
                ]
            else:
                body = [conv(inputs, inner, 3, stride), conv(inner, outputs, act=None)]
            changes = stride > 1 or inputs != outputs
            shortcut = conv(inputs, outputs, 1, stride, act=None) if changes else None
            layers += [Residual(*body, shortcut=shortcut), nn.ReLU(inplace=True)]
            inputs = outputs
    return nn.Sequential(*layers, *classifier(inputs))


def mobilenet_v1(width: int = 32) -> nn.Module:
    """Howard et al. (2017)."""
    layers: list[nn.Module] = [conv(3, width, 3, 2)]
    inputs = width
    for factor, stride in ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1)):
        outputs = width * factor
        layers += [conv(inputs, inputs, 3, stride, groups=inputs), conv(inputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, *classifier(inputs))


def inverted(inputs: int, outputs: int, expand: int, size: int, stride: int, *, squeeze: bool = False) -> nn.Module:
    """Sandler et al. (2018); with squeeze and excitation, Tan and Le (2019)."""
    act = nn.SiLU if squeeze else nn.ReLU6
    inner = inputs * expand
    body: list[nn.Module] = [conv(inputs, inner, 1, act=act)] if expand > 1 else []
    body.append(conv(inner, inner, size, stride, groups=inner, act=act))
    if squeeze:
        few = max(1, inputs // 4)
        gate = (nn.AdaptiveAvgPool2d(1), nn.Conv2d(inner, few, 1), nn.SiLU(), nn.Conv2d(few, inner, 1), nn.Sigmoid())
        body.append(Gate(*gate))
    body.append(conv(inner, outputs, 1, act=None))
    return Residual(*body) if stride == 1 and inputs == outputs else nn.Sequential(*body)


Stage = tuple[int, int, int, int, int]
V2: tuple[Stage, ...] = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3),
    (6, 320, 1, 1, 3),
)  # fmt: skip
B0: tuple[Stage, ...] = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip


def mobile(stages: tuple[Stage, ...], *, squeeze: bool = False, width: float = 1.0) -> nn.Module:
    """MobileNet V2 or EfficientNet, by (expansion, channels, repeats, stride, kernel) of each stage."""
    inputs = round(32 * width)
    act = nn.SiLU if squeeze else nn.ReLU6
    layers: list[nn.Module] = [conv(3, inputs, 3, 2, act=act)]
    for expand, channels, repeats, stride, size in stages:
        for block in range(repeats):
            outputs = round(channels * width)
            layers.append(inverted(inputs, outputs, expand, size, 1 if block else stride, squeeze=squeeze))
            inputs = outputs
    return nn.Sequential(*layers, conv(inputs, 1280, 1, act=act), *classifier(1280))


def shufflenet(groups: int = 4) -> nn.Module:
    """Zhang et al. (2017)."""
    layers: list[nn.Module] = [conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = 24
    for stage, repeats in enumerate((4, 8, 4)):
        outputs = 272 * 2**stage
        for block in range(repeats):
            stride = 1 if block else 2
            inner, made = outputs // 4, outputs if block else outputs - inputs
            body: list[nn.Module] = [
                conv(inputs, inner, 1, groups=groups if stage or block else 1),
                nn.ChannelShuffle(groups),
                conv(inner, inner, 3, stride, groups=inner, act=None),
                conv(inner, made, 1, groups=groups, act=None),
            ]
            unit = Residual(*body) if block else Branches([nn.AvgPool2d(3, 2, 1), nn.Sequential(*body)])
            layers += [unit, nn.ReLU(inplace=True)]
            inputs = outputs
    return nn.Sequential(*layers, *classifier(inputs))


def squeezenet() -> nn.Module:
    """Iandola et al. (2016), version 1.1."""

    def fire(inputs: int, few: int, many: int) -> nn.Module:
        wide = Branches([nn.Conv2d(few, many, 1), nn.Conv2d(few, many, 3, padding=1)])
        return nn.Sequential(nn.Conv2d(inputs, few, 1), nn.ReLU(True), wide, nn.ReLU(True))

    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), fire(64, 16, 64), fire(128, 16, 64),
        nn.MaxPool2d(3, 2), fire(128, 32, 128), fire(256, 32, 128), nn.MaxPool2d(3, 2), fire(256, 48, 192),
        fire(384, 48, 192), fire(384, 64, 256), fire(512, 64, 256), nn.Conv2d(512, 1000, 1), nn.AdaptiveAvgPool2d(1),
    )  # fmt: skip


def densenet(repeats: tuple[int, ...], growth: int = 32) -> nn.Module:
    """Huang et al. (2016)."""

    def before(inputs: int, outputs: int, size: int) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), convolution)

    width = 2 * growth
    layers: list[nn.Module] = [conv(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for stage, repeat in enumerate(repeats):
        if stage:
            layers += [before(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
        for _ in range(repeat):
            body = nn.Sequential(before(width, 4 * growth, 1), before(4 * growth, growth, 3))
            layers.append(Branches([nn.Identity(), body]))
            width += growth
    return nn.Sequential(*layers, *classifier(width))


def inception(width: int = 64) -> nn.Module:
    """Szegedy et al. (2014), simplified."""

    def mixed(inputs: int, each: int) -> nn.Module:
        return Branches([
            conv(inputs, each, 1), nn.Sequential(conv(inputs, each, 1), conv(each, 2 * each)),
            nn.Sequential(conv(inputs, each // 4, 1), conv(each // 4, each // 2, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, each // 2, 1)),
        ])  # fmt: skip

    return nn.Sequential(
        conv(3, width, 7, 2), nn.MaxPool2d(3, 2, 1), conv(width, 3 * width), nn.MaxPool2d(3, 2, 1),
        mixed(3 * width, width), mixed(4 * width, 2 * width), nn.MaxPool2d(3, 2, 1),
        *[mixed(8 * width, 2 * width) for _ in range(4)], *classifier(8 * width),
    )  # fmt: skip


def unet(width: int, depth: int) -> nn.Module:
    """Ronneberger et al. (2015)."""

    def level(width: int, depth: int) -> nn.Module:
        inner: list[nn.Module] = [nn.MaxPool2d(2), conv(width, 2 * width)]
        inner += [level(2 * width, depth - 1)] if depth > 1 else []
        inner += [conv(2 * width, 2 * width), nn.ConvTranspose2d(2 * width, width, 2, 2)]
        return nn.Sequential(Branches([nn.Identity(), nn.Sequential(*inner)]), conv(2 * width, width))

    return nn.Sequential(conv(3, width), level(width, depth), nn.Conv2d(width, 2, 1))


def fully_convolutional() -> nn.Module:
    """A dilated ResNet with bilinear up-sampling (Long et al. 2014; Yu and Koltun 2015)."""
    head = nn.Sequential(nn.Conv2d(512, 256, 3, padding=4, dilation=4), nn.ReLU(True), nn.Conv2d(256, 21, 1))
    up = nn.Upsample(scale_factor=32, mode="bilinear")
    return nn.Sequential(*list(resnet((2, 2, 2, 2)).children())[:-3], head, up)


def generator(width: int = 64) -> nn.Module:
    """DCGAN's (Radford et al. 2015)."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(100, 8 * width, 4), nn.BatchNorm2d(8 * width), nn.ReLU(True)]
    for factor in (8, 4, 2):
        up = nn.ConvTranspose2d(factor * width, factor * width // 2, 4, 2, 1)
        layers += [up, nn.BatchNorm2d(factor * width // 2), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh())


def volumes() -> nn.Module:
    """Convolution over space and time (Tran et al. 2014), small."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv3d(inputs, outputs, 3, padding=1), nn.ReLU(True), nn.MaxPool3d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(128, 101))


def convnext(repeats: tuple[int, ...] = (3, 3, 9, 3), width: int = 96) -> nn.Module:
    """Liu et al. (2022)."""

    def block(width: int) -> nn.Module:
        mixing = (nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        return Residual(depthwise, Moved(0, 2, 3, 1), *mixing, Moved(0, 3, 1, 2))

    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 4)]
    for stage, repeat in enumerate(repeats):
        if stage:
            layers += [nn.GroupNorm(1, width), nn.Conv2d(width, 2 * width, 2, 2)]
            width *= 2
        layers += [block(width) for _ in range(repeat)]
    return nn.Sequential(*layers, *classifier(width))
