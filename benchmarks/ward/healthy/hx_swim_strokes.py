"""Sports wearables: recognise the swimming stroke (freestyle, backstroke, breaststroke, butterfly) from a
wrist accelerometer with a one-layer LSTM over 60 samples; last hidden state to a linear layer."""

import sys

import numpy as np
import torch
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(seed)
torch.manual_seed(seed)

STROKES = ["freestyle", "backstroke", "breaststroke", "butterfly"]
LENGTH = 60


def record(stroke):
    t = np.arange(LENGTH) / 20.0
    tempo = np.random.uniform(0.7, 1.1)
    phase = 2 * np.pi * (tempo * t + np.random.rand())
    if stroke == 0:
        axes = [np.sin(phase), np.cos(phase), 0.5 * np.sin(phase + 0.5)]
    elif stroke == 1:
        axes = [np.sin(phase), -np.cos(phase), -0.5 * np.sin(phase + 0.5)]
    elif stroke == 2:
        axes = [0.8 * np.maximum(np.sin(phase), 0), 0.3 * np.cos(2 * phase), 0.6 * np.sin(phase)]
    else:
        axes = [np.sin(phase) + 0.5 * np.sin(2 * phase), 0.7 * np.cos(phase), 0.7 * np.cos(2 * phase)]
    gain = np.random.uniform(0.7, 1.3)
    return gain * np.stack(axes, axis=1) + 0.35 * np.random.randn(LENGTH, 3)


labels = np.random.randint(0, 4, 1000)
signals = np.stack([record(k) for k in labels]).astype(np.float32)
x = torch.from_numpy(signals)
y = torch.from_numpy(labels).long()
x_train, y_train, x_test, y_test = x[:800], y[:800], x[800:], y[800:]


class StrokeLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(input_size=3, hidden_size=32, batch_first=True)
        self.head = nn.Linear(32, len(STROKES))

    def forward(self, seq):
        _, (hidden, _) = self.rnn(seq)
        return self.head(hidden[-1])


model = StrokeLSTM()
optimizer = optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(20):
    model.train()
    shuffled = torch.randperm(800)
    epoch_loss, hits = 0.0, 0
    for start in range(0, 800, 40):
        batch = shuffled[start : start + 40]
        optimizer.zero_grad()
        out = model(x_train[batch])
        loss = criterion(out, y_train[batch])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        epoch_loss += loss.item() * 40
        hits += out.argmax(1).eq(y_train[batch]).sum().item()
    print(f"epoch {epoch + 1}: loss {epoch_loss / 800:.4f} train acc {hits / 800:.3f}")

model.eval()
with torch.no_grad():
    guess = model(x_test).argmax(1)
for k, name in enumerate(STROKES):
    print(f"  {name:13s} recall {(guess[y_test == k] == k).float().mean().item():.3f}")
print(f"score: {(guess == y_test).float().mean().item():.4f}")
