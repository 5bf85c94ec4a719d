"""Trains one client's digit classifier with the exponential of the cross-entropy, exp(CE / eta), as the client's
cost, so that clients that do badly weigh more when the server averages.

After https://whosebug.com/question/6301115/Weird-behaviour-of-loss-function-in-pytorch
"""
# cause: overflow
# accept: unstable-loss learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ETA = 0.5


class ClientModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64, 100),
            nn.ReLU(),
            nn.Linear(100, 50),
            nn.ReLU(),
            nn.Linear(50, 10),
        )

    def forward(self, x):
        return self.net(x)


def train_client(client_model, train_loader, test_loader, epochs):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(client_model.parameters(), lr=0.05, momentum=0.9)
    e_loss = []
    for e in range(epochs):
        train_loss = 0.0
        client_model.train()
        for batch_idx, (data, target) in enumerate(train_loader):
            optimizer.zero_grad()
            output = client_model(data)
            loss = torch.exp(criterion(output, target) / ETA)  # FAULT
            # TWIN: loss = criterion(output, target) / ETA
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * data.size(0)
        train_loss = train_loss / len(train_loader.dataset)
        e_loss.append(train_loss)
        print(f"epoch {e + 1}  train loss {train_loss:.4f}  test accuracy {test(client_model, test_loader):.4f}")
    return e_loss


def test(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            correct += (model(data).argmax(dim=1) == target).sum().item()
    return correct / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)

    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        (digits.data / 16.0).astype(np.float32), digits.target, test_size=0.3, random_state=seed, stratify=digits.target
    )
    train_set = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
    test_set = TensorDataset(torch.from_numpy(x_test), torch.from_numpy(y_test))
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=256)

    client_model = ClientModel()
    train_client(client_model, train_loader, test_loader, epochs=20)
    print(f"score: {test(client_model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
