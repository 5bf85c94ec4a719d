"""Six spoken commands at a door intercom. Learned filters, the energy of each over four stretches of time, its
logarithm, and a small classifier; the long filtered signals are kept in half precision to save memory."""
# cause: overflow
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WORDS, SAMPLES = 6, 800


def say(count, formants, generator):
    """Each word glides between two pitches twice; people speak louder or softer and start sooner or later."""
    word = torch.randint(0, WORDS, (count,), generator=generator)
    time = torch.linspace(0, 1, SAMPLES)
    start = 0.15 * torch.rand(count, 1, generator=generator)
    glide = torch.sigmoid(12 * (time - 0.4 - start))
    low, high = formants[word, 0:1], formants[word, 1:2]
    phase = torch.cumsum(low + (high - low) * glide, dim=1) + 6.28 * torch.rand(count, 1, generator=generator)
    loud = torch.exp(0.4 * torch.randn(count, 1, generator=generator))
    sound = loud * torch.sin(phase) + 0.7 * torch.randn(count, SAMPLES, generator=generator)
    return sound, word


class EnergyNet(nn.Module):
    def __init__(self, filters=24, stretches=4):
        super().__init__()
        self.stretches = stretches
        self.filters = nn.Conv1d(1, filters, 31, bias=False, padding=15)
        self.norm = nn.BatchNorm1d(filters * stretches)
        self.head = nn.Sequential(nn.Linear(filters * stretches, 48), nn.ReLU(), nn.Linear(48, WORDS))

    def forward(self, sound):
        bands = 16 * self.filters(sound.unsqueeze(1))
        bands = bands.half()  # FAULT
        pieces = bands.unflatten(2, (self.stretches, -1))
        energy = pieces.square().sum(3).float()
        return self.head(self.norm(torch.log(energy.flatten(1) + 1e-3)))


def run_epoch(model, loader, optimizer=None):
    """Mean loss and accuracy; learns where an optimizer is given."""
    model.train(optimizer is not None)
    loss_sum, hits, seen = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for sound, word in loader:
            logits = model(sound)
            loss = nn.functional.cross_entropy(logits, word)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(word)
            hits += (logits.argmax(1) == word).sum().item()
            seen += len(word)
    return loss_sum / seen, hits / seen


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    formants = torch.tensor([[0.1, 0.3], [0.3, 0.1], [0.2, 0.5], [0.5, 0.2], [0.3, 0.7], [0.7, 0.4]])
    train_loader = DataLoader(TensorDataset(*say(1200, formants, generator)), 40, shuffle=True)
    valid_loader = DataLoader(TensorDataset(*say(500, formants, generator)), 100)
    model = EnergyNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        loss, _ = run_epoch(model, train_loader, optimizer)
        valid_loss, accuracy = run_epoch(model, valid_loader)
        print(f"{epoch + 1} | train {loss:.4f} | valid {valid_loss:.4f} | accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
