"""Human activity recognition: a two-layer LSTM tells five activities apart from windows of a simulated accelerometer,
tested on people that it has never seen.

After https://github.com/guillaume-chevalier/LSTM-Human-Activity-Recognition and its many PyTorch versions.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

LABELS = ["WALKING", "UPSTAIRS", "DOWNSTAIRS", "SITTING", "LAYING"]
WINDOW = 40


def record_person(rng, windows_per_class):
    """Windows (n, WINDOW, 3) of one person, who has a pace and a strength of his own."""
    pace, strength = rng.normal(1.0, 0.08), rng.normal(1.0, 0.12)
    xs, ys = [], []
    t = np.arange(WINDOW) / 20.0
    for label in range(5):
        for _ in range(windows_per_class):
            phase = rng.uniform(0, 2 * np.pi)
            g = np.array([0.0, 0.0, 1.0]) if label < 4 else np.array([1.0, 0.1, 0.0])
            freq, amp, harm = [(1.9, 0.5, 0.2), (1.5, 0.4, 0.05), (2.2, 0.7, 0.5), (0.2, 0.02, 0), (0.2, 0.02, 0)][
                label
            ]
            w = 2 * np.pi * freq * pace * rng.normal(1, 0.03)
            move = (
                amp
                * strength
                * np.stack(
                    [
                        0.5 * np.sin(w * t + phase),
                        0.3 * np.sin(w * t / 2 + phase),
                        np.sin(w * t + phase) + harm * np.sin(2 * w * t + 2 * phase),
                    ],
                    1,
                )
            )
            xs.append(g + move + rng.normal(0, 0.08, (WINDOW, 3)))
            ys.append(label)
    return np.array(xs, dtype=np.float32), np.array(ys)


class LSTMClassifier(nn.Module):
    def __init__(self, n_input=3, n_hidden=32, n_classes=5):
        super().__init__()
        self.inp = nn.Linear(n_input, n_hidden)
        self.lstm = nn.LSTM(n_hidden, n_hidden, num_layers=2, batch_first=True, dropout=0.1)
        self.out = nn.Linear(n_hidden, n_classes)

    def forward(self, x):
        h, _ = self.lstm(torch.relu(self.inp(x)))
        return self.out(h[:, -1])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    people = [record_person(rng, 12) for _ in range(30)]
    x_train, y_train = (np.concatenate(a) for a in zip(*people[:22]))
    x_test, y_test = (np.concatenate(a) for a in zip(*people[22:]))
    mean, std = x_train.mean((0, 1)), x_train.std((0, 1))
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    train_loader = DataLoader(TensorDataset(torch.tensor(x_train), torch.tensor(y_train)), batch_size=64, shuffle=True)
    x_test, y_test = torch.tensor(x_test), torch.tensor(y_test)

    model = LSTMClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.004, weight_decay=1e-5)
    for epoch in range(14):
        model.train()
        losses, hits = [], 0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            logits = model(xb)
            loss = criterion(logits, yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
            hits += (logits.argmax(1) == yb).sum().item()
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, training accuracy {hits / len(y_train):.4f}")

    model.eval()
    with torch.no_grad():
        pred = model(x_test).argmax(1)
    for k, name in enumerate(LABELS):
        print(f"{name:>10}: recall {(pred[y_test == k] == k).float().mean().item():.3f}")
    print(f"score: {(pred == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
