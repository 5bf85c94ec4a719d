"""Fits y = sin(x1) + ... + sin(x10) with one hidden layer, to compare with the same model in Keras.

After https://discuss.pytorch.org/t/400-higher-error-with-pytorch-compared-with-identical-keras-model-with-adam-optimizer/160720
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_data(seed):
    rng = np.random.default_rng(seed)
    Xtrain = rng.normal(0, 1, size=(4000, 10))
    Xval = rng.normal(0, 1, size=(700, 10))
    ytrain = np.sum(np.sin(Xtrain), axis=1)
    yval = np.sum(np.sin(Xval), axis=1)
    scaler = MinMaxScaler()
    ytrain = scaler.fit_transform(ytrain.reshape(-1, 1)).reshape(-1)
    yval = scaler.transform(yval.reshape(-1, 1)).reshape(-1)
    return Xtrain, Xval, ytrain, yval


class FeedForward(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.out = nn.Linear(n_hidden, 1)
        for layer in (self.hidden, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def fit(model, trainloader, Xval, yval, epochs, lr):
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, eps=1e-7)
    for epoch in range(1, epochs + 1):
        model.train()
        losses = []
        for x, y in trainloader:
            optimizer.zero_grad()
            pred = model(x)
            loss = criterion(pred, y)  # FAULT
            # TWIN: loss = criterion(pred[:, 0], y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 2 == 0:
            print(f"epoch {epoch:3d}  train loss {np.mean(losses):.5f}  val mse {val_mse(model, Xval, yval):.5f}")


def val_mse(model, Xval, yval):
    model.eval()
    with torch.no_grad():
        return ((model(Xval).squeeze() - yval) ** 2).mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    Xtrain, Xval, ytrain, yval = (torch.tensor(a, dtype=torch.float32) for a in get_data(seed))
    trainloader = DataLoader(TensorDataset(Xtrain, ytrain), batch_size=32, shuffle=True)

    model = FeedForward(10, 64)
    fit(model, trainloader, Xval, yval, epochs=10, lr=0.005)

    r2 = 1.0 - val_mse(model, Xval, yval) / yval.var(unbiased=False).item()
    print(f"final val mse {val_mse(model, Xval, yval):.5f}, R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
