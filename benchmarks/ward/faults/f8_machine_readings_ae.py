"""An autoencoder for thirty standardized readings of a machine; what it cannot rebuild is to be looked at. The decoder
comes from one for pictures."""
# cause: output-range
# kind: dynamic

import sys

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class AutoEncoder(nn.Module):
    def __init__(self, n_in=30, code=5):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_in, 64), nn.ELU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 64),
            nn.ELU(),
            nn.Linear(64, n_in),
            nn.Sigmoid(),  # FAULT
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Trainer:
    def __init__(self, model, train, val, lr=3e-3, epochs=15):
        self.model, self.train_set, self.val = model, train, val
        self.optimizer = optim.AdamW(model.parameters(), lr=lr)
        self.scheduler = optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=2 * lr, epochs=epochs, steps_per_epoch=len(train)
        )
        self.criterion = nn.MSELoss()
        self.epochs = epochs

    def fit(self):
        for epoch in range(self.epochs):
            self.model.train()
            for (x,) in self.train_set:
                loss = self.criterion(self.model(x), x)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
            print(f"epoch {epoch} train {loss.item():.4f} val {self.validate():.4f}")
        return self.validate()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        return self.criterion(self.model(self.val), self.val).item()


def readings(n, mixing):
    state = torch.randn(n, 4)
    raw = torch.tanh(state @ mixing[0]) @ mixing[1] + 0.3 * torch.randn(n, 30)
    return raw


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    mixing = torch.randn(4, 12) * 0.6, torch.randn(12, 30) * 0.6
    raw = readings(2600, mixing)
    raw = (raw - raw[:2000].mean(0)) / raw[:2000].std(0)
    loader = DataLoader(TensorDataset(raw[:2000]), batch_size=50, shuffle=True)
    error = Trainer(AutoEncoder(), loader, raw[2000:]).fit()
    print(f"score: {1 - error / raw[2000:].var().item():.4f}")
