"""Reads handwritten digits from scanned forms with a small convolutional network. zero_grad stands in the epoch loop
instead of the batch loop, so every step uses the sum of all gradients of the epoch so far."""
# cause: missing-zero-grad
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

ap = argparse.ArgumentParser()
ap.add_argument("seed", nargs="?", type=int, default=0)
ap.add_argument("--epochs", type=int, default=10)
ap.add_argument("--lr", type=float, default=0.03)
opts = ap.parse_args()
torch.manual_seed(opts.seed)
torch.set_num_threads(1)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 3, padding=1)
        self.conv2 = nn.Conv2d(10, 20, 3, padding=1)
        self.fc1 = nn.Linear(20 * 2 * 2, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


digits = load_digits()
images = torch.tensor(digits.images).float().unsqueeze(1) / 8 - 1
data = TensorDataset(images, torch.tensor(digits.target))
train_data, test_data = random_split(data, [1437, 360])
train_loader = DataLoader(train_data, batch_size=32, shuffle=True, drop_last=True)
test_loader = DataLoader(test_data, batch_size=360)

net = Reader()
optimizer = torch.optim.SGD(net.parameters(), lr=opts.lr, momentum=0.9)
for epoch in range(opts.epochs):
    running_loss = 0.0
    optimizer.zero_grad()  # FAULT
    for i, (inputs, labels) in enumerate(train_loader):
        # TWIN: optimizer.zero_grad()
        outputs = net(inputs)
        loss = F.cross_entropy(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if i % 22 == 21:
            print(f"[{epoch + 1}, {i + 1:3d}] loss: {running_loss / 22:.3f}")
            running_loss = 0.0
print("Finished Training")

correct = total = 0
with torch.no_grad():
    for inputs, labels in test_loader:
        predicted = net(inputs).argmax(1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
print(f"Accuracy on {total} held-out digits: {100 * correct / total:.1f} %")
print(f"score: {correct / total:.4f}")
