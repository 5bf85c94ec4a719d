"""An adaptive equalizer with complex weights: 16-QAM symbols pass through a multipath channel with noise, generated
anew for every step, and thirteen complex taps (starting from a single one in the middle) undo it.
"""

import sys

import torch

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(SEED)
LEVELS = torch.tensor([-3.0, -1.0, 1.0, 3.0]) / 10**0.5
CHANNEL = torch.tensor([0.10 - 0.05j, 1.0 + 0.0j, 0.28 + 0.22j, -0.12 + 0.10j], dtype=torch.complex64)
TAPS, DELAY = 13, 6


def transmit(frames, length=128):
    sent = torch.randint(0, 4, (frames, length, 2), generator=gen)
    symbols = torch.complex(LEVELS[sent[..., 0]], LEVELS[sent[..., 1]])
    received = sum(c * torch.roll(symbols, k - 1, dims=1) for k, c in enumerate(CHANNEL))
    noise = torch.randn(frames, length, 2, generator=gen) * 0.04
    return received + torch.view_as_complex(noise), symbols


class Equalizer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        start = torch.zeros(TAPS, dtype=torch.complex64)
        start[DELAY] = 1.0
        self.taps = torch.nn.Parameter(start)

    def forward(self, received):
        shifted = torch.stack([torch.roll(received, k - DELAY, dims=1) for k in range(TAPS)], dim=-1)
        return shifted @ self.taps


def decide(x):
    return (x[..., None] - LEVELS).abs().argmin(-1)


def symbol_accuracy(output, symbols):
    right = (decide(output.real) == decide(symbols.real)) & (decide(output.imag) == decide(symbols.imag))
    return right.float().mean().item()


equalizer = Equalizer()
optimizer = torch.optim.SGD(equalizer.parameters(), lr=0.01)
for step in range(600):
    received, symbols = transmit(frames=4)
    error = equalizer(received) - symbols
    loss = (error * error.conj()).real.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(f"frame {step:4d}  mse {loss.item():.5f}")

with torch.no_grad():
    received, symbols = transmit(frames=100)
    print(f"without equalizer: {symbol_accuracy(received, symbols):.4f}")
    print(f"score: {symbol_accuracy(equalizer(received), symbols):.4f}")
