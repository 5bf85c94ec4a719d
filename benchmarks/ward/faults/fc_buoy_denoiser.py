"""Denoises the acceleration traces of wave buoys with a small convolutional network.

The layers came from a picture denoiser of ours; the traces are centred and scaled before they go in.
"""
# cause: output-range
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn


def traces(count, length=96):
    """Clean and noisy swell: two or three waves each."""
    t = torch.linspace(0, 1, length)
    clean = torch.zeros(count, length)
    for low, high, strength in ((1.5, 4.0, 1.0), (4.0, 8.0, 0.6), (8.0, 12.0, 0.3)):
        frequency = low + (high - low) * torch.rand(count, 1)
        phase = 2 * math.pi * torch.rand(count, 1)
        size = strength * (0.5 + torch.rand(count, 1))
        clean += size * torch.sin(2 * math.pi * frequency * t + phase)
    return clean, clean + 0.7 * torch.randn(count, length)


class Denoiser(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, width, 9, padding=4),
            nn.ReLU(),
            nn.Conv1d(width, width, 9, padding=4),
            nn.ReLU(),
            nn.Conv1d(width, width, 9, padding=4),
            nn.ReLU(),
            nn.Conv1d(width, 1, 9, padding=4),
            nn.Sigmoid(),  # FAULT
        )

    def forward(self, x):
        return self.body(x.unsqueeze(1)).squeeze(1)


def evaluate(model, noisy, clean):
    model.eval()
    with torch.no_grad():
        error = (model(noisy) - clean).pow(2).mean()
    model.train()
    return 1 - (error / clean.var()).item()


def run(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    clean, noisy = traces(2400)
    mean, std = noisy[:2000].mean(), noisy[:2000].std()
    clean, noisy = (clean - mean) / std, (noisy - mean) / std
    train_clean, train_noisy = clean[:2000], noisy[:2000]
    val_clean, val_noisy = clean[2000:], noisy[2000:]

    model = Denoiser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    epochs, batch = 7, 50
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (2000 // batch))
    for epoch in range(1, epochs + 1):
        losses = []
        for rows in torch.randperm(2000).split(batch):
            loss = nn.functional.mse_loss(model(train_noisy[rows]), train_clean[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"{epoch:2d}: train {sum(losses) / len(losses):.4f}  val R2 {evaluate(model, val_noisy, val_clean):.4f}")
    print(f"score: {evaluate(model, val_noisy, val_clean):.4f}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
