"""Semi-supervised digits with ten labels a class: a student is pushed to agree with its own moving average under noise, and
the consistency weight is ramped up over the first epochs.

After https://github.com/CuriousAI/mean-teacher (Tarvainen & Valpola 2017).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.LeakyReLU(0.1),
            nn.MaxPool2d(2),
            nn.Dropout(0.2),
            nn.Conv2d(12, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
        )
        self.fc = nn.Linear(24 * 16, 10)

    def forward(self, x):
        return self.fc(self.features(x))


def perturb(x):
    """A shift of at most one pixel for each image, and Gaussian noise."""
    n, size = len(x), x.shape[-1]
    shift = (2 * torch.rand(n, 2) - 1) * 2 / size
    theta = torch.eye(2, 3).repeat(n, 1, 1)
    theta[:, :, 2] = shift
    x = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)
    return x + 0.1 * torch.randn_like(x)


def sigmoid_rampup(current, length):
    phase = 1.0 - np.clip(current, 0.0, length) / length
    return float(np.exp(-5.0 * phase * phase))


@torch.no_grad()
def update_ema_variables(model, ema_model, alpha, global_step):
    alpha = min(1 - 1 / (global_step + 1), alpha)  # the true average until the exponential one is more correct
    for ema_param, param in zip(ema_model.parameters(), model.parameters()):
        ema_param.mul_(alpha).add_(param, alpha=1 - alpha)


def batches(n, size):
    while True:
        yield from torch.randperm(n)[: n // size * size].split(size)


@torch.no_grad()
def validate(model, x, y):
    model.eval()
    accuracy = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return accuracy


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(labels)
    train_idx, test_idx = train_test_split(np.arange(len(y)), test_size=0.3, stratify=labels, random_state=seed)
    labelled, unlabelled = train_test_split(train_idx, train_size=100, stratify=labels[train_idx], random_state=seed)
    x_l, y_l, x_u = x[labelled], y[labelled], x[unlabelled]
    x_test, y_test = x[test_idx], y[test_idx]

    model, ema_model = ConvNet(), ConvNet()
    ema_model.load_state_dict(model.state_dict())
    ema_model.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=2e-4)
    steps, rampup, max_weight, ema_decay = 320, 100, 30.0, 0.98
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: 0.5 * (np.cos(np.pi * s / (1.2 * steps)) + 1))
    labelled_batches, unlabelled_batches = batches(len(x_l), 25), batches(len(x_u), 75)
    model.train(), ema_model.train()
    for step in range(steps):
        i, j = next(labelled_batches), next(unlabelled_batches)
        both = torch.cat([x_l[i], x_u[j]])
        logits = model(perturb(both))
        with torch.no_grad():
            ema_logits = ema_model(perturb(both))
        class_loss = F.cross_entropy(logits[: len(i)], y_l[i])
        consistency = F.mse_loss(logits.softmax(1), ema_logits.softmax(1))
        weight = max_weight * sigmoid_rampup(step, rampup)
        loss = class_loss + weight * consistency
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        update_ema_variables(model, ema_model, ema_decay, step)
        if (step + 1) % 40 == 0:
            print(
                f"step {step + 1}: class loss {class_loss.item():.4f}, consistency {consistency.item():.5f} (x {weight:.1f}), "
                f"student {validate(model, x_test, y_test):.4f}, teacher {validate(ema_model, x_test, y_test):.4f}"
            )
    print(f"score: {validate(ema_model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
