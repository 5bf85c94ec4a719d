"""Eight spoken keywords from short log-spectrograms computed here by torch.stft and standardised per band, a small
convolutional network with dropout."""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
KEYWORDS = 8


def recordings(n):
    """Chirps between the two formants of each word, at 1 kHz for half a second."""
    word = torch.randint(KEYWORDS, (n,))
    t = torch.arange(512) / 1000
    start = 80 + 45 * word.float().unsqueeze(1) + 10 * torch.randn(n, 1)
    end = 80 + 45 * ((3 * word + 1) % KEYWORDS).float().unsqueeze(1) + 10 * torch.randn(n, 1)
    phase = 2 * math.pi * (start * t + (end - start) * t**2 / (2 * 0.512))
    loud = 0.5 + torch.rand(n, 1)
    return loud * torch.sin(phase) + 0.7 * torch.randn(n, 512), word


def log_spectrogram(wave):
    spectrum = torch.stft(wave, 64, hop_length=32, window=torch.hann_window(64), return_complex=True)
    return spectrum.abs().square().add(1e-3).log()


class KeywordNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 12, 3, padding=1)
        self.c2 = nn.Conv2d(12, 24, 3, padding=1)
        self.drop = nn.Dropout(0.25)
        self.out = nn.Linear(24 * 8 * 4, KEYWORDS)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.out(self.drop(x.flatten(1)))


wave, word = recordings(1000)
wave_test, word_test = recordings(300)
x, x_test = log_spectrogram(wave), log_spectrogram(wave_test)
mean, std = x.mean(dim=(0, 2), keepdim=True), x.std(dim=(0, 2), keepdim=True)
x, x_test = ((x - mean) / std).unsqueeze(1), ((x_test - mean) / std).unsqueeze(1)
model = KeywordNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(40):
        loss = F.cross_entropy(model(x[idx]), word[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == word_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / 25:.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
