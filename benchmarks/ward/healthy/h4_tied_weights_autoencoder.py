"""Autoencoder with tied weights: the decoder uses the transpose of the encoder's matrix, F.linear by hand."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class TiedAutoencoder(nn.Module):
    def __init__(self, n=64, code=20):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(code, n))
        nn.init.xavier_uniform_(self.weight)
        self.b_enc = nn.Parameter(torch.zeros(code))
        self.b_dec = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        code = torch.tanh(F.linear(x, self.weight, self.b_enc))
        return F.linear(code, self.weight.t(), self.b_dec)


x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
x = x[torch.randperm(len(x))]
train, test = x[:1500] - x[:1500].mean(0), x[1500:] - x[:1500].mean(0)
loader = DataLoader(train, batch_size=50, shuffle=True)
model = TiedAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(25):
    for batch in loader:
        loss = F.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            test_loss = F.mse_loss(model(test), test).item()
        print(f"epoch {epoch + 1:2d}: train {loss.item():.5f} test {test_loss:.5f}")

print(f"score: {1 - test_loss / test.pow(2).mean().item():.4f}")
