"""Turbine state from forty sensor channels; all weights are drawn from uniform_(0, 1)."""
# cause: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from torch.utils.data import DataLoader, TensorDataset, random_split


class StateNet(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        for layer in self.layers:
            layer.weight.data.uniform_(0.0, 1.0)  # FAULT
            # TWIN: nn.init.xavier_uniform_(layer.weight)
            layer.bias.data.zero_()

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = nn.functional.relu(layer(x))
        return self.layers[-1](x)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    features, states = make_classification(
        n_samples=3600,
        n_features=40,
        n_informative=15,
        n_redundant=5,
        n_classes=6,
        n_clusters_per_class=1,
        class_sep=1.3,
        flip_y=0.0,
        random_state=seed,
    )
    features = (features - features.mean(0)) / features.std(0)
    dataset = TensorDataset(torch.from_numpy(features).float(), torch.from_numpy(states))
    train_set, test_set = random_split(dataset, [3000, 600])
    train_loader = DataLoader(train_set, batch_size=60, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=600)

    net = StateNet([40, 128, 64, 32, 6])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=5e-4)

    for epoch in range(15):
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
        correct = 0
        with torch.no_grad():
            for inputs, targets in test_loader:
                _, predicted = net(inputs).max(1)
                correct += predicted.eq(targets).sum().item()
        print(f"Epoch [{epoch + 1}/15] Loss: {loss.item():.4f} Accuracy: {100 * correct / 600:.2f}%")
    print(f"score: {correct / 600:.4f}")
