"""What a lute's strings do, from the sound alone: an encoder guesses pitch, brightness and decay, a differentiable
synthesizer without weights plays them, and the loss compares log spectra at three resolutions (phases differ, so
the wave itself is never compared). No parameter is ever shown. Score: mean correlation of the three with the truth.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
LENGTH, HARMONICS = 512, 6
TIME, ORDER = torch.arange(LENGTH) / LENGTH, torch.arange(1, HARMONICS + 1)


def play(controls, phase):
    """Controls in (-1, 1): pitch, brightness, decay."""
    pitch = 20 * 2 ** (0.25 * controls[:, 0])  # cycles a window
    roll = 1.2 - 0.8 * controls[:, 1]
    decay = 3 + 2 * controls[:, 2]
    waves = torch.sin(2 * math.pi * pitch[:, None, None] * ORDER[:, None] * TIME + phase[:, :, None])
    return (ORDER ** -roll[:, None])[:, None] @ waves * torch.exp(-decay[:, None, None] * TIME)


def spectra(sound):
    out = []
    for size in (64, 128, 256):
        window = torch.hann_window(size)
        s = torch.stft(sound, size, size // 2, window=window, return_complex=True).abs() / window.sum()
        out.append(torch.log(s + 3e-3))
    return out


def spectral_loss(a, b):
    return sum((x - y).abs().mean() for x, y in zip(spectra(a), spectra(b), strict=True))


def record(n):
    controls = 1.8 * torch.rand(n, 3) - 0.9
    sound = play(controls, 2 * math.pi * torch.rand(n, HARMONICS)).squeeze(1)
    return sound + 0.01 * torch.randn_like(sound), controls


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(129 * 5, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, sound):
        return torch.tanh(self.net((spectra(sound)[2].flatten(1) + 5) / 1.5))


def correlations(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0))


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    sounds, _ = record(1000)
    test_sounds, test_controls = record(300)
    listener = Listener()
    epochs = 14
    optimizer = torch.optim.AdamW(listener.parameters(), lr=2e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, 5e-5)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for idx in torch.randperm(len(sounds)).split(25):
            phase = 2 * math.pi * torch.rand(len(idx), HARMONICS)
            loss = spectral_loss(play(listener(sounds[idx]), phase).squeeze(1), sounds[idx])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(listener.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        with torch.no_grad():
            guess = listener(test_sounds)
            phase = 2 * math.pi * torch.rand(len(guess), HARMONICS)
            test = spectral_loss(play(guess, phase).squeeze(1), test_sounds).item()
            ideal = spectral_loss(play(test_controls, phase).squeeze(1), test_sounds).item()
        r = correlations(guess, test_controls)
        print(f"epoch {epoch}: {total / len(sounds):.4f} test {test:.4f} (truth {ideal:.4f}) r {r.tolist()}")
    print(f"score: {r.mean().item():.4f}")
