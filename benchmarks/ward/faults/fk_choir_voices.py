"""Soprano, alto, tenor or bass from thirty frames of ten mel bands, by an LSTM; shortened for a quick first result."""
# cause: under-trained
# accept: learning-rate-too-low
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
VOICES, BANDS, FRAMES = 4, 10, 30
EPOCHS = 5  # FAULT
# TWIN: EPOCHS = 15


def singing(n):
    """Each voice has its own band and vibrato; both wander, and the room is loud."""
    voice = torch.randint(0, VOICES, (n,))
    centre = 3 + 1.2 * voice.view(-1, 1) + 0.8 * torch.randn(n, 1)
    vibrato = torch.tensor([1.3, 0.9, 0.6, 0.3])[voice].view(-1, 1)
    frame = torch.arange(FRAMES).view(1, -1)
    pitch = centre + 1.0 * torch.sin(vibrato * frame + 6.28 * torch.rand(n, 1))
    bands = torch.arange(BANDS).view(1, 1, -1)
    mel = torch.exp(-0.5 * (bands - pitch.unsqueeze(2)) ** 2)
    return (mel - 0.24) / 0.33 + 0.5 * torch.randn(n, FRAMES, BANDS), voice


class VoiceNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(BANDS, hidden, batch_first=True)
        self.norm = nn.LayerNorm(hidden)
        self.voice = nn.Linear(hidden, VOICES)

    def forward(self, mel):
        states, _ = self.lstm(mel)
        return self.voice(self.norm(states.mean(dim=1)))


loader = DataLoader(TensorDataset(*singing(2000)), batch_size=50, shuffle=True)
val_mel, val_voice = singing(500)
net = VoiceNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for i, (mel, voice) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(net(mel), voice)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if i % 10 == 9:
            print(f"  epoch {epoch} batch {i + 1} loss {loss.item():.4f}")
    net.eval()
    with torch.no_grad():
        logits = net(val_mel)
    right = (logits.argmax(1) == val_voice).float().mean().item()
    print(
        f"epoch {epoch} train {total / len(loader):.4f} val {criterion(logits, val_voice).item():.4f} right {right:.4f}"
    )
print(f"score: {right:.4f}")
