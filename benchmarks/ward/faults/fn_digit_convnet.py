"""A small convolutional network that reads the handwritten digits of scikit-learn (8x8 pixels)
and tells which of the ten digits it is.

After https://discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814/16
"""
# cause: softmax-twice
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 2 * 2)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = F.softmax(self.fc3(x), dim=1)  # FAULT
        # TWIN: x = self.fc3(x)
        return x


def accuracy(net, loader):
    net.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for images, labels in loader:
            _, predicted = torch.max(net(images), 1)
            correct += (predicted == labels).sum().item()
            total += labels.size(0)
    return correct / total


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    images = (images - 0.5) / 0.5
    labels = torch.tensor(digits.target, dtype=torch.long)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.25, random_state=seed, stratify=labels
    )
    trainloader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    testloader = DataLoader(TensorDataset(x_test, y_test), batch_size=128)

    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

    for epoch in range(10):
        net.train()
        running_loss = 0.0
        for images, labels in trainloader:
            optimizer.zero_grad()
            outputs = net(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(
            f"epoch {epoch} loss = {running_loss / len(trainloader):.4f}  test accuracy = {accuracy(net, testloader):.3f}"
        )

    print(f"score: {accuracy(net, testloader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
