"""FixMatch on digits with ten labels a class: confident weak-view pseudo-labels teach the strong view; EMA model.

After Sohn et al. (2020) and https://github.com/kekmodel/FixMatch-pytorch
"""

import copy
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.lr_scheduler import LambdaLR

LABELS_PER_CLASS, MU, THRESHOLD, LAMBDA_U = 10, 3, 0.95, 1.0


def shift(x, limit):
    dy, dx = np.random.randint(-limit, limit + 1, size=2)
    return torch.roll(F.pad(x, (2, 2, 2, 2)), (int(dy), int(dx)), dims=(2, 3))[:, :, 2:-2, 2:-2]


def weak(x):
    """Shifts by a pixel at most; one shift for a chunk of the batch."""
    return torch.cat([shift(c, 1) for c in x.chunk(4)])


def strong(x):
    x = weak(x)
    x = x * torch.empty(len(x), 1, 1, 1).uniform_(0.7, 1.3) + 0.15 * torch.randn_like(x)
    mask = torch.ones_like(x)
    for i, (r, c) in enumerate(np.random.randint(0, 7, size=(len(x), 2))):  # cutout of 2 x 2
        mask[i, :, r : r + 2, c : c + 2] = 0
    return x * mask


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.1),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
            nn.Linear(32 * 16, 10),
        )

    def forward(self, x):
        return self.net(x)


class ModelEMA:
    def __init__(self, model, decay):
        self.ema = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.ema.parameters(), model.parameters()):
            e.lerp_(p, 1 - self.decay)
        for e, b in zip(self.ema.buffers(), model.buffers()):
            e.copy_(b)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    train_idx, test_idx = train_test_split(
        np.arange(len(labels)), test_size=0.3, stratify=digits.target, random_state=seed
    )
    labelled = np.concatenate([train_idx[digits.target[train_idx] == c][:LABELS_PER_CLASS] for c in range(10)])
    x_l, y_l, x_u = images[labelled], labels[labelled], images[train_idx]
    x_test, y_test = images[test_idx], labels[test_idx]

    model = ConvNet()
    ema = ModelEMA(model, decay=0.97)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}],
        lr=0.05,
        momentum=0.9,
        nesterov=True,
    )
    total_steps = 300
    scheduler = LambdaLR(optimizer, lambda s: math.cos(7 * math.pi * s / (16 * total_steps)))
    batch = 32
    for step in range(1, total_steps + 1):
        model.train()
        i = torch.randint(len(x_l), (batch,))
        j = torch.randint(len(x_u), (batch * MU,))
        logits = model(torch.cat([weak(x_l[i]), weak(x_u[j]), strong(x_u[j])]))
        logits_x = logits[:batch]
        logits_w, logits_s = logits[batch:].chunk(2)
        loss_x = F.cross_entropy(logits_x, y_l[i])
        max_prob, pseudo = torch.softmax(logits_w.detach(), dim=1).max(dim=1)
        mask = (max_prob >= THRESHOLD).float()
        loss_u = (F.cross_entropy(logits_s, pseudo, reduction="none") * mask).mean()
        loss = loss_x + LAMBDA_U * loss_u
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        ema.update(model)
        if step % 50 == 0:
            right = ((pseudo == labels[train_idx][j]) * mask).sum() / mask.sum().clamp(min=1)
            print(
                f"step {step}  loss_x {loss_x.item():.4f}  loss_u {loss_u.item():.4f}  "
                f"mask {mask.mean().item():.2f}  pseudo-label accuracy {right.item():.3f}"
            )

    with torch.no_grad():
        accuracy = (ema.ema(x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
