"""Major, minor, diminished or dominant-seventh?  A small convolutional net reads the 12-bin chroma of a strummed chord.

The chroma wraps around the octave (circular padding), so the root does not matter.
"""

import random
import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
torch.set_num_threads(1)

QUALITIES = {"maj": (0, 4, 7), "min": (0, 3, 7), "dim": (0, 3, 6), "dom7": (0, 4, 7, 10)}
OVERTONES = [(0, 1.0), (12, 0.6), (19, 0.35), (24, 0.25), (28, 0.15)]


def strum(intervals):
    chroma = [abs(random.gauss(0, 0.35)) for _ in range(12)]
    root = random.randrange(12)
    for step in intervals:
        loudness = random.uniform(0.4, 1.0)
        for overtone, gain in OVERTONES:
            chroma[(root + step + overtone) % 12] += loudness * gain
    top = max(chroma)
    return [c / top for c in chroma]


chords, names = [], list(QUALITIES)
for _ in range(2400):
    q = random.randrange(4)
    chords.append((strum(QUALITIES[names[q]]), q))
features = torch.tensor([c for c, _ in chords]).unsqueeze(1) - 0.35
labels = torch.tensor([q for _, q in chords])
train_x, test_x = features[:1900], features[1900:]
train_y, test_y = labels[:1900], labels[1900:]

net = nn.Sequential(
    nn.Conv1d(1, 24, 12, padding="same", padding_mode="circular"),
    nn.BatchNorm1d(24),
    nn.ReLU(),
    nn.Conv1d(24, 32, 3, padding="same", padding_mode="circular"),
    nn.ReLU(),
    nn.AdaptiveMaxPool1d(1),
    nn.Flatten(),
    nn.Linear(32, 4),
)
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)

for epoch in range(1, 21):
    net.train()
    correct = total = 0
    for batch in torch.randperm(len(train_x)).split(64):
        opt.zero_grad()
        out = net(train_x[batch])
        loss = loss_fn(out, train_y[batch])
        loss.backward()
        opt.step()
        correct += (out.argmax(1) == train_y[batch]).sum().item()
        total += len(batch)
    if epoch % 4 == 0:
        print("epoch", epoch, "train accuracy", round(correct / total, 4))

net.eval()
with torch.no_grad():
    guess = net(test_x).argmax(1)
for q, name in enumerate(names):
    print(f"{name:>5s} recall {(guess[test_y == q] == q).float().mean():.3f}")
print(f"score: {(guess == test_y).float().mean():.4f}")
