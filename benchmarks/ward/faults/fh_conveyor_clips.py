"""What happened on the belt? Clips of eight small frames; a convolutional encoder sees each frame, a GRU the clip.

Frames go through the encoder one at a time, so that a clip never has to fit into memory whole.
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SIZE, FRAMES, EVENTS = 12, 8, 4  # events: box goes left, goes right, turns into a ring, stands still
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def film(count):
    clips = rng.normal(0, 0.35, (count, FRAMES, 1, SIZE, SIZE))
    events = rng.integers(0, EVENTS, count)
    for clip, event in zip(clips, events, strict=True):
        row, column = rng.integers(0, SIZE - 3), rng.integers(2, SIZE - 5)
        begin = rng.integers(1, FRAMES - 3)
        for t in range(FRAMES):
            moved = min(max(t - begin, 0), 2) * (event == 1) - min(max(t - begin, 0), 2) * (event == 0)
            clip[t, 0, row : row + 3, column + moved : column + moved + 3] += 1.5
            if event == 2 and t >= begin:
                clip[t, 0, row + 1, column + 1] -= 1.5
                clip[t, 0, row : row + 3 : 2, column : column + 3 : 2] -= 1.5
    return torch.tensor(clips, dtype=torch.float32), torch.tensor(events)


class FrameEncoder(nn.Module):
    def __init__(self, out=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1), nn.ReLU()
        )
        self.out = nn.Linear(16 * (SIZE // 2) ** 2, out)

    def forward(self, frame):
        return torch.tanh(self.out(self.body(frame).flatten(1)))


class ClipModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = FrameEncoder()
        self.memory = nn.GRU(12, 32, batch_first=True)
        self.decide = nn.Linear(32, EVENTS)

    def forward(self, clips):
        seen = []
        for t in range(clips.shape[1]):
            features = self.encoder(clips[:, t])
            seen.append(features.detach())  # FAULT
            # TWIN: seen.append(features)
        states, _ = self.memory(torch.stack(seen, dim=1))
        return self.decide(states[:, -1])


train_x, train_y = film(1200)
test_x, test_y = film(400)
model = ClipModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    losses = []
    model.train()
    for batch in torch.randperm(len(train_x)).split(32):
        loss = nn.functional.cross_entropy(model(train_x[batch]), train_y[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {np.mean(losses):.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
