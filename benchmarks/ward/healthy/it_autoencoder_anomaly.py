"""Anomaly detection on machine sensors: a dense autoencoder is fitted to normal operation only, the reconstruction error
flags faults; the alarm threshold comes from normal validation data.

After the Keras example "Timeseries anomaly detection using an Autoencoder" and its many PyTorch versions on Kaggle,
https://keras.io/examples/timeseries/timeseries_anomaly_detection/
"""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

N_SENSORS = 24


class Plant:
    """Sensor readings driven by four latent conditions, through fixed non-linear responses."""

    def __init__(self, rng):
        self.rng = rng
        self.A = rng.normal(size=(4, N_SENSORS))
        self.B = rng.normal(size=(4, N_SENSORS)) * 0.7
        self.offset, self.unit = rng.normal(50, 20, N_SENSORS), rng.uniform(0.5, 20, N_SENSORS)

    def normal(self, n):
        z = self.rng.normal(size=(n, 4))
        clean = z @ self.A + np.tanh(z @ self.B)
        return self.offset + self.unit * (clean + 0.15 * self.rng.normal(size=clean.shape))

    def faulty(self, n):
        x = self.normal(n)
        for row in x:
            sensors = self.rng.choice(N_SENSORS, 3, replace=False)
            row[sensors] += self.unit[sensors] * self.rng.choice([-1, 1], 3) * self.rng.uniform(1.2, 2.5, 3)
        return x


class AutoEncoder(nn.Module):
    def __init__(self, n_in, bottleneck=4):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(n_in, 64), nn.LeakyReLU(0.1), nn.Linear(64, 32), nn.LeakyReLU(0.1), nn.Linear(32, bottleneck)
        )
        self.decoder = nn.Sequential(
            nn.Linear(bottleneck, 32), nn.LeakyReLU(0.1), nn.Linear(32, 64), nn.LeakyReLU(0.1), nn.Linear(64, n_in)
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def fit(model, train_loader, x_valid, epochs, lr):
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=lr)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr * 4, total_steps=epochs * len(train_loader))
    history = {"loss": [], "val_loss": []}
    for epoch in range(1, epochs + 1):
        model.train()
        running = 0.0
        for (batch,) in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(batch), batch)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item() * batch.size(0)
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(x_valid), x_valid).item()
        history["loss"].append(running / len(train_loader.dataset))
        history["val_loss"].append(val_loss)
        if epoch % 5 == 0 or epoch == 1:
            print(f"Epoch {epoch}/{epochs} - loss: {history['loss'][-1]:.4f} - val_loss: {val_loss:.4f}")
    return history


def anomaly_score(model, x):
    model.eval()
    with torch.no_grad():
        return ((model(x) - x) ** 2).mean(dim=1).numpy()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    plant = Plant(np.random.default_rng(seed))
    train, valid = plant.normal(3000), plant.normal(600)
    test = np.concatenate([plant.normal(600), plant.faulty(200)])
    y_test = np.r_[np.zeros(600), np.ones(200)]

    scaler = StandardScaler().fit(train)
    train, valid, test = [torch.from_numpy(scaler.transform(a).astype(np.float32)) for a in (train, valid, test)]
    loader = DataLoader(TensorDataset(train), batch_size=128, shuffle=True)

    model = AutoEncoder(N_SENSORS)
    fit(model, loader, valid, epochs=40, lr=1e-3)

    threshold = np.quantile(anomaly_score(model, valid), 0.95)
    scores = anomaly_score(model, test)
    flagged = scores > threshold
    print(
        f"threshold {threshold:.4f}: recall {flagged[y_test == 1].mean():.3f}, "
        f"false alarms {flagged[y_test == 0].mean():.3f}"
    )
    plain = roc_auc_score(y_test, (test**2).mean(dim=1).numpy())
    print(f"AUC of the distance from the mean: {plain:.4f}")
    print(f"score: {roc_auc_score(y_test, scores):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
