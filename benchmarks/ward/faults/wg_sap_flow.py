"""Sap flow of trees from weather: heads made by a factory; the targets are standardized, the output is not free."""
# cause: output-range
# kind: dynamic

import sys
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Weather(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 5, generator=g)
        flow = 1.5 * self.x[:, 0] - self.x[:, 1] * self.x[:, 2] + torch.sin(2 * self.x[:, 3])
        self.y = (flow - flow.mean()) / flow.std()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"weather": self.x[i], "flow": self.y[i : i + 1]}


def make_head(width, kind):
    squash = {"bounded": torch.sigmoid, "positive": F.softplus, "free": partial(torch.mul, other=1.0)}
    return nn.Linear(width, 1), squash[kind]


class SapModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width = cfg["width"]
        self.body = nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out, self.squash = make_head(width, cfg["head"])

    def forward(self, weather):
        h = self.body(weather)
        return self.squash(self.out(h))

    def loss(self, batch):
        return F.mse_loss(self(batch["weather"]), batch["flow"])


cfg = {"width": 64, "lr": 2e-3, "epochs": 15}
cfg["head"] = "bounded"  # FAULT
# TWIN: cfg["head"] = "free"


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, test = Weather(2000, seed), Weather(500, seed + 99)
    loader = DataLoader(train, batch_size=50, shuffle=True)
    model = SapModel(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        for batch in loader:
            loss = model.loss(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{epoch:2d} {loss.item():.4f}")
    with torch.no_grad():
        print(f"score: {1 - F.mse_loss(model(test.x), test.y[:, None]).item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
