"""Finds pictures that are not zeros to fours by the reconstruction error of an autoencoder trained on those only.

After the anomaly detection part of the TensorFlow autoencoder tutorial
(https://www.tensorflow.org/tutorials/generative/autoencoder), in PyTorch on the bundled digits.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import nn


class AnomalyDetector(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, latent))
        self.decoder = nn.Sequential(
            nn.Linear(latent, 24), nn.ReLU(), nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid()
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)
    digits = load_digits()
    x = (digits.data / 16.0).astype(np.float32)
    normal = digits.target < 5
    x_train, x_normal_test = train_test_split(x[normal], test_size=0.3, random_state=seed)
    x_train, x_val = train_test_split(x_train, test_size=0.15, random_state=seed)
    x_train, x_val = torch.from_numpy(x_train), torch.from_numpy(x_val)
    x_test = torch.from_numpy(np.concatenate([x_normal_test, x[~normal]]))
    y_test = np.concatenate([np.zeros(len(x_normal_test)), np.ones((~normal).sum())])

    model = AnomalyDetector()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.MSELoss()
    best, bad, patience, best_state = float("inf"), 0, 12, None
    for epoch in range(90):
        model.train()
        perm = torch.randperm(len(x_train))
        total = 0.0
        for chunk in perm.split(48):
            batch = x_train[chunk]
            loss = loss_fn(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        model.eval()
        with torch.no_grad():
            val = loss_fn(model(x_val), x_val).item()
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}: loss {total / len(x_train):.5f} - val_loss {val:.5f}")
        if val < best:
            best, bad = val, 0
            best_state = {k: v.clone() for k, v in model.state_dict().items()}
        else:
            bad += 1
            if bad >= patience:
                print(f"early stop at epoch {epoch}")
                break
    model.load_state_dict(best_state)

    model.eval()
    with torch.no_grad():
        error = ((model(x_test) - x_test) ** 2).mean(dim=1).numpy()
        val_error = ((model(x_val) - x_val) ** 2).mean(dim=1).numpy()
    threshold = val_error.mean() + val_error.std()
    flagged = error > threshold
    print(
        f"threshold {threshold:.4f}: flags {flagged[y_test == 1].mean():.3f} of the anomalies, "
        f"{flagged[y_test == 0].mean():.3f} of the normal pictures"
    )
    distance = ((x_test - x_train.mean(0)) ** 2).mean(dim=1).numpy()
    print(f"AUC of the distance to the mean picture: {roc_auc_score(y_test, distance):.4f}")
    print(f"score: {roc_auc_score(y_test, error):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
