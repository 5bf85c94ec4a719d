"""Two-source separation with utterance-level permutation invariant training: the loss is negative SI-SNR
under the better of the two output orders. Sources are a hum, a buzz or a tremolo whistle, mixed at random
levels."""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
T = 160
time = torch.linspace(0, 1, T)


def source(kind, n):
    phase = 2 * math.pi * torch.rand(n, 1)
    if kind == 0:
        return torch.sin(2 * math.pi * (3 + 4 * torch.rand(n, 1)) * time + phase)
    f = 14 + 6 * torch.rand(n, 1) if kind == 1 else 32 + 10 * torch.rand(n, 1)
    wave = torch.sin(2 * math.pi * f * time + phase)
    return wave * (1 + 0.5 * torch.sin(2 * math.pi * 2 * time + phase)) if kind == 2 else wave


def sample(n):
    """n mixtures of two different kinds, in random order."""
    bank = torch.stack([source(k, n) for k in range(3)], dim=1)
    picks = torch.rand(n, 3).argsort(1)[:, :2]
    pair = bank[torch.arange(n)[:, None], picks] * (0.6 + 0.8 * torch.rand(n, 2, 1))
    return pair.sum(1) + 0.02 * torch.randn(n, T), pair


def si_snr(estimate, reference):
    estimate = estimate - estimate.mean(-1, keepdim=True)
    reference = reference - reference.mean(-1, keepdim=True)
    scale = (estimate * reference).sum(-1, keepdim=True) / reference.square().sum(-1, keepdim=True)
    target = scale * reference
    noise = estimate - target
    return 10 * torch.log10((target.square().sum(-1) + 1e-6) / (noise.square().sum(-1) + 1e-6))


def best_order(estimates, references):
    straight = si_snr(estimates, references).mean(1)
    swapped = si_snr(estimates, references.flip(1)).mean(1)
    return torch.maximum(straight, swapped)


class Separator(nn.Module):
    def __init__(self, channels=32, basis=40):
        super().__init__()
        self.analysis = nn.Conv1d(1, basis, 16, stride=8, padding=4)
        self.norm = nn.GroupNorm(1, basis)
        self.body = nn.Sequential(
            nn.Conv1d(basis, channels, 1),
            nn.PReLU(),
            nn.Conv1d(channels, channels, 3, padding=1),
            nn.PReLU(),
            nn.Conv1d(channels, channels, 3, padding=2, dilation=2),
            nn.PReLU(),
            nn.Conv1d(channels, 2 * basis, 1),
        )
        self.synthesis = nn.ConvTranspose1d(basis, 1, 16, stride=8, padding=4)

    def forward(self, mix):
        code = self.analysis(mix.unsqueeze(1))
        masks = torch.sigmoid(self.body(self.norm(code))).view(len(mix), 2, *code.shape[1:])
        return self.synthesis((masks * code.unsqueeze(1)).flatten(0, 1)).view(len(mix), 2, T)


net = Separator()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(1, 451):
    mix, pair = sample(24)
    loss = -best_order(net(mix), pair).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step:4d}  SI-SNR {-loss.item():6.2f} dB")

net.eval()
with torch.no_grad():
    mix, pair = sample(300)
    before = si_snr(mix.unsqueeze(1).expand_as(pair), pair).mean()
    after = best_order(net(mix), pair).mean()
print(f"unprocessed {before.item():.2f} dB, separated {after.item():.2f} dB")
print(f"score: {(after - before).item():.4f}")
