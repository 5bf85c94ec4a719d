"""Teaching myself PyTorch before moving on to heat transfer data: approximate z = x^2 + y^2 with a small multi-layer
perceptron on random points.

After https://datascience.stackexchange.com/questions/115368/pytorch-neural-network-that-tries-to-approximate-z-i-x-i2-y-i2-not-conve
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import train_test_split


class NonLinearRegression(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_1 = nn.Linear(in_features=2, out_features=10)
        self.act_1 = nn.Tanh()
        self.linear_2 = nn.Linear(in_features=10, out_features=5)
        self.act_2 = nn.Tanh()
        self.linear_3 = nn.Linear(in_features=5, out_features=1)

    def forward(self, x):
        x = self.act_1(self.linear_1(x))
        x = self.act_2(self.linear_2(x))
        return self.linear_3(x)


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    # data
    x = np.random.random(1000)
    y = np.random.random(1000)
    z = x**2 + y**2
    input_data = torch.Tensor(np.transpose([x, y]))
    output_data = torch.Tensor(z)  # FAULT
    # TWIN: output_data = torch.Tensor(z).unsqueeze(1)

    input_training, input_validation, output_training, output_validation = train_test_split(
        input_data, output_data, random_state=42, test_size=0.15, shuffle=True
    )

    # network
    model = NonLinearRegression()
    loss_function = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    # training
    for epoch in range(1000):
        optimizer.zero_grad()
        prediction = model(input_training)
        loss = loss_function(prediction, output_training)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 100 == 0:
            with torch.no_grad():
                validation_loss = loss_function(model(input_validation), output_validation)
            print(f"epoch {epoch + 1}: training loss {loss.item():.5f}, validation loss {validation_loss.item():.5f}")

    # how close are the predicted values?
    model.eval()
    with torch.no_grad():
        predicted = model(input_validation).flatten().numpy()
    actual = output_validation.flatten().numpy()
    for p, a in list(zip(predicted, actual))[:5]:
        print(f"predicted {p:.3f}   actual {a:.3f}")
    r2 = 1 - np.sum((predicted - actual) ** 2) / np.sum((actual - actual.mean()) ** 2)
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
