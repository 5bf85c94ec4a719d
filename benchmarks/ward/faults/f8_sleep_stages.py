"""Five stages of sleep from 24 measures of the night. The biases start below zero, which was said to make the activity
of the units sparse from the beginning."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SETTINGS = {"measures": 24, "stages": 5, "width": 64, "lr": 0.03, "epochs": 8, "batch": 40}


def nights(n, projection):
    x = torch.randn(n, SETTINGS["measures"])
    hidden = torch.tanh(x @ projection[0]) @ projection[1]
    return x, (hidden + 0.25 * torch.randn_like(hidden)).argmax(1)


class StageNet(nn.Module):
    def __init__(self, measures, width, stages):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(measures, width), nn.Linear(width, width)])
        self.out = nn.Linear(width, stages)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.bias, -4.0)  # FAULT
            # TWIN: nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    projection = torch.randn(SETTINGS["measures"], 10) * 0.3, torch.randn(10, SETTINGS["stages"])
    train = DataLoader(TensorDataset(*nights(6000, projection)), batch_size=SETTINGS["batch"], shuffle=True)
    x_test, y_test = nights(600, projection)
    model = StageNet(SETTINGS["measures"], SETTINGS["width"], SETTINGS["stages"])
    optimizer = torch.optim.SGD(model.parameters(), lr=SETTINGS["lr"], momentum=0.8, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, SETTINGS["epochs"])
    criterion = nn.CrossEntropyLoss()
    for epoch in range(SETTINGS["epochs"]):
        total = 0.0
        for x, y in train:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        with torch.no_grad():
            out = model(x_test)
        accuracy = (out.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {total / len(train):.4f} test {criterion(out, y_test):.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
