"""Masks that hide later steps: exact changes of source written in several ways."""

import pytest

from tests.diagnosis.prescription.changing import changes, first_change
from tests.diagnosis.prescription.networks import HEAD

SELF = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = {made}

    def forward(self, x):
        return {called}
"""
LAYER = "nn.TransformerEncoderLayer(8, 2{first})"
ENCODER = f"nn.TransformerEncoder({LAYER}, 2)"
HEADS = "nn.MultiheadAttention(8, 2{first})"
PRODUCT = "F.scaled_dot_product_attention"
MASK = "mask=nn.Transformer.generate_square_subsequent_mask"


def source(made: str, called: str, *, batch_first: bool = True) -> str:
    made = made.format(first=f", batch_first={batch_first}")
    return HEAD + SELF.format(made=made, called=called)


@pytest.mark.parametrize(
    ("made", "batch_first", "called", "masked"),
    [
        ("None", True, f"{PRODUCT}(x, x, x)", f"{PRODUCT}(x, x, x, is_causal=True)"),
        (ENCODER, True, "self.mix(x)", f"self.mix(x, {MASK}(x.size(1)))"),
        (ENCODER, False, "self.mix(x)", f"self.mix(x, {MASK}(x.size(0)))"),
        (LAYER, True, "self.mix(x)", f"self.mix(x, src_{MASK}(x.size(1)))"),
        (HEADS, True, "self.mix(x, x, x)[0]", f"self.mix(x, x, x, attn_{MASK}(x.size(1)))[0]"),
    ],
)  # fmt: skip
def test_attention_that_is_given_no_mask_gets_one(made: str, batch_first: bool, called: str, masked: str) -> None:
    expected = [f"- return {called}", f"+ return {masked}"]
    assert first_change(source(made, called, batch_first=batch_first), "look-back") == expected


@pytest.mark.parametrize(
    ("made", "called"),
    [
        ("None", f"{PRODUCT}(x, x, x, is_causal=True)"),
        ("None", f"{PRODUCT}(x, x, x, self.mask)"),
        ("None", f"{PRODUCT}(x, x, x, attn_mask=self.mask)"),
        (ENCODER, "self.mix(x, mask=self.mask)"),
        (ENCODER, "self.mix(x, self.mask)"),
        (ENCODER, "self.mix(x + 1)"),  # of which the length has no name
        (HEADS, "self.mix(x, self.y, self.y)"),  # to another sequence
        ("nn.Linear(8, 8)", "self.mix(x)"),
    ],
)
def test_what_has_a_mask_or_may_do_without_is_left(made: str, called: str) -> None:
    assert changes(source(made, called), "look-back") == []


@pytest.mark.parametrize("softmax", ["F.softmax(scores, dim=-1)", "scores.softmax(-1)", "torch.softmax(scores, -1)"])
@pytest.mark.parametrize(
    "product",
    ["q @ k.mT", "(q @ k.transpose(1, 2)) / 8**0.5", "0.1 * q", "q @ k.mT\n    scores = scores.masked_fill(m, -9.0)"],
)
def test_scores_of_queries_and_keys_are_masked_by_hand(softmax: str, product: str) -> None:
    program = HEAD + f"def attend(q, k, v):\n    scores = {product}\n    return {softmax} @ v\n"
    filled = 'scores.masked_fill(torch.ones_like(scores, dtype=bool).triu(1), float("-inf"))'
    found = first_change(program, "look-back")
    wanted = "@" in product and "mask" not in product
    old = f"return {softmax} @ v"
    assert found == ([f"- {old}", f"+ {old.replace('scores', filled)}"] if wanted else [])
    assert changes(program.replace("-1", "1"), "look-back") == []
