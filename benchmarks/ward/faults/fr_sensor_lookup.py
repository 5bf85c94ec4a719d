"""A transformer encoder reads a short record of sensor readings in arbitrary order; the first entry asks for one of the
sensors and the model has to say at which level that sensor stands.

After https://openillumi.com/en/en-pytorch-transformer-batch-first-error-fix
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

N_SENSORS = 5
N_LEVELS = 4
D_MODEL = 32
STEPS = 500
BATCH = 64


def make_records(n, rng):
    """Entries of a record: [is question | which sensor, one-hot | level, one-hot]; the first entry is the question."""
    x = np.zeros((n, N_SENSORS + 1, 1 + N_SENSORS + N_LEVELS), dtype="float32")
    y = np.zeros(n, dtype="int64")
    for i in range(n):
        order = rng.permutation(N_SENSORS)
        levels = rng.integers(0, N_LEVELS, size=N_SENSORS)
        asked = rng.integers(0, N_SENSORS)
        x[i, 0, 0] = 1.0
        x[i, 0, 1 + asked] = 1.0
        for place, sensor in enumerate(order, start=1):
            x[i, place, 1 + sensor] = 1.0
            x[i, place, 1 + N_SENSORS + levels[sensor]] = 1.0
        y[i] = levels[asked]
    return torch.from_numpy(x), torch.from_numpy(y)


class RecordReader(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.embed = nn.Linear(n_features, D_MODEL)
        layer = nn.TransformerEncoderLayer(D_MODEL, nhead=4, dim_feedforward=64, dropout=0.0)  # FAULT
        # TWIN: layer = nn.TransformerEncoderLayer(D_MODEL, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.head = nn.Linear(D_MODEL, N_LEVELS)

    def forward(self, x):  # (batch, entries, features)
        h = self.encoder(self.embed(x))
        return self.head(h[:, 0])


def accuracy_on(model, x, y):
    model.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in zip(x.split(BATCH), y.split(BATCH)):
            hits += (model(xb).argmax(1) == yb).sum().item()
    return hits / len(y)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    x_train, y_train = make_records(4000, rng)
    x_test, y_test = make_records(640, rng)

    model = RecordReader(x_train.shape[-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()

    order = torch.randperm(len(x_train))
    at = 0
    for step in range(STEPS):
        if at + BATCH > len(order):
            order, at = torch.randperm(len(x_train)), 0
        rows = order[at : at + BATCH]
        at += BATCH
        model.train()
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        if step % 100 == 0 or step == STEPS - 1:
            print(f"step {step:4d}  loss {loss.item():.4f}  test accuracy {accuracy_on(model, x_test, y_test):.4f}")

    print(f"score: {accuracy_on(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
