"""How tight is the string? A deep stack of one-dimensional convolutions hears a plucked note and gives its tension.

The team's tuner from years ago squashed every layer; the new one is the same idea, only with ten layers.
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SAMPLES = 64


def pluck(count, generator):
    tension = torch.rand(count, generator=generator) * 2 - 1
    t = torch.arange(SAMPLES) / SAMPLES
    pitch = 6 * torch.exp(0.5 * tension)[:, None]
    phase = torch.rand(count, 1, generator=generator) * 6.283
    place = torch.rand(count, 1, generator=generator)
    wave = torch.sin(6.283 * pitch * t + phase) + place * torch.sin(12.566 * pitch * t + 2 * phase)
    wave = wave * torch.exp(-1.5 * t) + 0.1 * torch.randn(count, SAMPLES, generator=generator)
    return wave[:, None] / 0.6, tension[:, None] / 0.577


class StringNet(nn.Module):
    def __init__(self, layers=10, width=16):
        super().__init__()
        stack = []
        for i in range(layers):
            conv = nn.Conv1d(width if i else 1, width, 5, padding=2, stride=2 if i in (3, 6) else 1)
            nn.init.xavier_uniform_(conv.weight)  # FAULT
            # TWIN: nn.init.kaiming_uniform_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
            stack.append(conv)
            stack.append(nn.Sigmoid())  # FAULT
            # TWIN: stack.append(nn.ReLU())
        self.stack = nn.Sequential(*stack)
        self.out = nn.Linear(width * SAMPLES // 4, 1)

    def forward(self, wave):
        return self.out(self.stack(wave).flatten(1))


class Fitter:
    def __init__(self, model, rate, epochs):
        self.model, self.epochs = model, epochs
        self.optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)
        self.criterion = nn.MSELoss()

    def fit(self, loader, held_out):
        for epoch in range(self.epochs):
            self.model.train()
            total = 0.0
            for wave, tension in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(wave), tension)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            self.schedule.step()
            print(f"epoch {epoch + 1:2d}  loss {total / len(loader):.4f}  R2 {self.r2(*held_out):.4f}")

    @torch.no_grad()
    def r2(self, wave, tension):
        self.model.eval()
        return 1 - (self.criterion(self.model(wave), tension) / tension.var()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*pluck(2000, generator)), batch_size=40, shuffle=True)
    held_out = pluck(500, generator)
    fitter = Fitter(StringNet(), rate=1e-3, epochs=14)
    fitter.fit(loader, held_out)
    print(f"score: {fitter.r2(*held_out):.4f}")


main()
