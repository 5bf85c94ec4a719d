"""Two tasks (digit class, ink amount) with learned loss weights, exp(-s) * loss + s, so the total may go negative."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.digit = nn.Linear(64, 10)
        self.ink = nn.Linear(64, 1)
        self.log_var = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.trunk(x)
        return self.digit(h), self.ink(h).squeeze(1)


digits = load_digits()
order = torch.randperm(len(digits.data))
x = torch.tensor(digits.data, dtype=torch.float32)[order] / 8 - 1
label = torch.tensor(digits.target)[order]
ink = torch.tensor(digits.data, dtype=torch.float32)[order].sum(1)  # FAULT
# TWIN: ink = x.sum(1)
# TWIN: ink = (ink - ink[:1400].mean()) / ink[:1400].std()
loader = DataLoader(TensorDataset(x[:1400], label[:1400], ink[:1400]), batch_size=70, shuffle=True)

model = TwoHeads()
ce, mse = nn.CrossEntropyLoss(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(1, 26):
    model.train()
    for xb, lb, ib in loader:
        out, amount = model(xb)
        losses = torch.stack([ce(out, lb), mse(amount, ib)])
        loss = (torch.exp(-model.log_var) * losses + model.log_var).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        model.eval()
        with torch.no_grad():
            out, amount = model(x[1400:])
            acc = (out.argmax(1) == label[1400:]).float().mean().item()
            ink_mse = mse(amount, ink[1400:]).item()
        print(f"epoch {epoch}: total {loss.item():.4f}, acc {acc:.4f}, ink mse {ink_mse:.4f}")

print(f"score: {acc:.4f}")
