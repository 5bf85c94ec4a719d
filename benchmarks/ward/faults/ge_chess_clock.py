"""Who is in time trouble: the thinking times of twenty moves go through a GRU that tells three kinds of players."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def games(count, rng):
    """Steady players, those who slow down towards the end, those who think long once and then hurry."""
    kind = rng.integers(0, 3, count)
    move = np.arange(20)
    base = rng.uniform(0.5, 1.5, (count, 1)) * np.ones(20)
    rising = base * (0.5 + move / 20)
    pause = rng.integers(4, 16, (count, 1))
    hurried = np.where(move < pause, base * 1.2, base * 0.6) + 2.5 * (move == pause)
    times = np.choose(kind[:, None], [base, rising, hurried]) * rng.lognormal(0, 0.35, (count, 20))
    return torch.tensor(np.log(times)[:, :, None], dtype=torch.float32), torch.tensor(kind)


class ClockReader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.classify = nn.Linear(hidden, 3)

    def forward(self, times):
        _, last = self.gru(times)
        return self.classify(last[-1])


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        # TWIN: self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        decayed = [p for name, p in model.named_parameters() if name.endswith(".weight")]  # FAULT
        plain = [p for name, p in model.named_parameters() if name.endswith(".bias")]  # FAULT
        self.optimizer = torch.optim.Adam(  # FAULT
            [{"params": decayed, "weight_decay": 1e-5}, {"params": plain}],  # FAULT
            lr=lr,  # FAULT
        )  # FAULT
        self.loss = nn.CrossEntropyLoss()

    def epoch(self, loader):
        self.model.train()
        for times, kind in loader:
            loss = self.loss(self.model(times), kind)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()

    @torch.no_grad()
    def test(self, times, kind):
        self.model.eval()
        logits = self.model(times)
        return self.loss(logits, kind).item(), (logits.argmax(1) == kind).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
train, test = games(2400, rng), games(600, rng)
trainer = Trainer(ClockReader(), lr=3e-3)
loader = DataLoader(TensorDataset(*train), batch_size=48, shuffle=True)
for epoch in range(10):
    trainer.epoch(loader)
    loss, accuracy = trainer.test(*test)
    print(f"epoch {epoch + 1}: test loss {loss:.4f}, accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
