"""Classifies procedural textures with a narrow ResNet trained by SGD under a one-cycle schedule, with flips.

After the "train CIFAR10 to 94%" residual recipes (https://github.com/davidcpage/cifar10-fast).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIZE = 20


def texture(rng, kind):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    freq, phase = rng.uniform(0.7, 1.3), rng.uniform(0, 2 * np.pi, 2)
    angle = rng.uniform(0, np.pi)
    u = np.cos(angle) * xx + np.sin(angle) * yy
    v = -np.sin(angle) * xx + np.cos(angle) * yy
    if kind == 0:  # stripes
        img = np.sin(freq * u + phase[0])
    elif kind == 1:  # checks
        img = np.sign(np.sin(freq * u + phase[0]) * np.sin(freq * v + phase[1]))
    elif kind == 2:  # dots
        img = 2.0 * (np.cos(freq * u + phase[0]) + np.cos(freq * v + phase[1]) > 0.9) - 1
    elif kind == 3:  # rings
        cx, cy = rng.uniform(0.25 * SIZE, 0.75 * SIZE, 2)
        img = np.sin(freq * np.hypot(xx - cx, yy - cy) + phase[0])
    else:  # smooth noise
        spectrum = np.fft.rfft2(rng.normal(size=(SIZE, SIZE)))
        fy, fx = np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None]
        img = np.fft.irfft2(spectrum * np.exp(-60 * (fx**2 + fy**2)), s=(SIZE, SIZE))
        img = img / img.std()
    return rng.uniform(0.4, 1.0) * img + rng.normal(0, 0.25, img.shape)


def make_data(rng, per_class):
    labels = np.repeat(np.arange(5), per_class)
    images = np.stack([texture(rng, k) for k in labels]).astype(np.float32)
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.short = nn.Sequential()
        if stride != 1 or c_in != c_out:
            self.short = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.short(x))


def resnet(width=8, classes=5):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        Block(width, width, 2),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, classes),
    )


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_data(rng, 240)
    x_test, y_test = make_data(rng, 100)
    mu, sd = x_train.mean(), x_train.std()
    x_train, x_test = (x_train - mu) / sd, (x_test - mu) / sd

    model = resnet()
    epochs, batch = 12, 64
    steps = len(x_train) // batch
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, epochs=epochs, steps_per_epoch=steps)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x_train))
        running, right = 0.0, 0
        for i in range(steps):
            idx = order[i * batch : (i + 1) * batch]
            xb, yb = x_train[idx], y_train[idx]
            flip = torch.rand(len(xb)) < 0.5
            xb = torch.where(flip[:, None, None, None], xb.flip(-1), xb)
            logits = model(xb)
            loss = F.cross_entropy(logits, yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            running += loss.item()
            right += (logits.argmax(1) == yb).sum().item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(
            f"epoch {epoch + 1:2d}  lr {sched.get_last_lr()[0]:.4f}  train loss {running / steps:.4f}  "
            f"train acc {right / (steps * batch):.3f}  test acc {acc:.3f}"
        )
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
