"""How much of a 20 x 20 drone frame is kelp (a share from 0 to 1).

The survey set is read picture by picture, as the drone will send them.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Frames(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:20, 0:20]
        pictures, shares = [], []
        for _ in range(n):
            kelp = np.zeros((20, 20), dtype=bool)
            for _ in range(rng.integers(0, 7)):
                cy, cx, r = *rng.uniform(0, 20, 2), rng.uniform(2, 6)
                kelp |= (y - cy) ** 2 + (x - cx) ** 2 < r * r
            water = rng.normal(0.35, 0.12, (20, 20))
            plants = rng.normal(0.6, 0.12, (20, 20))
            pictures.append(np.where(kelp, plants, water)[None])
            shares.append(kelp.mean())
        self.pictures = torch.tensor((np.array(pictures) - 0.43) / 0.18, dtype=torch.float32)
        self.shares = torch.tensor(np.array(shares), dtype=torch.float32)

    def __len__(self):
        return len(self.shares)

    def __getitem__(self, i):
        return self.pictures[i], self.shares[i]


def block(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2))


class Trainer:
    def __init__(self, model, lr, epochs):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)
        self.epochs = epochs

    def fit(self, loader, survey):
        for epoch in range(self.epochs):
            self.model.train()
            total = 0.0
            for pictures, shares in loader:
                self.optimizer.zero_grad()
                loss = nn.functional.mse_loss(self.model(pictures).squeeze(1), shares)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            self.scheduler.step()
            print(f"epoch {epoch + 1:2d}  train mse {total / len(loader):.5f}  survey R2 {self.survey(survey):.4f}")

    def survey(self, frames):
        # TWIN: self.model.eval()
        with torch.no_grad():
            guesses = torch.cat([self.model(picture[None]).squeeze(1) for picture, _ in frames])
        return 1 - ((guesses - frames.shares) ** 2).mean().item() / frames.shares.var().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, survey = Frames(1500, seed), Frames(300, seed + 10_000)
    loader = DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
    model = nn.Sequential(block(1, 12), block(12, 24), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 1))
    trainer = Trainer(model, lr=3e-3, epochs=12)
    trainer.fit(loader, survey)
    print(f"score: {trainer.survey(survey):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
