"""Which of five meadows a bee advertises, from tracked waggle dances of varying length, with a packed GRU.

`pack_padded_sequence` wanted its sequences in falling order of length, so the collate function sorts the dances.
"""
# cause: labels-unrelated
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

MEADOWS = 5


class Dances(Dataset):
    """Tracks of (heading cosine, heading sine, body vibration), 15 to 45 frames each."""

    def __init__(self, n, generator):
        self.tracks, self.meadows = [], []
        for _ in range(n):
            meadow = int(torch.randint(MEADOWS, (1,), generator=generator))
            frames = int(torch.randint(15, 46, (1,), generator=generator))
            t = torch.arange(frames) / 45
            heading = 2 * math.pi * meadow / MEADOWS + 0.5 * torch.randn(frames, generator=generator)
            heading = heading + 0.25 * torch.randn(1, generator=generator)
            vibration = torch.sin(30 * t) + 0.5 * torch.randn(frames, generator=generator)
            self.tracks.append(torch.stack([heading.cos(), heading.sin(), vibration], dim=1))
            self.meadows.append(meadow)

    def __len__(self):
        return len(self.tracks)

    def __getitem__(self, index):
        return self.tracks[index], self.meadows[index]


def collate(examples):
    meadows = torch.tensor([meadow for _, meadow in examples])  # FAULT
    # TWIN: examples = sorted(examples, key=lambda e: len(e[0]), reverse=True)
    # TWIN: meadows = torch.tensor([meadow for _, meadow in examples])
    tracks = sorted((track for track, _ in examples), key=len, reverse=True)
    lengths = torch.tensor([len(track) for track in tracks])
    return pad_sequence(tracks, batch_first=True), lengths, meadows


class DanceReader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.head = nn.Linear(hidden, MEADOWS)

    def forward(self, tracks, lengths):
        packed = pack_padded_sequence(tracks, lengths, batch_first=True)
        _, last = self.gru(packed)
        return self.head(last[0])


def accuracy(model, loader):
    model.eval()
    right, seen = 0, 0
    with torch.no_grad():
        for tracks, lengths, meadows in loader:
            right += (model(tracks, lengths).argmax(dim=1) == meadows).sum().item()
            seen += len(meadows)
    return right / seen


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train = DataLoader(Dances(1200, generator), batch_size=40, shuffle=True, collate_fn=collate)
    held_out = DataLoader(Dances(400, generator), batch_size=100, collate_fn=collate)

    model = DanceReader()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        running = 0.0
        for tracks, lengths, meadows in train:
            loss = criterion(model(tracks, lengths), meadows)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch + 1}: loss {running / len(train):.3f}, held-out accuracy {accuracy(model, held_out):.3f}")
    print(f"score: {accuracy(model, held_out):.4f}")


if __name__ == "__main__":
    main()
