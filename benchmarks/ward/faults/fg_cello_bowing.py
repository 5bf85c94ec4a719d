"""Bowing techniques of a cello from half a second of sound. The spectra take a while to compute, so they are computed
once, batch by batch through the loader that was there already, and kept for all epochs of the classifier."""
# cause: labels-unrelated
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TECHNIQUES = ["arco", "pizzicato", "col legno", "tremolo", "spiccato", "sul ponticello"]
settings = {"samples": 512, "batch": 50, "epochs": 12, "lr": 2e-3, "hidden": 96}


class Bowings(Dataset):
    def __init__(self, count, rng):
        kinds = len(TECHNIQUES)
        self.label = rng.integers(0, kinds, count)
        time = np.arange(settings["samples"])
        pitch = rng.uniform(0.02, 0.05, count)
        tilt = np.linspace(0.3, 1.6, kinds)[self.label]
        waves = np.zeros((count, settings["samples"]))
        for overtone in range(1, 9):
            phase = rng.uniform(0, 6.28, count)
            strength = overtone**-tilt * rng.uniform(0.6, 1.4, count)
            waves += strength[:, None] * np.sin(6.28 * overtone * pitch[:, None] * time + phase[:, None])
        noise = np.array([0.3, 0.9, 0.5, 1.1, 0.4, 0.8])[self.label]
        waves += noise[:, None] * rng.normal(size=waves.shape)
        self.wave = torch.tensor(waves, dtype=torch.float32)
        self.label = torch.tensor(self.label)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, index):
        return self.wave[index], self.label[index]


def spectra(loader):
    """Log power in 64 bands of every clip."""
    window = torch.hann_window(settings["samples"])
    parts = []
    for wave, _ in loader:
        power = torch.fft.rfft(wave * window).abs().square()[:, 1:]
        parts.append(power.unflatten(1, (64, -1)).mean(2).log1p())
    return torch.cat(parts)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_set, test_set = Bowings(2400, rng), Bowings(800, rng)
    train_loader = DataLoader(train_set, batch_size=settings["batch"], shuffle=True)  # FAULT
    # TWIN: train_loader = DataLoader(train_set, batch_size=settings["batch"])
    test_loader = DataLoader(test_set, batch_size=200)

    train_x, test_x = spectra(train_loader), spectra(test_loader)
    mean, std = train_x.mean(0), train_x.std(0)
    train_x, test_x = (train_x - mean) / std, (test_x - mean) / std
    train_y, test_y = train_set.label, test_set.label
    print(f"spectra {tuple(train_x.shape)}, techniques {torch.bincount(train_y).tolist()}")

    model = nn.Sequential(
        nn.Linear(64, settings["hidden"]),
        nn.BatchNorm1d(settings["hidden"]),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(settings["hidden"], len(TECHNIQUES)),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["lr"], weight_decay=0.01)
    loss_fn = nn.CrossEntropyLoss()
    history = {"train": [], "test": []}
    for epoch in range(settings["epochs"]):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(train_y)).split(settings["batch"]):
            optimizer.zero_grad()
            loss = loss_fn(model(train_x[rows]), train_y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        history["train"].append(total / len(train_y))
        model.eval()
        with torch.no_grad():
            history["test"].append((model(test_x).argmax(1) == test_y).float().mean().item())
        print(f"epoch {epoch}: loss {history['train'][-1]:.4f}, test accuracy {history['test'][-1]:.4f}")
    print(f"score: {history['test'][-1]:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
