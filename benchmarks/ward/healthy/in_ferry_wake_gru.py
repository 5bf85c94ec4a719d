"""The next height of the water at a jetty from the last twenty, with a one-layer GRU."""

import sys

import numpy as np
import torch
import torch.nn as nn

# ---- settings
seq_len = 20
hidden_size = 32
batch_size = 64
num_epochs = 12
learning_rate = 3e-3
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

# ---- data: swell, chop and a wake that comes and goes
rng = np.random.default_rng(seed)
t = np.arange(3200)
wake = 0.6 * np.sin(2 * np.pi * t / 9) * (np.sin(2 * np.pi * t / 310) > 0.3)
series = np.sin(2 * np.pi * t / 47) + 0.4 * np.sin(2 * np.pi * t / 13 + 1) + wake + rng.normal(0, 0.08, len(t))
series = (series - series[:2500].mean()) / series[:2500].std()
windows = np.lib.stride_tricks.sliding_window_view(series, seq_len + 1).astype(np.float32)
train, test = torch.tensor(windows[:2480]), torch.tensor(windows[2500:])


class WaterGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(input_size=1, hidden_size=hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.linear(out[:, -1]).squeeze(-1)


model = WaterGRU()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
for epoch in range(num_epochs):
    model.train()
    perm = torch.randperm(len(train))
    epoch_loss = 0.0
    for i in range(0, len(train), batch_size):
        batch = train[perm[i : i + batch_size]]
        prediction = model(batch[:, :-1].unsqueeze(-1))
        loss = criterion(prediction, batch[:, -1])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        epoch_loss += loss.item() * len(batch)
    model.eval()
    with torch.no_grad():
        test_loss = criterion(model(test[:, :-1].unsqueeze(-1)), test[:, -1]).item()
    print(f"Epoch [{epoch + 1}/{num_epochs}] train {epoch_loss / len(train):.5f} test {test_loss:.5f}")
print(f"score: {1 - test_loss / test[:, -1].var().item():.4f}")
