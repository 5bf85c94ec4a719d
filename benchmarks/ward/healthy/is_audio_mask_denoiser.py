"""Cleans noisy harmonic sounds by masking the spectrogram with a recurrent network trained on the negative SI-SDR.

After Asteroid (https://github.com/asteroid-team/asteroid) and Open-Unmix (https://github.com/sigsep/open-unmix-pytorch).
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

RATE, LENGTH = 4000, 2048


def clean_sound(rng):
    out = np.zeros(LENGTH)
    edges = np.sort(rng.integers(200, LENGTH - 200, 2))
    silent = rng.integers(4)  # 3: no part is silent
    for part, (start, stop) in enumerate(zip([0, *edges], [*edges, LENGTH])):
        if stop - start < 60 or part == silent:
            continue
        f = rng.uniform(120, 350) * (1 + rng.uniform(-0.15, 0.15) * np.linspace(0, 1, stop - start))
        phase = 2 * np.pi * np.cumsum(f) / RATE
        tone = sum(rng.uniform(0.3, 1.0) / h * np.sin(h * phase + rng.uniform(0, 6)) for h in range(1, 5))
        out[start:stop] = tone * np.hanning(stop - start) ** 0.3
    return out / out.std()


def make_set(rng, n):
    clean = np.stack([clean_sound(rng) for _ in range(n)])
    snr = rng.uniform(-2, 6, (n, 1))
    noisy = clean + rng.normal(size=clean.shape) * 10 ** (-snr / 20)
    return TensorDataset(torch.tensor(noisy, dtype=torch.float32), torch.tensor(clean, dtype=torch.float32))


def si_sdr(estimate, target, eps=1e-8):
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    scale = (estimate * target).sum(-1, keepdim=True) / (target.pow(2).sum(-1, keepdim=True) + eps)
    projection = scale * target
    return 10 * torch.log10((projection.pow(2).sum(-1) + eps) / ((estimate - projection).pow(2).sum(-1) + eps))


class MaskNet(nn.Module):
    def __init__(self, n_fft=128, hop=64, hidden=48):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        bins = n_fft // 2 + 1
        self.register_buffer("window", torch.hann_window(n_fft))
        self.norm = nn.LayerNorm(bins)
        self.rnn = nn.GRU(bins, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * hidden, bins), nn.Sigmoid())

    def forward(self, wave):
        spec = torch.stft(wave, self.n_fft, self.hop, window=self.window, return_complex=True)
        features = self.norm(torch.log1p(spec.abs()).transpose(1, 2))
        mask = self.head(self.rnn(features)[0]).transpose(1, 2)
        return torch.istft(spec * mask, self.n_fft, self.hop, window=self.window, length=wave.shape[-1])


class System:
    """Model, optimizer and data together, as a small trainer."""

    def __init__(self, model, optimizer, scheduler, train_loader, val_loader, clip=5.0):
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.train_loader, self.val_loader, self.clip = train_loader, val_loader, clip

    def common_step(self, batch):
        noisy, clean = batch
        return -si_sdr(self.model(noisy), clean).mean()

    def fit(self, max_epochs):
        for epoch in range(max_epochs):
            self.model.train()
            total = 0.0
            for batch in self.train_loader:
                loss = self.common_step(batch)
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
                self.optimizer.step()
                total += loss.item()
            val_loss = self.validate()
            self.scheduler.step(val_loss)
            if epoch % 2 == 1:
                print(f"epoch {epoch + 1}: loss {total / len(self.train_loader):.3f} val_loss {val_loss:.3f}")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        return sum(self.common_step(batch).item() for batch in self.val_loader) / len(self.val_loader)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(make_set(rng, 480), batch_size=24, shuffle=True, drop_last=True)
    val_loader = DataLoader(make_set(rng, 60), batch_size=30)
    noisy, clean = make_set(rng, 100).tensors
    model = MaskNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    System(model, optimizer, scheduler, train_loader, val_loader).fit(max_epochs=9)
    model.eval()
    with torch.no_grad():
        before, after = si_sdr(noisy, clean).mean().item(), si_sdr(model(noisy), clean).mean().item()
    print(f"SI-SDR of the noisy test sounds {before:.3f} dB, cleaned {after:.3f} dB; improvement:")
    print(f"score: {after - before:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
