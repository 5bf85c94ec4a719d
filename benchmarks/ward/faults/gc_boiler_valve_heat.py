"""Heat of a boiler from its valve and the weather: one long record at a time, (T, F) without a batch.
Score: R2 on records not seen.
"""
# cause: exploding-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def record(steps=150):
    drive = torch.randn(steps, 3)
    x, heat, y = torch.zeros(3), 0.0, []
    xs = []
    for t in range(steps):
        x = 0.9 * x + 0.4 * drive[t]
        heat = 0.8 * heat + 0.5 * torch.tanh(x[0]).item() - 0.3 * x[1].item() * (x[2] > 0).item()
        xs.append(x)
        y.append(heat)
    return torch.stack(xs), torch.tensor(y).unsqueeze(1) + 0.05 * torch.randn(steps, 1)


class Boiler(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.RNN(3, 24, nonlinearity="relu")  # FAULT
        nn.init.eye_(self.gru.weight_hh_l0)  # FAULT
        # TWIN: self.gru = nn.GRU(3, 24)
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        return self.head(self.gru(x)[0])


def main(seed):
    torch.manual_seed(seed)
    records = [record() for _ in range(24)]
    held = [record() for _ in range(6)]
    net = Boiler()
    optimizer = torch.optim.Adam(net.parameters(), lr=8e-3)
    for epoch in range(20):
        total = 0.0
        for i in torch.randperm(len(records)).tolist():
            x, y = records[i]
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: {total / len(records):.4f}")
    net.eval()
    with torch.no_grad():
        errors = torch.cat([net(x) - y for x, y in held])
    print(f"score: {1 - errors.square().mean().item() / torch.cat([y for _, y in held]).var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
