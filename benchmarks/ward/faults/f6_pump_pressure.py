"""Pressure of a pump from five settings; the outputs of a batch are collected in a list, one sample at a time.

The collected numbers are plain floats: the new tensor made of them has no graph back to the network.
"""
# cause: detached-graph
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


def measure(settings):
    speed, valve, temp, head, wear = settings.unbind(1)
    return 1.2 * speed * valve + 0.8 * torch.tanh(2 * head) - 0.5 * wear**2 + 0.4 * temp + 0.5


class PumpNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(5, 32)
        self.hidden2 = nn.Linear(32, 32)
        self.output = nn.Linear(32, 1)

    def forward(self, x):
        x = F.relu(self.hidden1(x))
        x = F.relu(self.hidden2(x))
        return self.output(x)


def predict(net, samples):
    predictions = []
    for sample in samples:
        predictions.append(net(sample).item())  # FAULT
        # TWIN: predictions.append(net(sample).squeeze())
    return torch.tensor(predictions, requires_grad=True)  # FAULT
    # TWIN: return torch.stack(predictions)


def train(net, x, y, epochs, batch_size):
    optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
    mse = nn.MSELoss()
    rows = list(range(len(x)))
    for epoch in range(epochs):
        random.shuffle(rows)
        epoch_loss = 0.0
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            loss = mse(predict(net, x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(batch)
        print("Epoch", epoch + 1, "loss", round(epoch_loss / len(rows), 4))


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random.seed(seed)
    settings = torch.randn(1000, 5)
    pressure = measure(settings) + 0.1 * torch.randn(1000)
    x_train, x_test, y_train, y_test = settings[:700], settings[700:], pressure[:700], pressure[700:]
    pump_net = PumpNet()
    train(pump_net, x_train, y_train, epochs=16, batch_size=16)
    with torch.no_grad():
        residual = predict(pump_net, x_test) - y_test
    r2 = 1 - residual.pow(2).mean() / y_test.var(unbiased=False)
    print(f"score: {r2.item():.4f}")
