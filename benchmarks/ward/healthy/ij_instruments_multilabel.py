"""Which of five instruments sound in a mixture? Strided 1-D convolutions on the waveform, multi-label BCE, RMSprop,
a step schedule. Score: macro F1 on held-out mixtures.
"""

import argparse
import math

import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
TIMBRES = torch.tensor(
    [
        [1.0, 0, 0, 0, 0, 0],
        [1, 0, 0.6, 0, 0.4, 0],
        [0.4, 1, 0.2, 0.8, 0, 0.5],
        [0.2, 0.3, 1, 0, 0.9, 0.7],
        [1, 0.8, 0.7, 0.6, 0.5, 0.4],
    ]
)
BASE = torch.tensor([0.012, 0.018, 0.025, 0.033, 0.008])


def mixtures(n, length=512):
    labels = (torch.rand(n, 5) < 0.4).float()
    t = torch.arange(length).float()
    pitch = BASE * (0.95 + 0.1 * torch.rand(n, 5))
    wave = torch.zeros(n, length)
    for k in range(6):
        phase = 2 * math.pi * torch.rand(n, 5, 1)
        gain = labels * TIMBRES[:, k] * (0.7 + 0.6 * torch.rand(n, 5))
        wave += (gain[..., None] * torch.sin(2 * math.pi * (k + 1) * pitch[..., None] * t + phase)).sum(1)
    return (wave + 0.3 * torch.randn(n, length))[:, None] / 1.5, labels


class WaveNetSmall(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 32, 65, stride=8, padding=32), nn.BatchNorm1d(32), nn.ReLU(),
            nn.Conv1d(32, 48, 9, stride=2, padding=4), nn.BatchNorm1d(48), nn.ReLU(),
            nn.Conv1d(48, 48, 5, stride=2, padding=2), nn.BatchNorm1d(48), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Linear(48, 5)

    def forward(self, x):
        return self.classifier(self.features(x).mean(2))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=50)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    loader = DataLoader(TensorDataset(*mixtures(3000)), batch_size=args.batch_size, shuffle=True)
    x_val, y_val = mixtures(600)
    model = WaveNetSmall()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.4)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            logits = model(x_val)
        f1 = f1_score(y_val.numpy(), (logits > 0).numpy(), average="macro")
        print(f"epoch {epoch}: train {total / len(loader):.4f} val {criterion(logits, y_val).item():.4f} F1 {f1:.4f}")
    print(f"score: {f1:.4f}")


if __name__ == "__main__":
    main()
