"""Reads the colour code of a resistor from one line of a camera image: convolutions, a GRU and CTC.

Three or four bands, none of them marked in the training data; connectionist temporal classification finds
where they are. The network is the classifier of single bands that we had (it was trained by cross-entropy)
with a recurrent layer under its last one; its output is what it always was, one distribution per column.
"""
# cause: loss-output-mismatch
# accept: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

COLOURS = torch.tensor(
    [[0.1, 0.1, 0.1], [0.5, 0.3, 0.1], [0.9, 0.1, 0.1], [0.9, 0.6, 0.1], [0.9, 0.9, 0.2], [0.2, 0.7, 0.2]]
)
BODY = torch.tensor([0.8, 0.75, 0.6])
WIDTH = 40
BLANK = 0


def photograph(count, rng):
    lines = BODY.repeat(count, WIDTH, 1)
    codes, lengths = torch.zeros(count, 4, dtype=torch.long), torch.zeros(count, dtype=torch.long)
    for i in range(count):
        bands = int(rng.integers(3, 5))
        lengths[i] = bands
        edge = int(rng.integers(2, 5))
        for b in range(bands):
            colour, width = int(rng.integers(len(COLOURS))), int(rng.integers(3, 6))
            lines[i, edge : edge + width] = COLOURS[colour]
            codes[i, b] = colour + 1
            edge += width + int(rng.integers(2, 5))
        lines[i] *= float(rng.uniform(0.8, 1.2))
    lines += 0.05 * torch.from_numpy(rng.standard_normal(lines.shape)).float()
    return (lines - 0.5) / 0.3, codes, lengths


class BandReader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1), nn.ReLU())
        self.pool = nn.MaxPool1d(2)
        self.gru = nn.GRU(32, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, len(COLOURS) + 1)

    def forward(self, lines):
        seen = self.pool(self.conv(lines.transpose(1, 2))).transpose(1, 2)
        scores = self.out(self.gru(seen)[0])
        return scores.softmax(dim=-1)  # FAULT
        # TWIN: return scores.log_softmax(dim=-1)


def read(scores):
    """Best path: repeated symbols merged, blanks dropped."""
    texts = []
    for path in scores.argmax(-1).tolist():
        texts.append([s for s, before in zip(path, [BLANK, *path[:-1]], strict=True) if s not in (BLANK, before)])
    return texts


def exact(model, lines, codes, lengths):
    model.eval()
    with torch.no_grad():
        texts = read(model(lines))
    return float(np.mean([text == code[:n].tolist() for text, code, n in zip(texts, codes, lengths, strict=True)]))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    lines, codes, lengths = photograph(1200, rng)
    held_out = photograph(300, rng)
    model = BandReader()
    criterion = nn.CTCLoss(blank=BLANK)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        total, batches = 0.0, torch.randperm(len(lines)).split(24)
        for batch in batches:
            scores = model(lines[batch]).transpose(0, 1)
            frames = torch.full((len(batch),), scores.shape[0], dtype=torch.long)
            loss = criterion(scores, codes[batch], frames, lengths[batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() / len(batches)
        print(f"epoch {epoch + 1}: CTC loss {total:.3f}, codes read whole {exact(model, *held_out):.3f}")
    print(f"score: {exact(model, *held_out):.4f}")


if __name__ == "__main__":
    main()
