"""Student project: who survives a shipwreck? A small MLP on a made-up passenger list in the manner of Titanic, with
imputed ages, one-hot ports and class weights.

After the many "Titanic with PyTorch" projects on GitHub (e.g. Awesome-AI-ML-DELTA25/WeekWise-Schedule, week3).
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import classification_report, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch.utils.data import DataLoader, TensorDataset


def make_passengers(n, seed):
    rng = np.random.default_rng(seed)
    pclass = rng.choice([1, 2, 3], n, p=[0.24, 0.21, 0.55])
    female = rng.random(n) < 0.36
    age = np.clip(rng.normal(38 - 4 * pclass, 13, n), 0.5, 80)
    sibsp = rng.poisson(0.5, n)
    parch = rng.poisson(0.4, n)
    fare = np.exp(rng.normal(4.9 - 0.8 * pclass, 0.5, n))
    port = rng.choice([0, 1, 2], n, p=[0.72, 0.19, 0.09])
    logit = 0.8 + 2.8 * female - 1.0 * (pclass - 1) - 0.03 * (age - 30) + 1.5 * (age < 12)
    logit = logit - 0.5 * np.maximum(sibsp + parch - 2, 0) - 1.2 * (female & (pclass == 3)) + 0.3 * (port == 1) - 1.1
    survived = rng.random(n) < 1 / (1 + np.exp(-logit))
    age[rng.random(n) < 0.2] = np.nan
    x = np.column_stack([pclass, female, age, sibsp, parch, np.log1p(fare), port]).astype(float)
    return x, survived.astype(np.float32)


class TitanicNet(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 32),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(32, 16),
            nn.ReLU(),
            nn.Linear(16, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, y = make_passengers(2400, seed)
    x_tmp, x_test, y_tmp, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
    x_train, x_val, y_train, y_val = train_test_split(x_tmp, y_tmp, test_size=0.2, stratify=y_tmp, random_state=seed)

    prep = ColumnTransformer(
        [
            (
                "num",
                make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
                [2, 3, 4, 5],
            ),
            ("cat", OneHotEncoder(), [0, 6]),
            ("sex", "passthrough", [1]),
        ]
    )
    x_train = torch.tensor(prep.fit_transform(x_train), dtype=torch.float32)
    x_val, x_test = (torch.tensor(prep.transform(a), dtype=torch.float32) for a in (x_val, x_test))
    y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)
    print(f"{len(y_train)} passengers to train on, {y_train.mean().item():.1%} survived, {x_train.shape[1]} features")

    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    model = TitanicNet(x_train.shape[1])
    pos_weight = (1 - y_train).sum() / y_train.sum()
    criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)

    best_loss, best_state, patience = float("inf"), None, 0
    for epoch in range(40):
        model.train()
        train_loss = 0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            out = model(x_val)
            val_loss = criterion(out, y_val).item()
            val_acc = ((out > 0).float() == y_val).float().mean().item()
        print(
            f"Epoch {epoch + 1:02d} | train {train_loss / len(y_train):.4f} | val {val_loss:.4f} | val acc {val_acc:.3f}"
        )
        if val_loss < best_loss:
            best_loss, best_state, patience = val_loss, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
            if patience >= 8:
                print("Early stopping")
                break

    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        probs = torch.sigmoid(model(x_test)).numpy()
    print(classification_report(y_test, probs > 0.5, digits=3))
    print(f"score: {roc_auc_score(y_test, probs):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
