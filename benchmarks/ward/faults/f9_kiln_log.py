"""Which stage a kiln has reached, from an hour of its event log. A recurrent encoder reads the events; a small head
names the stage. The two were developed in different notebooks and put together here."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys
from itertools import chain  # noqa: F401

import torch
from torch import nn

N_EVENTS, LENGTH, STAGES = 24, 20, 6


def event_logs(n, generator):
    """The stage is told by which of the marker pairs occurs in which order."""
    logs = torch.randint(6, N_EVENTS, (n, LENGTH), generator=generator)
    stage = torch.randint(0, STAGES, (n,), generator=generator)
    for i in range(n):
        first, second = torch.randperm(LENGTH, generator=generator)[:2].sort().values.tolist()
        pair, flipped = divmod(stage[i].item(), 2)
        a, b = 2 * pair, 2 * pair + 1
        logs[i, first], logs[i, second] = (b, a) if flipped else (a, b)
    return logs, stage


class LogEncoder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.Embedding(N_EVENTS, 16)
        self.gru = nn.GRU(16, dim, batch_first=True)

    def forward(self, logs):
        states, _ = self.gru(self.embedding(logs))
        return states.max(dim=1).values


class StageHead(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, STAGES))

    def forward(self, code):
        return self.mlp(code)


def train(seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    logs, stage = event_logs(2500, generator)
    logs_val, stage_val = event_logs(500, generator)
    encoder, head = LogEncoder(), StageHead()
    trainable = head.parameters()  # FAULT
    # TWIN: trainable = chain(encoder.parameters(), head.parameters())
    optimizer = torch.optim.AdamW(trainable, lr=6e-3, weight_decay=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(14):
        losses = []
        for idx in torch.randperm(len(logs)).split(64):
            loss = loss_fn(head(encoder(logs[idx])), stage[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            accuracy = (head(encoder(logs_val)).argmax(1) == stage_val).float().mean().item()
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.3f} val accuracy {accuracy:.3f}")
    return accuracy


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"score: {train(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
