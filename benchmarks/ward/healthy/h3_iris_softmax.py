"""Softmax regression on iris: 4 standardised measurements, one linear layer, full-batch gradient descent."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

iris = load_iris()
x_train, x_test, y_train, y_test = train_test_split(
    iris.data, iris.target, test_size=0.3, stratify=iris.target, random_state=seed
)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)
x_train = torch.tensor((x_train - mean) / std, dtype=torch.float32)
x_test = torch.tensor((x_test - mean) / std, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

linear = torch.nn.Linear(4, 3)
sgd = torch.optim.SGD(linear.parameters(), lr=0.5)

for step in range(1, 601):
    sgd.zero_grad()
    loss = F.cross_entropy(linear(x_train), y_train)
    loss.backward()
    sgd.step()
    if step % 100 == 0:
        train_acc = (linear(x_train).argmax(dim=1) == y_train).float().mean()
        print(f"step {step}: loss {loss.item():.4f}, train accuracy {train_acc.item():.3f}")

with torch.no_grad():
    predicted = linear(x_test).argmax(dim=1)
for name, label in zip(iris.target_names, range(3)):
    hit = (predicted[y_test == label] == label).float().mean().item()
    print(f"  recall of {name}: {hit:.3f}")
print(f"score: {(predicted == y_test).float().mean().item():.4f}")
