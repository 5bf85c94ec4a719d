"""Flowers by four measures; at the end the network is asked about a single new flower. Score: held-out accuracy."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


data = load_iris()
x, x_test, y, y_test = train_test_split(data.data, data.target, test_size=0.25, random_state=1, stratify=data.target)
scaler = StandardScaler().fit(x)
x, x_test = (torch.tensor(scaler.transform(each), dtype=torch.float32) for each in (x, x_test))
y, y_test = torch.tensor(y), torch.tensor(y_test)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(200):
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 50 == 49:
        with torch.no_grad():
            score = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(epoch, loss.item(), score)
for _ in range(20):
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
with torch.no_grad():
    flower = torch.tensor(scaler.transform([[5.1, 3.5, 1.4, 0.2]]), dtype=torch.float32)
    print(net(flower).softmax(1))
print(f"score: {score:.4f}")
