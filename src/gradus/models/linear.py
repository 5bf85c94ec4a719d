"""One linear layer."""

from collections import OrderedDict

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.inputs import single_input


@models.register(
    source="Legendre (1805), Nouvelles methodes pour la determination des orbites des cometes; Gauss (1809)",
    family="linear",
    year=1805,
    input=(1,),
    outputs=1,
    tasks=("regression",),
)
def linear_regression(spec: DataSpec) -> nn.Module:
    """Linear regression: values that are a weighted sum of the inputs, plus a constant.

    y = W x + b

    Takes any shape; everything in an example is one vector to it.

    Cost: (F + 1) K parameters and F K multiply-adds for F features and K values.
    """
    return _linear("model `linear_regression`", spec)


@models.register(
    source="Cox (1958), The regression analysis of binary sequences; for many classes, Theil (1969), A multinomial "
    "extension of the linear logit model",
    family="linear",
    year=1958,
    input=(1, 28, 28),
    outputs=10,
    tasks=("classification",),
    notes="One row of weights for every class, of which one is redundant: probabilities do not change when the same "
    "row is added to all.",
)
def logistic_regression(spec: DataSpec) -> nn.Module:
    """Multinomial logistic regression: one linear layer whose outputs are the classes' logits.

        z = W x + b,   p(class k) = exp(z_k) / sum_j exp(z_j)

    The model returns z; the cross-entropy takes the softmax. Takes any shape; everything in an example is one vector.

    Cost: (F + 1) K parameters and F K multiply-adds for F features and K classes.
    """
    return _linear("model `logistic_regression`", spec)


def _linear(owner: str, spec: DataSpec) -> nn.Module:
    single_input(owner, spec)
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(spec.features, spec.outputs)))
