"""Connectionist temporal classification: a bidirectional GRU reads a noisy signal in which three to five symbols are
drawn one after another, each stretched over a random number of frames, and learns the strings without an alignment.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

SYMBOLS, FRAMES, CHANNELS = 5, 36, 6
shapes = torch.randn(SYMBOLS, CHANNELS)


def make_strings(n):
    signal = 0.4 * torch.randn(n, FRAMES, CHANNELS)
    lengths = torch.randint(3, 6, (n,))
    labels = torch.zeros(n, 5, dtype=torch.long)
    for i in range(n):
        t = int(torch.randint(0, 3, ()))
        for j in range(int(lengths[i])):
            s = int(torch.randint(SYMBOLS, ()))
            width = int(torch.randint(3, 6, ()))
            signal[i, t : t + width] += shapes[s]
            labels[i, j] = s + 1  # 0 is the blank
            t += width + int(torch.randint(1, 3, ()))
    return signal, labels, lengths


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(CHANNELS, 24, batch_first=True, bidirectional=True)
        self.out = nn.Linear(48, SYMBOLS + 1)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h).log_softmax(2)


def decode(log_probs):
    strings = []
    for path in log_probs.argmax(2).tolist():
        strings.append([a for a, b in zip(path, [0, *path[:-1]]) if a != b and a != 0])
    return strings


x_train, y_train, n_train = make_strings(800)
x_test, y_test, n_test = make_strings(200)
model = Recognizer()
ctc = nn.CTCLoss(blank=0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
for epoch in range(12):
    model.train()
    total = 0.0
    for batch in torch.randperm(800).split(40):
        log_probs = model(x_train[batch]).transpose(0, 1)
        frames = torch.full((len(batch),), FRAMES)
        loss = ctc(log_probs, y_train[batch], frames, n_train[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        total += loss.item() * len(batch)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        decoded = decode(model(x_test))
    exact = sum(d == y[:n].tolist() for d, y, n in zip(decoded, y_test, n_test)) / 200
    print(f"epoch {epoch + 1:2d}: ctc loss {total / 800:.3f}  whole strings right {exact:.3f}")
print(f"score: {exact:.4f}")
