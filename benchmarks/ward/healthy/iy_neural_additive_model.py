"""A neural additive model: one small network per feature, summed, on the breast cancer data.

After https://github.com/kherud/neural-additive-models-pt (Agarwal et al. 2020): feature dropout, output penalty, lr decay.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class FeatureLinear(nn.Module):
    """Separate linear layers for every feature, done at once."""

    def __init__(self, n_features, d_in, d_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, d_in, d_out))
        self.bias = nn.Parameter(torch.zeros(n_features, d_out))
        for w in self.weight:
            nn.init.xavier_uniform_(w)

    def forward(self, x):  # (batch, features, d_in)
        return torch.einsum("bfi,fio->bfo", x, self.weight) + self.bias


class NeuralAdditiveModel(nn.Module):
    def __init__(self, n_features, hidden=(24, 12), dropout=0.1, feature_dropout=0.05):
        super().__init__()
        self.feature_nns = nn.Sequential(
            FeatureLinear(n_features, 1, hidden[0]),
            nn.ReLU(),
            nn.Dropout(dropout),
            FeatureLinear(n_features, hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Dropout(dropout),
            FeatureLinear(n_features, hidden[1], 1),
        )
        self.feature_dropout = nn.Dropout(feature_dropout)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        outputs = self.feature_nns(x.unsqueeze(-1)).squeeze(-1)
        return self.feature_dropout(outputs).sum(dim=1) + self.bias, outputs


def penalized_loss(logits, outputs, targets, output_reg):
    return F.binary_cross_entropy_with_logits(logits, targets) + output_reg * outputs.pow(2).mean()


class Trainer:
    def __init__(self, model, lr, weight_decay, output_reg, decay_rate):
        self.model, self.output_reg = model, output_reg
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=decay_rate)

    def train_epoch(self, x, y, batch_size):
        self.model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch_size):
            self.optimizer.zero_grad()
            logits, outputs = self.model(x[idx])
            loss = penalized_loss(logits, outputs, y[idx], self.output_reg)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        self.scheduler.step()
        return total / len(x)

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        logits, _ = self.model(x)
        return F.binary_cross_entropy_with_logits(logits, y).item(), roc_auc_score(y.numpy(), logits.numpy())


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = load_breast_cancer()
    x_tr, x_te, y_tr, y_te = train_test_split(
        data.data, data.target, test_size=0.25, stratify=data.target, random_state=seed
    )
    x_tr, x_va, y_tr, y_va = train_test_split(x_tr, y_tr, test_size=0.2, stratify=y_tr, random_state=seed)
    scaler = StandardScaler().fit(x_tr)
    x_tr, x_va, x_te = (torch.tensor(scaler.transform(x), dtype=torch.float32) for x in (x_tr, x_va, x_te))
    y_tr, y_va, y_te = (torch.tensor(y, dtype=torch.float32) for y in (y_tr, y_va, y_te))

    model = NeuralAdditiveModel(x_tr.shape[1])
    trainer = Trainer(model, lr=2e-3, weight_decay=1e-4, output_reg=1e-2, decay_rate=0.97)
    best, best_state = float("inf"), None
    for epoch in range(35):
        train_loss = trainer.train_epoch(x_tr, y_tr, batch_size=32)
        val_loss, val_auc = trainer.evaluate(x_va, y_va)
        if val_loss < best:
            best, best_state = val_loss, {k: v.clone() for k, v in model.state_dict().items()}
        if epoch % 10 == 0 or epoch == 34:
            print(f"epoch {epoch:2d}: train {train_loss:.4f}, val {val_loss:.4f}, val auc {val_auc:.4f}")

    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        logits, outputs = model(x_te)
    spread = outputs.std(dim=0)
    print("most used features:", ", ".join(data.feature_names[i] for i in spread.topk(4).indices))
    print(f"test auc {roc_auc_score(y_te.numpy(), logits.numpy()):.4f}")
    print(f"score: {((logits > 0) == (y_te == 1)).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
