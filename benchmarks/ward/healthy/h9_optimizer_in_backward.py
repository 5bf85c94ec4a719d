"""Each parameter has its own Adam, which steps and clears the gradient inside backward() as soon as it is accumulated.

This is the memory-saving recipe of the PyTorch tutorial "How to save memory by fusing the optimizer step into the
backward pass", here on the digits with a three-layer perceptron.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.25, random_state=seed, stratify=y)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizers = {p: torch.optim.Adam([p], lr=1e-3, foreach=False) for p in model.parameters()}


def step_now(parameter):
    optimizers[parameter].step()
    optimizers[parameter].zero_grad()


for p in model.parameters():
    p.register_post_accumulate_grad_hook(step_now)

for epoch in range(1, 21):
    total = 0.0
    for idx in torch.randperm(len(X_train)).split(32):
        loss = F.cross_entropy(model(X_train[idx]), y_train[idx])
        loss.backward()  # the hooks update the weights
        total += loss.item() * len(idx)
    if epoch % 4 == 0:
        print(f"epoch {epoch}: train loss {total / len(X_train):.4f}")

with torch.no_grad():
    accuracy = (model(X_test).argmax(1) == y_test).float().mean()
print(f"score: {accuracy:.4f}")
