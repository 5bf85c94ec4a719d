"""Layer-local learning: each of three hidden layers has its own small classifier and its own optimizer, and passes only
detached activations on, so no gradient flows between layers. Predictions average the three classifiers.
"""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


class LocalLayer(nn.Module):
    def __init__(self, n_in, n_out, lr):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, n_out), nn.ReLU())
        self.readout = nn.Linear(n_out, 10)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr)

    def forward(self, x):
        h = self.body(x)
        return h, self.readout(h)

    def learn(self, x, y):
        h, logits = self(x)
        loss = F.cross_entropy(logits, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return h.detach(), loss.item()


def get_loaders(seed):
    data, target = load_digits(return_X_y=True)
    dataset = TensorDataset(torch.tensor(data / 8 - 1, dtype=torch.float32), torch.tensor(target))
    gen = torch.Generator().manual_seed(seed)
    train, test = random_split(dataset, [1400, len(dataset) - 1400], generator=gen)
    return DataLoader(train, 50, shuffle=True, generator=gen), DataLoader(test, 200)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    seed = parser.parse_args().seed
    torch.manual_seed(seed)
    train_loader, test_loader = get_loaders(seed)
    layers = [LocalLayer(64, 64, lr=2e-3) for _ in range(3)]
    for epoch in range(12):
        sums = [0.0] * len(layers)
        for x, y in train_loader:
            for i, layer in enumerate(layers):
                x, loss = layer.learn(x, y)
                sums[i] += loss / len(train_loader)
        print(f"epoch {epoch + 1}: " + "  ".join(f"layer{i + 1} {s:.4f}" for i, s in enumerate(sums)))

    hits = [0] * len(layers)
    votes_right = count = 0
    with torch.no_grad():
        for h, y in test_loader:
            votes = torch.zeros(len(y), 10)
            for i, layer in enumerate(layers):
                h, logits = layer(h)
                votes += logits.softmax(1)
                hits[i] += (logits.argmax(1) == y).sum().item()
            votes_right += (votes.argmax(1) == y).sum().item()
            count += len(y)
    print("test accuracy per layer:", [round(k / count, 4) for k in hits])
    print(f"score: {votes_right / count:.4f}")


if __name__ == "__main__":
    main()
