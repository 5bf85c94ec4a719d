"""A phoneme for every frame of filterbank features, with a bidirectional GRU. The model ends in a softmax, and
cross_entropy takes another."""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PHONEMES, BANDS, FRAMES = 39, 20, 24


def utterances(n, rng, templates):
    x = np.zeros((n, FRAMES, BANDS), dtype=np.float32)
    y = np.zeros((n, FRAMES), dtype=np.int64)
    for i in range(n):
        t = 0
        while t < FRAMES:
            phone, length = rng.integers(PHONEMES), rng.integers(2, 6)
            y[i, t : t + length] = phone
            t += length
        x[i] = templates[y[i]] + rng.normal(0, 1.0, (FRAMES, BANDS))
    return torch.from_numpy(x), torch.from_numpy(y)


class FrameTagger(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.gru = nn.GRU(BANDS, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, PHONEMES)

    def forward(self, x):
        h, _ = self.gru(x)
        return F.softmax(self.out(h), dim=-1)  # FAULT
        # TWIN: return self.out(h)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    templates = rng.normal(0, 1, (PHONEMES, BANDS))
    x, y = utterances(600, rng, templates)
    x_dev, y_dev = utterances(150, rng, templates)
    model = FrameTagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for epoch in range(8):
        model.train()
        order = rng.permutation(len(x))
        epoch_loss = 0.0
        for start in range(0, len(x), 25):
            idx = order[start : start + 25]
            scores = model(x[idx])
            loss = F.cross_entropy(scores.reshape(-1, PHONEMES), y[idx].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_dev).argmax(-1) == y_dev).float().mean().item()
        print(f"epoch {epoch}: loss {epoch_loss / 24:.4f}, frame accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
