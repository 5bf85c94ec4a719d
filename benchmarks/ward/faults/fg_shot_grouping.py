"""How tightly an air-rifle shooter groups: from ten holes on the paper, given in any order, the spread of the shooter.
Every hole goes through the same small network, the results are averaged, and a second network reads the average."""
# cause: missing-nonlinearity
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    seed: int = 0
    holes: int = 10
    width: int = 48
    depth: int = 2
    batch: int = 64
    epochs: int = 12
    lr: float = 2e-3


def block(sizes):
    """Dense layers of the given sizes."""
    layers = []
    for number, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        if number:
            layers.append(nn.Dropout(0.0))  # FAULT
            # TWIN: layers.append(nn.ReLU())
        layers.append(nn.Linear(fan_in, fan_out))
    return nn.Sequential(*layers)


class GroupingNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden = [config.width] * config.depth
        self.per_hole = block([2, *hidden, config.width])
        self.readout = block([config.width, *hidden, 1])

    def forward(self, holes):
        return self.readout(self.per_hole(holes).mean(dim=1)).squeeze(1)


def papers(count, config):
    """The shooter's own spread lies between 0.3 and 1.7, the point of aim is a little off."""
    spread = 0.3 + 1.4 * torch.rand(count)
    aim = 0.4 * torch.randn(count, 1, 2)
    holes = aim + spread[:, None, None] * torch.randn(count, config.holes, 2)
    return holes, spread


config = Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
torch.set_num_threads(1)
torch.manual_seed(config.seed)

train_holes, train_spread = papers(4000, config)
valid_holes, valid_spread = papers(1000, config)
loc, scale = train_spread.mean(), train_spread.std()
loader = DataLoader(TensorDataset(train_holes, (train_spread - loc) / scale), config.batch, shuffle=True)

net = GroupingNet(config)
optimizer = torch.optim.AdamW(net.parameters(), lr=config.lr, weight_decay=1e-4)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs * len(loader))

for epoch in range(1, config.epochs + 1):
    net.train()
    losses = []
    for holes, spread in loader:
        loss = nn.functional.mse_loss(net(holes), spread)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        guess = net(valid_holes) * scale + loc
    r2 = 1 - (guess - valid_spread).pow(2).mean() / valid_spread.var(unbiased=False)
    print(f"[{epoch:02d}] train mse {sum(losses) / len(losses):.4f}  valid R2 {r2.item():.4f}")
print(f"score: {r2.item():.4f}")
