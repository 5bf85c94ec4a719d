"""Optimizers that know how the loss curves. docs/second-order.md says when they pay.

Each is a torch Optimizer whose ``step(closure)`` evaluates the objective itself. What the closure returns is what the
class says it `wants`; none of them may be given gradients by hand.
"""

from gradus.optim.second_order.base import NonFiniteError, SecondOrder
from gradus.optim.second_order.bfgs import BFGS
from gradus.optim.second_order.gauss_newton import GaussNewton
from gradus.optim.second_order.levenberg_marquardt import LevenbergMarquardt
from gradus.optim.second_order.newton_cg import NewtonCG

__all__ = ["BFGS", "GaussNewton", "LevenbergMarquardt", "NewtonCG", "NonFiniteError", "SecondOrder"]
