"""Handwritten digits, one hidden layer, small batches, and just a few passes: the first script of a course."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(
    digits.data / 8.0 - 1.0, digits.target, test_size=0.25, random_state=seed, stratify=digits.target
)
x_train = torch.tensor(x_train, dtype=torch.float32)
x_test = torch.tensor(x_test, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)


class Perceptron(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(64, 50)
        self.output = torch.nn.Linear(50, 10)

    def forward(self, x):
        return self.output(torch.sigmoid(self.hidden(x)))


net = Perceptron()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
batch = 10
for epoch in range(6):
    order = torch.randperm(len(x_train))
    running = 0.0
    for i in range(0, len(order), batch):
        rows = order[i : i + batch]
        loss = F.cross_entropy(net(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * len(rows)
    with torch.no_grad():
        accuracy = (net(x_test).argmax(dim=1) == y_test).float().mean().item()
    print(f"pass {epoch + 1}: mean loss {running / len(order):.3f}, test accuracy {accuracy:.3f}")

print(f"score: {accuracy:.4f}")
