"""News desk (six sections) from length-normalised term counts and a two-layer net.

Fault: rows are divided by their L2 norm, and the few documents without a single known term give 0 / 0.
"""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SECTIONS, TERMS = 6, 200


def write_articles(n, rng, profile):
    section = rng.integers(0, SECTIONS, n)
    length = rng.poisson(18, n)
    length[rng.choice(n, n // 200, replace=False)] = 0  # nothing left after stop words and rare terms were dropped
    counts = np.stack([rng.multinomial(m, profile[s]) for m, s in zip(length, section, strict=True)])
    return counts.astype(np.float32), section


def to_features(counts, idf):
    weighted = torch.from_numpy(counts) * idf
    norm = weighted.norm(dim=1, keepdim=True)
    return weighted / norm  # FAULT
    # TWIN: return weighted / norm.clamp(min=1e-8)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    profile = rng.dirichlet(np.full(TERMS, 0.35), SECTIONS)
    profile = 0.6 * profile + 0.4 * profile.mean(0)
    train_counts, train_y = write_articles(2400, rng, profile)
    test_counts, test_y = write_articles(600, rng, profile)
    seen_in = (train_counts > 0).sum(0)
    idf = torch.log(torch.tensor((1 + len(train_counts)) / (1 + seen_in), dtype=torch.float32)) + 1

    x_train, x_test = to_features(train_counts, idf), to_features(test_counts, idf)
    y_train, y_test = torch.from_numpy(train_y), torch.from_numpy(test_y)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=48, shuffle=True)

    model = nn.Sequential(nn.Linear(TERMS, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, SECTIONS))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        epoch_loss = 0.0
        for xb, yb in loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        print(f"Epoch {epoch + 1}/8 loss={epoch_loss / len(loader):.4f}")

    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
