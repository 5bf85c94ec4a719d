"""Finds the pixel blocks of a sky image that hold a star. Following the detector paper, biases start at the log-odds of
the prior share of stars; the loop that sets them sets those of every convolution, not of the last alone."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


def sky(n, gen):
    stars = (torch.rand(n, 1, 6, 6, generator=gen) < 0.06).float()
    flux = 1.0 + torch.rand(n, 1, 6, 6, generator=gen)
    image = torch.zeros(n, 1, 24, 24)
    image[:, :, 1::4, 2::4] = stars * flux
    kernel = torch.tensor([[0.4, 0.7, 0.4], [0.7, 1.0, 0.7], [0.4, 0.7, 0.4]]).view(1, 1, 3, 3)
    image = F.conv2d(image, kernel, padding=1)
    hot = (torch.rand(image.shape, generator=gen) < 0.02).float() * 2.0
    return image + hot + 0.25 * torch.randn(image.shape, generator=gen), stars


class Detector(nn.Module):
    def __init__(self, prior=0.06):
        super().__init__()
        self.c1 = nn.Conv2d(1, 12, 3, padding=1)
        self.c2 = nn.Conv2d(12, 24, 3, stride=2, padding=1)
        self.c3 = nn.Conv2d(24, 24, 3, stride=2, padding=1)
        self.head = nn.Conv2d(24, 1, 1)
        found_by_prior = [self.c1, self.c2, self.c3, self.head]  # FAULT
        # TWIN: found_by_prior = [self.head]
        for layer in found_by_prior:
            nn.init.constant_(layer.bias, -math.log((1 - prior) / prior))

    def forward(self, x):
        return self.head(F.relu(self.c3(F.relu(self.c2(F.relu(self.c1(x)))))))


def f1(logits, stars):
    found = logits > 0
    hit = (found & (stars > 0)).sum().item()
    return 2 * hit / max(found.sum().item() + stars.sum().item(), 1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    x, y = sky(1000, gen)
    xv, yv = sky(250, gen)
    model = Detector()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        for idx in torch.randperm(len(x)).split(40):
            loss = F.binary_cross_entropy_with_logits(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            out = model(xv)
        val_loss = F.binary_cross_entropy_with_logits(out, yv).item()
        print(f"epoch {epoch} loss {loss.item():.4f} val {val_loss:.4f} F1 {f1(out, yv):.3f}")
    print(f"score: {f1(out, yv):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
