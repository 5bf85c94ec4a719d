"""Radio field strength over a town from the position, learnt from a drive with a receiver."""
# cause: underfitting
# kind: dynamic

import sys

import torch
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

SETTINGS = {
    "hidden": 2,  # FAULT
    # TWIN: "hidden": 96,
    "batch": 64,
    "epochs": 32,
    "rate": 1e-2,
}

masts = torch.rand(5, 2) * 1.6 - 0.8


def strength(position):
    """Standardised decibels: the nearest of five masts, each with a reach of its own, and two reflections."""
    distance = torch.cdist(position, masts)
    level = (torch.exp(-((distance / 0.35) ** 2)) * torch.tensor([1.0, -1.0, 1.2, -0.9, 1.0])).sum(dim=1)
    return 1.6 * (level + 0.5 * torch.sin(5 * position[:, 0]) * torch.cos(4 * position[:, 1]))


def drive(n):
    position = torch.rand(n, 2) * 2 - 1
    return position / 0.58, strength(position) + 0.05 * torch.randn(n)


class FieldNet(torch.nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first = torch.nn.Linear(2, hidden)
        self.second = torch.nn.Linear(hidden, hidden)
        self.last = torch.nn.Linear(hidden, 1)

    def forward(self, position):
        h = torch.tanh(self.first(position))
        h = torch.tanh(self.second(h))
        return self.last(h).squeeze(1)


x_train, y_train = drive(3000)
x_val, y_val = drive(800)
net = FieldNet(SETTINGS["hidden"])
optimizer = torch.optim.Adam(net.parameters(), lr=SETTINGS["rate"])
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, SETTINGS["epochs"])
for epoch in range(SETTINGS["epochs"]):
    total = 0.0
    for rows in torch.randperm(len(x_train)).split(SETTINGS["batch"]):
        loss = F.mse_loss(net(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    with torch.no_grad():
        val_loss = F.mse_loss(net(x_val), y_val).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {total / len(x_train):.4f} val {val_loss:.4f}")

print(f"score: {1 - val_loss / y_val.var(unbiased=False).item():.4f}")
