"""Monthly rent of flats (area, floor, age, district, balcony): predict the standardized log rent with L1 loss and
RMSprop, learning rate divided by ten for the last third.
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.RandomState(seed)
torch.manual_seed(seed)

# ---- data ----
N = 2000
area = rng.gamma(6, 11, N) + 15
floor = rng.randint(0, 9, N)
age = rng.uniform(0, 90, N)
district = rng.randint(0, 6, N)
balcony = rng.rand(N) < 0.5
level = np.array([0.0, 0.35, -0.2, 0.15, 0.55, -0.35])[district]
log_rent = 4.1 + 0.72 * np.log(area) + level + 0.05 * balcony + 0.012 * floor * (district == 4)
log_rent += 0.25 * np.cos(age / 90 * 2 * np.pi) + rng.laplace(0, 0.05, N)

numeric = np.stack([np.log(area), floor, age], axis=1)
numeric[:1500] = (numeric[:1500] - numeric[:1500].mean(0)) / numeric[:1500].std(0)  # FAULT
# TWIN: numeric = (numeric - numeric[:1500].mean(0)) / numeric[:1500].std(0)
features = np.concatenate([numeric, np.eye(6)[district], balcony[:, None]], axis=1)
X = torch.tensor(features, dtype=torch.float32)
y = torch.tensor((log_rent - log_rent[:1500].mean()) / log_rent[:1500].std(), dtype=torch.float32)
X_train, X_test, y_train, y_test = X[:1500], X[1500:], y[:1500], y[1500:]


# ---- model ----
class RentModel(torch.nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.hidden1 = torch.nn.Linear(n_in, n_hidden)
        self.hidden2 = torch.nn.Linear(n_hidden, n_hidden)
        self.predict = torch.nn.Linear(n_hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden1(x))
        x = torch.tanh(self.hidden2(x))
        return self.predict(x)[:, 0]


model = RentModel(X.shape[1], 32)
opt = torch.optim.RMSprop(model.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[20], gamma=0.1)
l1 = torch.nn.L1Loss()

# ---- training ----
for epoch in range(30):
    for idx in torch.split(torch.randperm(1500), 50):
        opt.zero_grad()
        loss = l1(model(X_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
    sched.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            train_mae, test_mae = l1(model(X_train), y_train), l1(model(X_test), y_test)
        print(f"epoch {epoch + 1} train MAE {train_mae:.4f} test MAE {test_mae:.4f}")

with torch.no_grad():
    residual = y_test - model(X_test)
    r2 = 1 - residual.square().mean() / y_test.var(unbiased=False)
print(f"score: {r2:.4f}")
