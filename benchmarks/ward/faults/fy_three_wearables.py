"""Activity recognition from three body-worn sensors (wrist, ankle, chest). One encoder is shared by the sensors,
their features are put side by side and classified (late fusion).
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

N_ACTIVITIES = 6
# how strongly each sensor moves in each activity: sit, walk, run, cycle, row, stairs
AMPLITUDE = np.array(
    [[0.1, 0.1, 0.1], [0.6, 1.0, 0.4], [1.1, 1.6, 1.0], [0.1, 1.2, 0.2], [1.4, 0.3, 0.9], [0.5, 1.2, 0.8]]
)
RATE = np.array([0.5, 2.0, 3.0, 2.0, 1.0, 2.0])


def make_windows(n, rng):
    t = np.linspace(0, 4, 40)
    label = rng.integers(0, N_ACTIVITIES, n)
    sensors = []
    for s in range(3):
        amp = AMPLITUDE[label, s] * rng.uniform(0.7, 1.3, n)
        rate = RATE[label] * rng.uniform(0.85, 1.15, n)
        phase = rng.uniform(0, 2 * np.pi, n)
        wave = amp[:, None] * np.sin(2 * np.pi * rate[:, None] * t + phase[:, None])
        sensors.append(torch.tensor(wave + 0.3 * rng.normal(size=wave.shape), dtype=torch.float32))
    return sensors, torch.from_numpy(label)


class LateFusion(nn.Module):
    def __init__(self, n_feat=24):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2),
            nn.GELU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, n_feat, 5, padding=2),
            nn.GELU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Linear(3 * n_feat, 48), nn.GELU(), nn.Linear(48, N_ACTIVITIES))

    def forward(self, wrist, ankle, chest):
        batch = wrist.shape[0]
        x = torch.stack([wrist, ankle, chest])  # sensor x batch x time
        feats = self.encoder(x.reshape(3 * batch, 1, -1))
        feats = feats.view(batch, -1)  # FAULT
        # TWIN: feats = feats.view(3, batch, -1).transpose(0, 1).reshape(batch, -1)
        return self.classifier(feats)


def evaluate(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for wrist, ankle, chest, y in loader:
            hits += (model(wrist, ankle, chest).argmax(1) == y).sum().item()
            total += len(y)
    return hits / total


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (wrist, ankle, chest), y = make_windows(2400, rng)
    train = DataLoader(TensorDataset(wrist[:1800], ankle[:1800], chest[:1800], y[:1800]), batch_size=60, shuffle=True)
    test = DataLoader(TensorDataset(wrist[1800:], ankle[1800:], chest[1800:], y[1800:]), batch_size=60)

    model = LateFusion()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        running = 0.0
        for wrist_b, ankle_b, chest_b, y_b in train:
            optimizer.zero_grad()
            loss = criterion(model(wrist_b, ankle_b, chest_b), y_b)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch:02d}  train loss {running / len(train):.4f}  test acc {evaluate(model, test):.4f}")

    print(f"score: {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
