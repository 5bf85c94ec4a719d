"""Daily melt of a glacier from weather: a regression on nine inputs with a trainer of a few lines."""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class MeltDays(Dataset):
    def __init__(self, days, rng):
        warmth, sun, wind, snow = rng.normal(size=(4, days))
        rest = rng.normal(size=(5, days))
        melt = np.maximum(warmth + 0.4 * sun, -0.3) * (1 + 0.3 * wind) - 0.6 * np.tanh(2 * snow) + 0.3 * rest[0] * sun
        self.weather = np.stack([warmth, sun, wind, snow, *rest], axis=1).astype(np.float32)
        self.melt = (melt + 0.1 * rng.normal(size=days)).astype(np.float32)

    def __len__(self):
        return len(self.melt)

    def __getitem__(self, i):
        return self.weather[i], self.melt[i]


class MeltModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = nn.Sequential(nn.Linear(9, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))

    def forward(self, weather):
        return self.stack(weather)  # FAULT
        # TWIN: return self.stack(weather).squeeze(-1)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)
        self.history = []

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            total = 0.0
            for weather, melt in loader:
                loss = ((self.model(weather) - melt) ** 2).mean()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            self.history.append(total / len(loader))
            print(f"epoch {epoch} loss {self.history[-1]:.4f}")

    @torch.no_grad()
    def r2(self, data):
        predicted = self.model(torch.from_numpy(data.weather)).numpy().reshape(-1)
        return 1 - np.mean((predicted - data.melt) ** 2) / np.var(data.melt)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, test = MeltDays(2500, rng), MeltDays(500, rng)
    trainer = Trainer(MeltModel(), lr=3e-3)
    trainer.fit(DataLoader(train, batch_size=50, shuffle=True), epochs=12)
    print(f"score: {trainer.r2(test):.4f}")
