"""Diabetes progression by linear regression with an L2 penalty (weight_decay), standardised table and target."""

import sys

import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_diabetes(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, random_state=seed)
mu, sd = X_tr.mean(axis=0), X_tr.std(axis=0)
X_tr, X_te = torch.tensor((X_tr - mu) / sd).float(), torch.tensor((X_te - mu) / sd).float()
y_mu, y_sd = y_tr.mean(), y_tr.std()
t_tr = torch.tensor((y_tr - y_mu) / y_sd).float().view(-1, 1)
t_te = torch.tensor((y_te - y_mu) / y_sd).float().view(-1, 1)

model = torch.nn.Linear(10, 1)
mse = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=0.02)

for it in range(400):
    loss = mse(model(X_tr), t_tr)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if it % 50 == 49:
        with torch.no_grad():
            print(f"{it + 1}: train mse {loss.item():.4f}, test mse {mse(model(X_te), t_te).item():.4f}")

with torch.no_grad():
    prediction = model(X_te) * y_sd + y_mu
print("weights:", [round(w, 3) for w in model.weight[0].tolist()])
print(f"score: {r2_score(y_te, prediction.numpy().ravel()):.4f}")
