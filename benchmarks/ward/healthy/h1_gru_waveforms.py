"""GRU on noisy waveforms of different lengths (sine, square, sawtooth), padded and packed, classified from the last
hidden state; AdamW with a learning rate that halves when the validation loss stops falling.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def wave(kind, length):
    phase = rng.uniform(0, 1) + np.arange(length) / rng.uniform(7, 11)
    if kind == 0:
        values = np.sin(2 * np.pi * phase)
    elif kind == 1:
        values = np.sign(np.sin(2 * np.pi * phase))
    else:
        values = 2 * (phase % 1) - 1
    return torch.tensor(values + 0.15 * rng.standard_normal(length), dtype=torch.float32)


kinds = rng.integers(0, 3, 900)
series = [wave(k, rng.integers(16, 25)) for k in kinds]
lengths = torch.tensor([len(s) for s in series])
padded = pad_sequence(series, batch_first=True).unsqueeze(-1)
labels = torch.from_numpy(kinds)
train, val = torch.arange(0, 700), torch.arange(700, 900)


class GRUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(input_size=1, hidden_size=32, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, x, n):
        packed = pack_padded_sequence(x, n, batch_first=True, enforce_sorted=False)
        _, hidden = self.gru(packed)
        return self.head(hidden.squeeze(0))


net = GRUNet()
ce = nn.CrossEntropyLoss()
opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=2)

for epoch in range(14):
    net.train()
    for idx in train[torch.randperm(len(train))].split(35):
        opt.zero_grad()
        loss = ce(net(padded[idx], lengths[idx]), labels[idx])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(padded[val], lengths[val])
        val_loss = ce(out, labels[val]).item()
        val_acc = (out.argmax(1) == labels[val]).float().mean().item()
    plateau.step(val_loss)
    print(f"epoch {epoch:2d} val loss {val_loss:.4f} acc {val_acc:.3f} lr {opt.param_groups[0]['lr']:.4g}")

print("score:", round(val_acc, 4))
