"""How a bus's delay changes to the next stop, from the delays at the last eight stops, the hour and the weather. A
transformer layer reads the stops. The night job has a short time slot."""
# cause: under-trained
# accept: learning-rate-too-low underfitting
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 1  # FAULT
# TWIN: EPOCHS = 14


def trips(n):
    hour, rain = torch.rand(n), torch.rand(n)
    drift = torch.randn(n, 1)
    wobble = torch.randn(n, 9).cumsum(1) * 0.5
    rush = torch.sin(6.283 * hour).unsqueeze(1)
    delay = drift + wobble * (0.6 + 0.6 * rain.unsqueeze(1)) + rush * torch.linspace(0, 1.5, 9)
    stops = torch.stack(
        [delay[:, :8], hour.unsqueeze(1).expand(n, 8) * 2 - 1, rain.unsqueeze(1).expand(n, 8) * 2 - 1], 2
    )
    change = 1.2 * (delay[:, 7] - delay[:, 5]) * (2 * rain - 1) + rush[:, 0] * (1 - rain) + 0.1 * torch.randn(n)
    return stops, change


class StopReader(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embed = nn.Linear(3, dim)
        self.place = nn.Parameter(0.1 * torch.randn(8, dim))
        self.layer = nn.TransformerEncoderLayer(dim, 4, 48, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(dim, 1)

    def forward(self, stops):
        return self.out(self.layer(self.embed(stops) + self.place)[:, -1]).squeeze(1)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return 1 - (F.mse_loss(model(x), y) / y.var()).item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    loader = DataLoader(TensorDataset(*trips(3000)), batch_size=64, shuffle=True)
    x_test, y_test = trips(500)
    model = StopReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(EPOCHS):
        model.train()
        for step, (x, y) in enumerate(loader):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.4f}")
    print(f"score: {evaluate(model, x_test, y_test):.4f}")
