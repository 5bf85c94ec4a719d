"""Reads semaphore words: two arm angles per frame, 25 frames, one of twelve words, by a GRU."""
# cause: learning-rate-too-high
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Settings:
    words: int = 12
    letters: int = 5
    hold: int = 5
    hidden: int = 48
    batch: int = 32
    steps: int = 480
    rate: float = 0.5  # FAULT
    # TWIN: rate: float = 0.005


cfg = Settings()
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
alphabet = torch.rand(8, 2) * 6.28
vocabulary = torch.randint(0, 8, (cfg.words, cfg.letters))


def signaller(n):
    """Frames of n words: cosine and sine of both arms, unsteady, and begun at any frame."""
    word = torch.randint(0, cfg.words, (n,))
    arms = alphabet[vocabulary[word]].repeat_interleave(cfg.hold, dim=1)
    arms = arms + 0.3 * torch.randn(n, 1, 2) + 0.4 * torch.randn_like(arms)
    begin = torch.randint(0, cfg.hold, (n, 1))
    frame = (torch.arange(arms.shape[1]) + begin).clamp(max=arms.shape[1] - 1)
    arms = arms.gather(1, frame.unsqueeze(2).expand(-1, -1, 2))
    return torch.cat([arms.cos(), arms.sin()], dim=2) * 1.4, word


class FlagReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, cfg.hidden, batch_first=True)
        self.words = nn.Linear(cfg.hidden, cfg.words)

    def forward(self, frames):
        states, _ = self.gru(frames)
        return self.words(states.mean(dim=1))


frames, words = signaller(3000)
val_frames, val_words = signaller(500)
reader = FlagReader()
optimizer = torch.optim.Adam(reader.parameters(), lr=cfg.rate)
loss_fn = nn.CrossEntropyLoss()
recent = []
for step in range(1, cfg.steps + 1):
    pick = torch.randint(0, len(frames), (cfg.batch,))
    optimizer.zero_grad()
    loss = loss_fn(reader(frames[pick]), words[pick])
    loss.backward()
    optimizer.step()
    recent.append(loss.item())
    if step % 60 == 0:
        reader.eval()
        with torch.no_grad():
            guess = reader(val_frames)
        right = (guess.argmax(1) == val_words).float().mean().item()
        print(f"{step:4d} train {sum(recent) / 60:.4f} val {loss_fn(guess, val_words).item():.4f} right {right:.3f}")
        recent.clear()
        reader.train()
print(f"score: {right:.4f}")
