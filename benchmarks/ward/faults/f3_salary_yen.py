"""Yearly pay in yen (about six million) from age, schooling and so on; the network is asked for the number itself and
Adam moves the output by a thousandth a step."""
# cause: unscaled-targets
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n = 2000
age = rng.uniform(20, 64, n)
school = rng.choice([9, 12, 14, 16, 18], n)
hours = rng.normal(40, 5, n)
tokyo = rng.integers(0, 2, n)
manager = rng.random(n) < 1 / (1 + np.exp(-(age - 50) / 6))
pay = 2.6e6 + 9e4 * (age - 20) - 1.2e3 * (age - 40) ** 2 + 2.2e5 * (school - 9) * (1 + 0.3 * tokyo)
pay += 1.8e6 * manager + 5e4 * (hours - 40) + rng.normal(0, 3e5, n)

X = np.column_stack([age, school, hours, tokyo, manager])
X = StandardScaler().fit(X[:1500]).transform(X)
# TWIN: pay = (pay - pay[:1500].mean()) / pay[:1500].std()
X = torch.from_numpy(X).float()
y = torch.from_numpy(pay).float().view(-1, 1)


class PayNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(5, 48)
        self.hidden2 = nn.Linear(48, 48)
        self.predict = nn.Linear(48, 1)

    def forward(self, x):
        x = nn.functional.relu(self.hidden1(x))
        x = nn.functional.relu(self.hidden2(x))
        return self.predict(x)


net = PayNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_func = nn.MSELoss()
for epoch in range(40):
    permutation = torch.randperm(1500)
    for i in range(0, 1500, 50):
        indices = permutation[i : i + 50]
        loss = loss_func(net(X[indices]), y[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print("epoch", epoch + 1, "loss", f"{loss.item():.4g}")

with torch.no_grad():
    prediction = net(X[1500:])
print(f"score: {r2_score(y[1500:].numpy(), prediction.numpy()):.4f}")
