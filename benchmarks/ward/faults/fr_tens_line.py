"""The simplest regression there is: one linear unit learns y = 10 x from ten points and is asked for the next three.

After https://stackoverflow.com/questions/78199673/using-keras-for-simple-linear-regression-model-not-predicting-correctly
"""
# cause: under-trained
# accept: learning-rate-too-low
# kind: dynamic

import sys

import torch
import torch.nn as nn

LEARNING_RATE = 0.02
EPOCHS = 100  # FAULT
# TWIN: EPOCHS = 1500


class LineModel(nn.Module):
    """One unit, as Dense(units=1, input_shape=(1,))."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(1, 1)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, x):
        return self.dense(x)


def column(values):
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


def fit(model, x, y, epochs):
    optimizer = torch.optim.RMSprop(model.parameters(), lr=LEARNING_RATE, alpha=0.9, eps=1e-7)
    mse = nn.MSELoss()
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = mse(model(x), y)
        loss.backward()
        optimizer.step()
        if epoch % max(1, epochs // 10) == 0 or epoch == epochs - 1:
            w, b = model.dense.weight.item(), model.dense.bias.item()
            print(f"epoch {epoch + 1:5d}/{epochs}  loss {loss.item():10.4f}  w {w:.4f}  b {b:.4f}")


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    # Data
    x = column([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    y = column([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])

    model = LineModel()
    fit(model, x, y, EPOCHS)

    x1 = column([11, 12, 13])
    wanted = column([110, 120, 130])
    model.eval()
    with torch.no_grad():
        predy = model(x1)
    print(predy)

    closeness = 1.0 - ((predy - wanted).abs() / wanted).mean().item()
    print(f"score: {closeness:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
