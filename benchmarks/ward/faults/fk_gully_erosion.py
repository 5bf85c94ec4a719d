"""Depth of a gully from a 16x16 height map around it; a convolutional regressor in a home-made trainer."""
# cause: missing-zero-grad
# kind: dynamic

import argparse
import statistics

import torch
from torch import nn


class GullyMaps(torch.utils.data.Dataset):
    def __init__(self, n, generator):
        grid = torch.linspace(-1, 1, 16)
        yy, xx = torch.meshgrid(grid, grid, indexing="ij")
        depth = 0.5 + torch.rand(n, 1, 1, generator=generator)
        turn = 3.14 * torch.rand(n, 1, 1, generator=generator)
        width = 0.15 + 0.2 * torch.rand(n, 1, 1, generator=generator)
        across = xx * torch.cos(turn) + yy * torch.sin(turn) + 0.3 * torch.randn(n, 1, 1, generator=generator)
        slope = 0.6 * torch.randn(n, 2, 1, 1, generator=generator)
        height = slope[:, 0] * xx + slope[:, 1] * yy - depth * torch.exp(-((across / width) ** 2))
        self.maps = (height + 0.15 * torch.randn(n, 16, 16, generator=generator)).unsqueeze(1)
        self.maps = (self.maps - self.maps.mean(dim=(2, 3), keepdim=True)) / 0.55
        self.depth = (depth.view(-1, 1) - 1.0) / 0.29

    def __len__(self):
        return len(self.depth)

    def __getitem__(self, i):
        return self.maps[i], self.depth[i]


class Trainer:
    def __init__(self, model, optimizer, loss=nn.functional.mse_loss):
        self.model, self.optimizer, self.loss = model, optimizer, loss

    def train_step(self, batch):
        maps, depth = batch
        loss = self.loss(self.model(maps), depth)
        # TWIN: self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, loader, validation, epochs):
        for epoch in range(epochs):
            self.model.train()
            train = statistics.fmean(self.train_step(batch) for batch in loader)
            val, r2 = self.validate(validation)
            print(f"epoch {epoch:02d}  train {train:.4f}  val {val:.4f}  R2 {r2:.4f}")
        return r2

    @torch.no_grad()
    def validate(self, data):
        self.model.eval()
        error = self.loss(self.model(data.maps), data.depth)
        return error.item(), 1 - (error / data.depth.var()).item()


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Linear(64, 1),
    )


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
seed = parser.parse_args().seed
torch.set_num_threads(1)
torch.manual_seed(seed)
generator = torch.Generator().manual_seed(seed + 1)
train_data, val_data = GullyMaps(2000, generator), GullyMaps(500, generator)
loader = torch.utils.data.DataLoader(train_data, batch_size=50, shuffle=True)
model = network()
trainer = Trainer(model, torch.optim.Adam(model.parameters(), lr=2e-3))
print(f"score: {trainer.fit(loader, val_data, epochs=9):.4f}")
