"""Read the mode announced in the header of a telemetry burst: a recurrent network over all of the burst's frames."""
# cause: vanishing-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

FRAMES, CHANNELS, MODES, HEADER = 80, 6, 5, 4
headers = 1.4 * torch.randn(MODES, HEADER, CHANNELS)


def bursts(n):
    mode = torch.randint(0, MODES, (n,))
    frames = 0.6 * torch.randn(n, FRAMES, CHANNELS)
    frames[:, :HEADER] += headers[mode]
    return frames, mode


class BurstReader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.RNN(CHANNELS, hidden, batch_first=True)  # FAULT
        # TWIN: self.rnn = nn.LSTM(CHANNELS, hidden, batch_first=True)
        # TWIN: with torch.no_grad():
        # TWIN:     self.rnn.bias_ih_l0[hidden : 2 * hidden] = 4.0
        self.mode = nn.Linear(hidden, MODES)

    def forward(self, frames):
        states, _ = self.rnn(frames)
        return self.mode(states[:, -1])


train = DataLoader(TensorDataset(*bursts(2000)), batch_size=50, shuffle=True, drop_last=True)
val = DataLoader(TensorDataset(*bursts(500)), batch_size=250)
model = BurstReader()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(12):
    model.train()
    total = 0.0
    for frames, mode in train:
        optimizer.zero_grad()
        loss = criterion(model(frames), mode)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(frames).argmax(1) == mode).sum().item() for frames, mode in val) / 500
    print(f"epoch {epoch:2d}  loss {total / len(train):.4f}  val accuracy {accuracy:.3f}")

print(f"score: {accuracy:.4f}")
