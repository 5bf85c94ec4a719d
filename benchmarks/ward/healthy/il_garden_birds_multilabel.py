"""Which of eight birds called in a garden during a minute: several may, so each has its own sigmoid. Mean average
precision on held-out minutes."""

import sys

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BIRDS, BANDS = 8, 32


def minutes(count, rng, songs):
    present = (rng.random((count, BIRDS)) < 0.25).astype(np.float32)
    loudness = rng.uniform(0.2, 1.2, present.shape)
    power = np.log1p((present * loudness) @ songs + rng.gamma(1.0, 1.2, (count, BANDS)))
    return torch.tensor(power, dtype=torch.float32), torch.tensor(present)


class BirdNet(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(BANDS, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, BIRDS),
        )

    def forward(self, power):
        return self.layers(power)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    songs = rng.gamma(0.4, 1.5, (BIRDS, BANDS))
    (x, y), (valid_x, valid_y) = minutes(4000, rng, songs), minutes(1000, rng, songs)
    mean, std = x.mean(0), x.std(0)
    loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=64, shuffle=True)
    valid_x = (valid_x - mean) / std

    model = BirdNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs=8, steps_per_epoch=len(loader))
    for epoch in range(8):
        model.train()
        for power, present in loader:
            loss = criterion(model(power), present)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
        precision = average_precision_score(valid_y.numpy(), logits.numpy(), average="macro")
        print(f"epoch {epoch + 1} valid loss {criterion(logits, valid_y).item():.4f} mAP {precision:.4f}")
    print(f"score: {precision:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
