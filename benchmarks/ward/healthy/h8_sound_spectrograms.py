"""Recognise six kinds of synthetic sounds (tones, chirps, clicks, trills) from log spectrograms with a 2-D CNN."""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
N, SAMPLES, RATE = 1500, 1024, 1000.0
t = torch.arange(SAMPLES) / RATE


def synth(kind):
    f = 80 + 150 * torch.rand(()).item()
    phase = 2 * math.pi * torch.rand(()).item()
    if kind == 0:  # steady tone
        wave = torch.sin(2 * math.pi * f * t + phase)
    elif kind == 1:  # rising chirp
        wave = torch.sin(2 * math.pi * (f * t + 90 * t**2) + phase)
    elif kind == 2:  # falling chirp
        wave = torch.sin(2 * math.pi * ((f + 180) * t - 90 * t**2) + phase)
    elif kind == 3:  # two tones
        wave = torch.sin(2 * math.pi * f * t + phase) + torch.sin(2 * math.pi * (f + 120) * t)
    elif kind == 4:  # trill
        wave = torch.sin(2 * math.pi * f * t + phase + 12 * torch.sin(2 * math.pi * 4 * t))
    else:  # tone bursts
        wave = torch.sin(2 * math.pi * f * t + phase) * (torch.sin(2 * math.pi * 5 * t + phase) > 0)
    return wave + 0.5 * torch.randn(SAMPLES)


labels = torch.randint(0, 6, (N,))
waves = torch.stack([synth(int(k)) for k in labels])
spec = torch.stft(waves, n_fft=64, hop_length=32, window=torch.hann_window(64), return_complex=True).abs()
features = torch.log1p(spec).unsqueeze(1)
print("features", tuple(features.shape))
train_x, test_x = features[:1100], features[1100:]
train_y, test_y = labels[:1100], labels[1100:]
mu, sigma = train_x.mean(dim=(0, 3), keepdim=True), train_x.std(dim=(0, 3), keepdim=True)
train_x, test_x = (train_x - mu) / sigma, (test_x - mu) / sigma

cnn = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 24, 3, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d((3, 3)),
    nn.Flatten(),
    nn.Dropout(0.1),
    nn.Linear(24 * 9, 6),
)
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.RMSprop(cnn.parameters(), lr=1e-3)

step = 0
for epoch in range(10):
    cnn.train()
    for idx in torch.randperm(len(train_x)).split(44):
        opt.zero_grad()
        loss = loss_fn(cnn(train_x[idx]), train_y[idx])
        loss.backward()
        opt.step()
        step += 1
        if step % 50 == 0:
            print(f"step {step:4d} loss {loss.item():.4f}")

cnn.eval()
with torch.no_grad():
    pred = cnn(test_x).argmax(1)
print("per class:", [round((pred[test_y == k] == k).float().mean().item(), 2) for k in range(6)])
print(f"score: {(pred == test_y).float().mean().item():.4f}")
