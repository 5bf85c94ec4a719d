"""A Trainer class with a dataclass of settings: norms of gradients are logged each epoch, the model is evaluated three
times per epoch, and the weights of the best validation loss are kept in memory and restored at the end.
"""

import sys
from dataclasses import dataclass

import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    seed: int = 0
    lr: float = 8e-3
    epochs: int = 8
    batch: int = 50
    evals_per_epoch: int = 3


class Trainer:
    def __init__(self, model, settings, train, val):
        self.model, self.cfg, self.val = model, settings, val
        self.loader = DataLoader(TensorDataset(*train), batch_size=settings.batch, shuffle=True)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adamax(model.parameters(), lr=settings.lr, weight_decay=1e-4)
        self.best_loss, self.best_state = float("inf"), None

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            out = self.model(self.val[0])
            loss = self.criterion(out, self.val[1]).item()
            acc = (out.argmax(1) == self.val[1]).float().mean().item()
        self.model.train()
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_state = {k: v.clone() for k, v in self.model.state_dict().items()}
        return loss, acc

    def train_step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), float("inf"))
        self.optimizer.step()
        return loss.item(), norm.item()

    def fit(self):
        every = len(self.loader) // self.cfg.evals_per_epoch
        for epoch in range(self.cfg.epochs):
            self.model.train()
            losses, norms, evals = [], [], []
            for i, batch in enumerate(self.loader, 1):
                loss, norm = self.train_step(*batch)
                losses.append(loss)
                norms.append(norm)
                if i % every == 0:
                    evals.append(self.evaluate())
            shown = " ".join(f"{v:.4f}" for v, _ in evals)
            mean = sum(losses) / len(losses)
            print(
                f"[{epoch}] loss {mean:.4f} | norm {sum(norms) / len(norms):.3f} | val {shown} acc {evals[-1][1]:.4f}"
            )
        self.model.load_state_dict(self.best_state)


def main():
    cfg = Settings(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    # thirty clusters of points in six dimensions, dealt out to six classes
    points, cluster = make_blobs(5000, 6, centers=30, cluster_std=1.6, center_box=(-8, 8), random_state=cfg.seed)
    X, y = torch.tensor(points, dtype=torch.float32), torch.tensor(cluster % 6)
    X = (X - X[:4000].mean(0)) / X[:4000].std(0)
    splits = [(X[a:b], y[a:b]) for a, b in ((0, 4000), (4000, 4500), (4500, 5000))]
    model = nn.Sequential(nn.Linear(6, 96), nn.ELU(), nn.Linear(96, 64), nn.ELU(), nn.Linear(64, 6))
    trainer = Trainer(model, cfg, *splits[:2])
    trainer.fit()
    model.eval()
    with torch.no_grad():
        acc = (model(splits[2][0]).argmax(1) == splits[2][1]).float().mean().item()
    print(f"best validation loss {trainer.best_loss:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
