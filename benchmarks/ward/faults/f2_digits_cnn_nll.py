"""LeNet-style CNN on 8x8 digits with log-softmax outputs and the negative log-likelihood loss.

Fault: log_softmax is taken over dim=0, the batch, instead of over the classes.
"""
# cause: softmax-wrong-axis
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc1 = nn.Linear(24 * 2 * 2, 48)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = self.fc2(F.relu(self.fc1(x)))
        return F.log_softmax(x, dim=0)  # FAULT
        # TWIN: return F.log_softmax(x, dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % 20 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


def test(model, loader):
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            correct += output.argmax(dim=1).eq(target).sum().item()
    n = len(loader.dataset)
    print(f"Test set: Average loss: {test_loss / n:.4f}, Accuracy: {correct}/{n}")
    return correct / n


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--batch-size", type=int, default=16)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)

images, labels = load_digits(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(images / 16.0, labels, test_size=0.25, random_state=args.seed)
train_ds = TensorDataset(torch.tensor(X_tr).float().view(-1, 1, 8, 8), torch.tensor(y_tr))
test_ds = TensorDataset(torch.tensor(X_te).float().view(-1, 1, 8, 8), torch.tensor(y_te))
train_loader = DataLoader(train_ds, batch_size=args.batch_size, shuffle=True)
test_loader = DataLoader(test_ds, batch_size=5)

net = Net()
opt = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
for ep in range(1, args.epochs + 1):
    train(net, train_loader, opt, ep)
    acc = test(net, test_loader)
print(f"score: {acc:.4f}")
