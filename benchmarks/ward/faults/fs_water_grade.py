"""Predicts from nine laboratory readings the quality grade of a water sample; right means within half a grade.

After https://discuss.pytorch.org/t/why-does-my-deep-learning-model-get-only-30-cater-rate-even-after-1000-epochs/158194
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class WaterDataset(Dataset):
    def __init__(self, xy):
        self.x_data = torch.from_numpy(xy[:, :-1])
        self.y_data = torch.from_numpy(xy[:, -1])
        self.len = xy.shape[0]

    def __getitem__(self, index):
        return self.x_data[index], self.y_data[index]

    def __len__(self):
        return self.len


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(9, 32)
        self.linear2 = nn.Linear(32, 16)
        self.linear3 = nn.Linear(16, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.linear1(x))
        x = self.relu(self.linear2(x))
        return self.linear3(x)


def make_table(rng, n):
    ph = rng.normal(7.0, 1.2, n)
    hardness = rng.normal(196, 33, n)
    solids = rng.gamma(4.0, 5000, n)
    chloramines = rng.normal(7.1, 1.6, n)
    sulfate = rng.normal(333, 41, n)
    conductivity = rng.normal(426, 80, n)
    carbon = rng.normal(14, 3.3, n)
    methanes = rng.normal(66, 15, n)
    turbidity = rng.normal(4, 0.8, n)
    grade = (
        5.0
        - 0.8 * np.abs(ph - 7.0) / 1.2
        - 0.7 * (chloramines - 7.1) / 1.6
        + 0.4 * (methanes - 66) / 15
        - 0.6 * np.maximum(turbidity - 4, 0) / 0.8
        - 0.5 * (carbon - 14) / 3.3
        + rng.normal(0, 0.15, n)
    )
    table = np.stack(
        [ph, hardness, solids, chloramines, sulfate, conductivity, carbon, methanes, turbidity, grade], axis=1
    )
    return table.astype(np.float32)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    table = make_table(rng, 1300)
    train, test = table[:1000], table[1000:]
    mean, std = train[:, :-1].mean(0), train[:, :-1].std(0)
    for part in (train, test):
        part[:, :-1] = (part[:, :-1] - mean) / std

    train_loader = DataLoader(WaterDataset(train), batch_size=10, shuffle=True)
    test_loader = DataLoader(WaterDataset(test), batch_size=100)
    model = Model()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

    for epoch in range(12):
        model.train()
        total = 0.0
        for inputs, labels in train_loader:
            y_pred = model(inputs)
            loss = criterion(y_pred, labels)  # FAULT
            # TWIN: loss = criterion(y_pred.squeeze(1), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1} loss {total / len(train_loader):.4f}")

    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in test_loader:
            predicted = model(inputs).squeeze(1)
            right += ((predicted - labels).abs() < 0.5).sum().item()
    rate = right / len(test)
    print(f"{right} of {len(test)} samples within half a grade")
    print(f"score: {rate:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
