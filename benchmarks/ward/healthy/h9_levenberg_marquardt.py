"""Second-order curve fitting: Levenberg-Marquardt on a small network. The Jacobian of the residuals comes from
torch.func (vmap of grad over a functional_call), the damping adapts, and no torch.optim class is involved."""

import sys

import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

torch.set_default_dtype(torch.float64)


def surface(xy):
    x, y = xy.unbind(1)
    return torch.sin(2 * x) * torch.cos(y) + 0.5 * torch.exp(-((x - 0.5) ** 2 + (y + 0.5) ** 2) * 3)


class FlatModel:
    """A module seen as a function of one flat parameter vector."""

    def __init__(self, module):
        self.module = module
        self.names = [n for n, _ in module.named_parameters()]
        self.shapes = [p.shape for p in module.parameters()]
        self.theta = torch.cat([p.detach().flatten() for p in module.parameters()])

    def single(self, theta, xy):
        chunks = theta.split([s.numel() for s in self.shapes])
        params = {n: c.view(s) for n, c, s in zip(self.names, chunks, self.shapes)}
        return functional_call(self.module, params, (xy.unsqueeze(0),)).squeeze()

    def jacobian(self, theta, xy):
        return vmap(grad_and_value(self.single), in_dims=(None, 0))(theta, xy)

    def predict(self, theta, xy):
        return vmap(self.single, in_dims=(None, 0))(theta, xy)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train = 3 * torch.rand(1200, 2) - 1.5
    test = 3 * torch.rand(400, 2) - 1.5
    target = surface(train) + 0.02 * torch.randn(len(train))
    model = FlatModel(nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)))

    theta, damping = model.theta, 1e-1
    sse = (model.predict(theta, train) - target).square().sum()
    for it in range(200):
        jac, value = model.jacobian(theta, train)
        residual = value - target
        hessian, gradient = jac.T @ jac, jac.T @ residual
        while damping < 1e8:
            delta = torch.linalg.solve(hessian + damping * torch.eye(len(theta)), gradient)
            new_sse = (model.predict(theta - delta, train) - target).square().sum()
            if new_sse < sse:
                break
            damping *= 4
        else:
            print("no further decrease")
            break
        theta, sse, damping = theta - delta, new_sse, max(damping / 3, 1e-6)
        if it % 20 == 0:
            print(f"iteration {it:3d}  rmse {(sse / len(train)).sqrt():.5f}  damping {damping:.1e}")

    truth = surface(test)
    error = (model.predict(theta, test) - truth).square().mean()
    print(f"score: {1 - (error / truth.var(unbiased=False)).item():.4f}")


if __name__ == "__main__":
    main()
