"""Reads short strips of handwritten digits: convolutional features go into a transformer that names each digit.

After https://discuss.pytorch.org/t/transformer-based-ocr-model-not-learning/122218
"""
# cause: batch-mixing
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

WIDTH = 4  # digits in one strip
D_MODEL = 48


def make_strips(images, labels, n, rng):
    picks = rng.integers(0, len(images), size=(n, WIDTH))
    strips = np.concatenate([images[picks[:, k]] for k in range(WIDTH)], axis=2)
    return torch.tensor(strips, dtype=torch.float32).unsqueeze(1), torch.tensor(labels[picks])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=16):
        super().__init__()
        self.table = nn.Parameter(torch.randn(max_len, 1, d_model) * 0.02)

    def forward(self, x):
        return x + self.table[: x.size(0)]


class FeatureExtractor(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.project = nn.Linear(24 * 4, D_MODEL)
        self.pos_encoder = PositionalEncoding(D_MODEL)

    def forward(self, x):
        x = self.cnn(x)  # (N, 24, 2, 2 * WIDTH)
        n = x.size(0)
        x = x.reshape(n, 24, 2, WIDTH, 2).permute(0, 3, 1, 2, 4)
        x = self.project(x.reshape(n, WIDTH, 24 * 4))  # (N, WIDTH, D_MODEL)
        x = x.reshape(WIDTH, -1, D_MODEL)  # FAULT
        # TWIN: x = x.permute(1, 0, 2)
        return self.pos_encoder(x)


class OCRModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.fe = FeatureExtractor()
        layer = nn.TransformerEncoderLayer(D_MODEL, nhead=4, dim_feedforward=96, dropout=0.1)
        self.transformer = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.linear = nn.Linear(D_MODEL, 10)

    def forward(self, images):
        memory = self.transformer(self.fe(images))  # (WIDTH, N, D_MODEL)
        return self.linear(memory).transpose(0, 1)  # (N, WIDTH, 10)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    images, labels = digits.images[order] / 16.0, digits.target[order]
    train_x, train_y = make_strips(images[:1400], labels[:1400], 1536, rng)
    test_x, test_y = make_strips(images[1400:], labels[1400:], 320, rng)

    model = OCRModel()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        model.train()
        losses = []
        for idx in torch.randperm(len(train_x)).split(32):
            logits = model(train_x[idx])
            loss = criterion(logits.reshape(-1, 10), train_y[idx].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            parts = [(model(xb).argmax(-1) == yb).float() for xb, yb in zip(test_x.split(32), test_y.split(32))]
        accuracy = torch.cat(parts).mean().item()
        print(f"epoch {epoch} training error {np.mean(losses):.4f} character accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
