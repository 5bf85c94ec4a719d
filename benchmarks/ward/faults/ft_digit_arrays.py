"""A convolutional digit classifier in the manner of the MNIST example, its layers kept in arrays of convolutions and linears.

After https://github.com/dotnet/TorchSharp/issues/532
"""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Model1(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.convolution_layers = [nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3)]  # FAULT
        # TWIN: self.convolution_layers = nn.ModuleList([nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3)])
        self.fully_connected_layers = [nn.Linear(32 * 9, 64), nn.Linear(64, 10)]  # FAULT
        # TWIN: self.fully_connected_layers = nn.ModuleList([nn.Linear(32 * 9, 64), nn.Linear(64, 10)])
        self.pool = nn.MaxPool2d(2)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)

    def forward(self, x):
        x = self.norm(x)
        for layer in self.convolution_layers:
            x = F.relu(layer(x))
        x = self.dropout1(self.pool(x))
        x = torch.flatten(x, 1)
        x = F.relu(self.fully_connected_layers[0](x))
        x = self.dropout2(x)
        x = self.fully_connected_layers[1](x)
        return F.log_softmax(x, dim=1)


def train(model, optimizer, loss, loader, epoch):
    model.train()
    batch_id = 1
    for data, target in loader:
        optimizer.zero_grad()
        prediction = model(data)
        output = loss(prediction, target)
        output.backward()
        optimizer.step()
        if batch_id % 20 == 0:
            print(f"\rTrain: epoch {epoch} [{batch_id * len(data)} / {len(loader.dataset)}] Loss: {output.item():.4f}")
        batch_id += 1


def test(model, loader):
    model.eval()
    test_loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            prediction = model(data)
            test_loss += F.nll_loss(prediction, target, reduction="sum").item()
            correct += (prediction.argmax(1) == target).sum().item()
    size = len(loader.dataset)
    print(f"Size: {size}, Total: {test_loss / size:.4f} | Accuracy {correct / size:.4f}")
    return correct / size


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    x = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(digits.target)
    train_index, test_index = train_test_split(range(len(y)), test_size=0.25, random_state=seed, stratify=digits.target)
    train_loader = DataLoader(TensorDataset(x[train_index], y[train_index]), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[test_index], y[test_index]), batch_size=128)

    model = Model1()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
    loss = nn.NLLLoss()
    for epoch in range(1, 13):
        train(model, optimizer, loss, train_loader, epoch)
        accuracy = test(model, test_loader)
        scheduler.step()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
