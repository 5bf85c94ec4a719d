"""Fit y = 2x on three points in plain PyTorch and ask for x = 4. The same as with_gradus.py, step by step."""

import torch
from torch import nn

EPOCHS = 1200  # enough from every one of 1,000 seeds; after the textbook's 50 the answer is 6.7 to 8.3

x = torch.tensor([[1.0], [2.0], [3.0]])
y = 2 * x

torch.manual_seed(0)
model = nn.Linear(1, 1)  # the model: y = w x + b
criterion = nn.MSELoss()  # the learning criterion
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)  # the optimization algorithm

for _ in range(EPOCHS):
    optimizer.zero_grad()
    loss = criterion(model(x), y)  # forward
    loss.backward()  # backward
    optimizer.step()  # update

with torch.no_grad():
    print(f"after {EPOCHS} epochs: f(4) = {model(torch.tensor([[4.0]])).item():.2f}")
