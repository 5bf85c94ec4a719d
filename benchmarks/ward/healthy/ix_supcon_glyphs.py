"""Supervised contrastive learning in two stages on hand-drawn-like glyphs: first an encoder with a projection head under
the SupCon loss, then a linear classifier on the frozen encoder.

After https://github.com/HobbitLong/SupContrast (Khosla et al. 2020).
"""

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn


class AverageMeter:
    def __init__(self):
        self.sum = self.count = 0

    def update(self, value, n):
        self.sum += value * n
        self.count += n

    @property
    def avg(self):
        return self.sum / self.count


def warp(x, strength, gen):
    n = len(x)
    theta = torch.eye(2, 3).repeat(n, 1, 1) + strength * torch.randn(n, 2, 3, generator=gen)
    return F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


def make_glyphs(classes, per_class, gen, size=14):
    """A class is a random polyline; a sample is a warped, noisy rendering of it."""
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing="ij")
    t = torch.linspace(0, 1, 8)[:, None]
    prototypes = []
    for _ in range(classes):
        knots = torch.rand(5, 2, generator=gen) * 1.4 - 0.7
        points = torch.cat([a + t * (b - a) for a, b in zip(knots[:-1], knots[1:])])
        distance = ((xx[..., None] - points[:, 0]) ** 2 + (yy[..., None] - points[:, 1]) ** 2).min(-1).values
        prototypes.append(torch.exp(-distance / 0.02))
    y = torch.arange(classes).repeat_interleave(per_class)
    x = warp(torch.stack(prototypes)[y].unsqueeze(1), 0.15, gen)
    return x + 0.15 * torch.randn(x.shape, generator=gen), y


class SupConNet(nn.Module):
    def __init__(self, width=12, dim=64, proj=32):
        super().__init__()
        layers, n_in = [], 1
        for n_out, stride in ((width, 2), (2 * width, 1), (dim, 2)):
            layers += [nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
            n_in = n_out
        self.encoder = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(4 * dim, dim), nn.ReLU(inplace=True), nn.Linear(dim, proj))

    def forward(self, x):
        return F.normalize(self.head(self.encoder(x)), dim=1)


def supcon_loss(features, labels, temperature=0.1):
    """features: [2 * batch, dim], both views one after the other."""
    labels = torch.cat([labels, labels])
    logits = features @ features.T / temperature
    logits = logits - logits.max(1, keepdim=True).values.detach()
    not_self = ~torch.eye(len(labels), dtype=torch.bool)
    positive = (labels[:, None] == labels[None]) & not_self
    log_prob = logits - torch.log((logits.exp() * not_self).sum(1, keepdim=True))
    return -((log_prob * positive).sum(1) / positive.sum(1)).mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)
    classes, per_class = 12, 140
    x, y = make_glyphs(classes, per_class, gen)
    is_test = (torch.arange(len(y)) % per_class) >= 100
    x_train, y_train, x_test, y_test = x[~is_test], y[~is_test], x[is_test], y[is_test]
    x_train, x_test = ((v - x[~is_test].mean()) / x[~is_test].std() for v in (x_train, x_test))

    model = SupConNet()
    epochs, batch, lr = 16, 128, 0.1
    steps = len(x_train) // batch
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    for epoch in range(1, epochs + 1):
        model.train()
        losses = AverageMeter()
        for i, idx in enumerate(torch.randperm(len(x_train))[: steps * batch].split(batch)):
            progress = (epoch - 1 + i / steps) / epochs
            warm = min(1.0, ((epoch - 1) * steps + i + 1) / (2 * steps))
            for group in optimizer.param_groups:
                group["lr"] = warm * lr * 0.5 * (1 + math.cos(math.pi * progress))
            images = torch.cat([warp(x_train[idx], 0.1, gen), warp(x_train[idx], 0.1, gen)])
            loss = supcon_loss(model(images), y_train[idx])
            losses.update(loss.item(), len(idx))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 4 == 0:
            print(f"Train: [{epoch}/{epochs}] supcon loss {losses.avg:.3f}")

    model.eval()
    with torch.no_grad():
        f_train, f_test = (F.normalize(model.encoder(v), dim=1) for v in (x_train, x_test))
    classifier = nn.Linear(f_train.shape[1], classes)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=5.0, momentum=0.9)
    for epoch in range(1, 21):
        losses = AverageMeter()
        for idx in torch.randperm(len(f_train)).split(128):
            loss = F.cross_entropy(classifier(f_train[idx]), y_train[idx])
            losses.update(loss.item(), len(idx))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                accuracy = (classifier(f_test).argmax(1) == y_test).float().mean().item()
            print(f"linear: [{epoch}/20] loss {losses.avg:.3f} test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
