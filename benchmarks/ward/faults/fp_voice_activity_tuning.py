"""Tunes the decoder of a voice activity detector: an LSTM over the encoder's frame features gives the probability of
speech for each 32 ms chunk; padded chunks are masked.

After https://github.com/snakers4/silero-vad/pull/699
"""
# cause: missing-zero-grad
# kind: dynamic

import random
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

N_FEATURES = 24
MAX_CHUNKS = 40


class VadDataset(Dataset):
    """Clips with stretches of speech in noise of various kinds; every clip has its own length."""

    def __init__(self, clips, rng, voice):
        self.items = []
        for _ in range(clips):
            length = rng.integers(25, MAX_CHUNKS + 1)
            gt = np.zeros(length, dtype=np.float32)
            position = rng.integers(0, 8)
            while position < length:
                stop = min(length, position + rng.integers(4, 12))
                gt[position:stop] = 1
                position = stop + rng.integers(4, 12)
            speaker = voice[rng.integers(len(voice))] * rng.uniform(0.5, 1.2)
            hum = rng.normal(0, 0.8, N_FEATURES)
            noise = rng.normal(0, 1.0, (length, N_FEATURES)) + hum
            feats = noise + gt[:, None] * speaker * rng.choice([-1.0, 1.0], (length, 1))
            self.items.append((feats.astype(np.float32), gt))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        feats, gt = self.items[i]
        pad = MAX_CHUNKS - len(gt)
        mask = np.pad(np.ones(len(gt), dtype=np.float32), (0, pad))
        return np.pad(feats, ((0, pad), (0, 0))), np.pad(gt, (0, pad)), mask


class VadDecoder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.proj = nn.Linear(N_FEATURES, hidden)
        self.rnn = nn.LSTM(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x, _ = self.rnn(torch.relu(self.proj(x)))
        return torch.sigmoid(self.out(torch.relu(x))).squeeze(-1)


def train(loader, model, criterion, optimizer):
    model.train()
    losses = []
    for x, targets, masks in loader:
        predicts = model(x)
        loss = (criterion(predicts, targets) * masks).sum() / masks.sum()
        loss.backward()  # FAULT
        # TWIN: optimizer.zero_grad()
        # TWIN: loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


def validate(loader, model):
    model.eval()
    hits, total = 0, 0
    with torch.no_grad():
        for x, targets, masks in loader:
            right = ((model(x) > 0.5).float() == targets).float() * masks
            hits += right.sum().item()
            total += masks.sum().item()
    return hits / total


def main(seed):
    torch.set_num_threads(1)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    voice = rng.normal(0, 1.0, (6, N_FEATURES))
    train_loader = DataLoader(VadDataset(480, rng, voice), batch_size=32, shuffle=True)
    val_loader = DataLoader(VadDataset(150, rng, voice), batch_size=64)

    model = VadDecoder()
    criterion = nn.BCELoss(reduction="none")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    accuracy = 0.0
    for epoch in range(12):
        loss = train(train_loader, model, criterion, optimizer)
        accuracy = validate(val_loader, model)
        print(f"Epoch {epoch + 1}: train loss {loss:.4f}, val chunk accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
