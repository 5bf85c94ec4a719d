"""MADE: a masked autoregressive autoencoder models binarized digits pixel by pixel; score is the gain in bits per pixel on held-out images.

After https://github.com/karpathy/pytorch-made (made.py, run.py), with masks resampled now and then (order-agnostic training).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class MaskedLinear(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("mask", torch.ones(out_features, in_features))

    def set_mask(self, mask):
        self.mask.copy_(torch.from_numpy(mask.astype(np.float32).T))

    def forward(self, x):
        return F.linear(x, self.mask * self.weight, self.bias)


class MADE(nn.Module):
    def __init__(self, nin, hidden_sizes, num_masks=1):
        super().__init__()
        self.nin, self.hidden_sizes, self.num_masks = nin, hidden_sizes, num_masks
        sizes = [nin] + hidden_sizes + [nin]
        layers = []
        for h0, h1 in zip(sizes[:-1], sizes[1:]):
            layers += [MaskedLinear(h0, h1), nn.ReLU()]
        layers.pop()  # no activation after the last
        self.net = nn.Sequential(*layers)
        self.seed = 0
        self.update_masks()

    def update_masks(self):
        """Cycle through num_masks fixed sets of masks; pixel order stays natural."""
        rng = np.random.RandomState(self.seed)
        self.seed = (self.seed + 1) % self.num_masks
        m = [np.arange(self.nin)]
        for h in self.hidden_sizes:
            m.append(rng.randint(m[-1].min(), self.nin - 1, size=h))
        masks = [a[:, None] <= b[None, :] for a, b in zip(m[:-1], m[1:])]
        masks.append(m[-1][:, None] < m[0][None, :])
        linears = [layer for layer in self.net if isinstance(layer, MaskedLinear)]
        for layer, mask in zip(linears, masks):
            layer.set_mask(mask)

    def forward(self, x):
        return self.net(x)


def run_epoch(model, x, opt=None, batch_size=100, samples=1, resample_every=10, gen=None):
    train = opt is not None
    model.train(train)
    total, count = 0.0, 0
    order = torch.randperm(len(x), generator=gen) if train else torch.arange(len(x))
    with torch.set_grad_enabled(train):
        for step, idx in enumerate(order.split(batch_size)):
            xb = x[idx]
            logits = torch.zeros_like(xb)
            for _ in range(samples):
                if not train or step % resample_every == 0:
                    model.update_masks()
                logits = logits + model(xb)
            logits = logits / samples
            loss = F.binary_cross_entropy_with_logits(logits, xb, reduction="sum") / len(xb)
            if train:
                opt.zero_grad()
                loss.backward()
                opt.step()
            total += loss.item() * len(xb)
            count += len(xb)
    return total / count


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    images = (load_digits().data > 7).astype(np.float32)
    xtr, xte = train_test_split(images, test_size=0.2, random_state=seed)
    xtr, xte = torch.from_numpy(xtr), torch.from_numpy(xte)

    model = MADE(xtr.size(1), [300], num_masks=2)
    print("number of model parameters:", sum(p.numel() for p in model.parameters()))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.StepLR(opt, step_size=25, gamma=0.3)

    for epoch in range(50):
        train_nll = run_epoch(model, xtr, opt, gen=gen)
        scheduler.step()
        if (epoch + 1) % 10 == 0:
            test_nll = run_epoch(model, xte, samples=4)
            print(f"epoch {epoch + 1:3d}  train {train_nll:.3f} nats  test {test_nll:.3f} nats")

    # pixel-wise independent Bernoulli as the baseline
    p = xtr.mean(0).clamp(1e-3, 1 - 1e-3)
    base = F.binary_cross_entropy(p.expand_as(xte), xte, reduction="sum").item() / len(xte)
    test_nll = run_epoch(model, xte, samples=4)
    print(f"independent pixels: {base:.3f} nats, MADE: {test_nll:.3f} nats")
    print(f"score: {(base - test_nll) / (64 * np.log(2)):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
