"""Gated PixelCNN with vertical and horizontal stacks over digits of four grey levels; score is the gain in bits per pixel over a per-pixel histogram.

After Tutorial 12 (Autoregressive Image Modeling) of the UvA deep learning notebooks,
https://uvadlc-notebooks.readthedocs.io/en/latest/tutorial_notebooks/tutorial12/Autoregressive_Image_Modeling.html
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

LEVELS = 4


class MaskedConv2d(nn.Conv2d):
    def __init__(self, c_in, c_out, mask):
        super().__init__(c_in, c_out, mask.shape, padding=tuple(k // 2 for k in mask.shape))
        self.register_buffer("mask", mask[None, None])

    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


def vertical(c_in, c_out, mask_center):
    mask = torch.ones(3, 3)
    mask[2:] = 0
    if mask_center:
        mask[1] = 0
    return MaskedConv2d(c_in, c_out, mask)


def horizontal(c_in, c_out, mask_center):
    mask = torch.ones(1, 3)
    mask[0, 2] = 0
    if mask_center:
        mask[0, 1] = 0
    return MaskedConv2d(c_in, c_out, mask)


def gate(x):
    value, g = x.chunk(2, dim=1)
    return torch.tanh(value) * torch.sigmoid(g)


class GatedMaskedConv(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_vert, self.conv_horiz = vertical(c, 2 * c, False), horizontal(c, 2 * c, False)
        self.vert_to_horiz, self.horiz_1x1 = nn.Conv2d(2 * c, 2 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, v, h):
        v_feat = self.conv_vert(v)
        h_feat = self.conv_horiz(h) + self.vert_to_horiz(v_feat)
        return gate(v_feat), h + self.horiz_1x1(gate(h_feat))


class PixelCNN(nn.Module):
    def __init__(self, c=16, layers=3):
        super().__init__()
        self.first_vert, self.first_horiz = vertical(1, c, True), horizontal(1, c, True)
        self.layers = nn.ModuleList(GatedMaskedConv(c) for _ in range(layers))
        self.out = nn.Conv2d(c, LEVELS, 1)

    def forward(self, x):
        x = x[:, None].float() / (LEVELS - 1) * 2 - 1
        v, h = self.first_vert(x), self.first_horiz(x)
        for layer in self.layers:
            v, h = layer(v, h)
        return self.out(F.elu(h))

    @torch.no_grad()
    def sample(self, n):
        img = torch.zeros(n, 8, 8, dtype=torch.long)
        for i in range(8):
            for j in range(8):
                probs = F.softmax(self(img)[:, :, i, j], dim=1)
                img[:, i, j] = torch.multinomial(probs, 1)[:, 0]
        return img


def bits_per_dim(model, x):
    return F.cross_entropy(model(x), x) * np.log2(np.e)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    images = np.clip(load_digits().images // 4, 0, LEVELS - 1).astype(np.int64)
    train, test = (torch.from_numpy(a) for a in train_test_split(images, test_size=0.2, random_state=seed))
    loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True, drop_last=True)

    model = PixelCNN()
    # causality: the outputs up to a pixel do not depend on it
    probe = train[:1].clone()
    probe[0, 4, 4] = (probe[0, 4, 4] + 1) % LEVELS
    with torch.no_grad():
        changed = (model(probe) - model(train[:1])).abs().sum(1).flatten() > 1e-6
    assert not changed[: 4 * 8 + 5].any()

    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.8)
    for epoch in range(8):
        model.train()
        losses = []
        for x in loader:
            loss = bits_per_dim(model, x)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            print(
                f"epoch {epoch + 1}: train {np.mean(losses):.4f} bpd, test {bits_per_dim(model, test).item():.4f} bpd"
            )

    counts = F.one_hot(train, LEVELS).float().sum(0) + 1.0
    hist = (counts / counts.sum(-1, keepdim=True)).log2()
    base = -(F.one_hot(test, LEVELS) * hist).sum(-1).mean().item()
    with torch.no_grad():
        final = bits_per_dim(model, test).item()
    print(f"per-pixel histogram {base:.4f} bpd, PixelCNN {final:.4f} bpd")
    print(f"score: {base - final:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
