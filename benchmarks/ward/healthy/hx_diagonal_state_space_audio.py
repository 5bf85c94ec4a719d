"""Diagonal state-space layers with complex-valued parameters, applied as FFT convolutions: classify short
audio-like clips as rising chirp, falling chirp, steady tone or warble."""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
L = 160


def clips(n):
    t = torch.linspace(0, 1, L)
    kind = torch.randint(0, 4, (n,))
    f0 = 10 + 10 * torch.rand(n, 1)
    sweep = 4 + 6 * torch.rand(n, 1)
    k = kind[:, None]
    bend = torch.where(k == 0, sweep * t**2 / 2, torch.where(k == 1, -sweep * t**2 / 2, torch.zeros(())))
    bend = torch.where(k == 3, 0.4 * torch.sin(2 * math.pi * 3 * t), bend)
    wave = torch.sin(2 * math.pi * (f0 * t + bend + torch.rand(n, 1)))
    return wave + 0.2 * torch.randn(n, L), kind


class DiagonalSSM(nn.Module):
    def __init__(self, channels, states=16):
        super().__init__()
        self.log_decay = nn.Parameter(torch.log(torch.full((channels, states), 0.03)))
        self.frequency = nn.Parameter(torch.linspace(0, 1.2, states).repeat(channels, 1))
        self.C = nn.Parameter(torch.randn(channels, states, dtype=torch.cfloat) / math.sqrt(states))
        self.D = nn.Parameter(torch.ones(channels))

    def forward(self, u):
        poles = torch.complex(-self.log_decay.exp(), self.frequency)
        response = torch.exp(poles.unsqueeze(-1) * torch.arange(u.shape[-1]))
        kernel = torch.einsum("hn,hnl->hl", self.C * (poles.exp() - 1) / poles, response).real
        n = 2 * u.shape[-1]
        y = torch.fft.irfft(torch.fft.rfft(u, n) * torch.fft.rfft(kernel, n), n)[..., : u.shape[-1]]
        return y + self.D[:, None] * u


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.ssm = DiagonalSSM(channels)
        self.mix = nn.Linear(channels, 2 * channels)

    def forward(self, x):
        z = self.ssm(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + nn.functional.glu(self.mix(nn.functional.gelu(z)), dim=-1)


class Classifier(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.lift = nn.Linear(1, channels)
        self.blocks = nn.Sequential(Block(channels), Block(channels))
        self.head = nn.Linear(channels, 4)

    def forward(self, wave):
        return self.head(self.blocks(self.lift(wave.unsqueeze(-1))).mean(1))


def main():
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    (x, y), (x_test, y_test) = clips(1200), clips(400)
    net = Classifier()
    slow = [p for name, p in net.named_parameters() if "log_decay" in name or "frequency" in name]
    rest = [p for name, p in net.named_parameters() if "log_decay" not in name and "frequency" not in name]
    opt = torch.optim.AdamW([{"params": slow, "lr": 2e-3, "weight_decay": 0.0}, {"params": rest, "lr": 1e-2}])
    for epoch in range(5):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(40):
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx) / len(x)
        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch}: loss {total:.4f} test accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
