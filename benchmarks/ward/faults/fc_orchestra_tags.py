"""Which of twelve instruments play in a bar of music: several may at once, from a coarse spectrum of 40 bands."""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

CONFIG = {"bands": 40, "instruments": 12, "bars": 5000, "batch": 50, "lr": 0.05, "momentum": 0.9, "epochs": 12}


class Bars(Dataset):
    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        bands = np.arange(CONFIG["bands"])
        timbres = np.zeros((CONFIG["instruments"], CONFIG["bands"]))
        for row in timbres:
            for peak, height in zip(rng.uniform(0, 40, 4), (1.0, 0.8, 0.6, 0.5)):
                row += height * np.exp(-0.5 * ((bands - peak) / 1.5) ** 2)
        playing = rng.random((CONFIG["bars"], CONFIG["instruments"])) < 0.25
        loudness = rng.uniform(0.6, 1.4, playing.shape)
        spectrum = np.log1p(3 * (playing * loudness) @ timbres) + rng.normal(scale=0.12, size=(CONFIG["bars"], 40))
        spectrum = (spectrum - spectrum.mean(0)) / spectrum.std(0)
        self.spectrum = torch.tensor(spectrum, dtype=torch.float32)
        self.playing = torch.tensor(playing, dtype=torch.float32)

    def __len__(self):
        return len(self.spectrum)

    def __getitem__(self, index):
        return self.spectrum[index], self.playing[index]


class Tagger(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(CONFIG["bands"], width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, CONFIG["instruments"]),
        )

    def forward(self, spectrum):
        return self.layers(spectrum)


class Trainer:
    def __init__(self, model, train_data, val_data):
        self.model = model
        self.train_loader = DataLoader(train_data, batch_size=CONFIG["batch"], shuffle=True)
        self.val_loader = DataLoader(val_data, batch_size=250)
        self.loss_fn = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=CONFIG["lr"], momentum=CONFIG["momentum"])
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, CONFIG["epochs"])
        self.history = []

    def train_epoch(self):
        self.model.train()
        losses = []
        for spectrum, playing in self.train_loader:
            # TWIN: self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(spectrum), playing)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        self.scheduler.step()
        return sum(losses) / len(losses)

    @torch.no_grad()
    def f1(self):
        self.model.eval()
        both = said = true = 0.0
        for spectrum, playing in self.val_loader:
            guess = (self.model(spectrum) > 0).float()
            both += (guess * playing).sum().item()
            said += guess.sum().item()
            true += playing.sum().item()
        return 2 * both / (said + true)

    def run(self):
        for epoch in range(1, CONFIG["epochs"] + 1):
            self.history.append((self.train_epoch(), self.f1()))
            print(f"epoch {epoch:2d}: loss {self.history[-1][0]:.4f}, validation F1 {self.history[-1][1]:.4f}")
        return self.history[-1][1]


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_data, val_data = random_split(Bars(seed), [4000, 1000])
    print(f"score: {Trainer(Tagger(), train_data, val_data).run():.4f}")
