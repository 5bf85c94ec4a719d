"""Predict final exam marks from study hours, attendance, sleep, past marks and a commute; SGD with
momentum, R2 at the end."""

import sys

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.RandomState(seed)
torch.manual_seed(seed)

n = 1500
hours = rng.gamma(3.0, 3.0, n)
attendance = rng.beta(6, 2, n)
sleep = rng.normal(7, 1.2, n)
past = rng.normal(60, 15, n)
commute = rng.exponential(30, n)
mark = 12 * np.log1p(hours) + 25 * attendance * (hours > 4) - 2.5 * (sleep - 7.5) ** 2 + 0.4 * past
mark = mark + rng.normal(0, 4, n)
X = np.column_stack([hours, attendance, sleep, past, commute])

X_train, X_test, y_train, y_test = train_test_split(X, mark, test_size=0.25, random_state=seed)
x_scaler = StandardScaler().fit(X_train)
y_scaler = StandardScaler().fit(y_train[:, None])
X_train = torch.from_numpy(x_scaler.transform(X_train)).float()
X_test = torch.from_numpy(x_scaler.transform(X_test)).float()
y_train = torch.from_numpy(y_scaler.transform(y_train[:, None])).float()
y_test = torch.from_numpy(y_scaler.transform(y_test[:, None])).float()


class Regressor(torch.nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.hidden = torch.nn.Linear(n_in, 48)
        self.hidden2 = torch.nn.Linear(48, 24)
        self.predict = torch.nn.Linear(24, 1)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = torch.relu(self.hidden2(x))
        return self.predict(x)


net = Regressor(5)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
loss_func = torch.nn.MSELoss()

batch_size = 50
for epoch in range(30):
    permutation = torch.randperm(len(X_train))
    epoch_loss = 0.0
    for i in range(0, len(X_train), batch_size):
        idx = permutation[i : i + batch_size]
        prediction = net(X_train[idx])
        loss = loss_func(prediction, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    if epoch % 5 == 4:
        print(f"Epoch {epoch + 1}: mse = {epoch_loss / len(X_train):.4f}")

net.eval()
with torch.no_grad():
    residual = y_test - net(X_test)
    r2 = 1 - (residual**2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print(f"score: {r2.item():.4f}")
