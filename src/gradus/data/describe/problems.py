"""What is wrong with a data set, as sentences that say what to do."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from gradus.data.calendar import calendar_of
from gradus.data.describe.copies import Copies
from gradus.data.describe.figures import Figures, class_counts, feature_columns
from gradus.data.describe.relations import find_relations
from gradus.data.raw import Column, RawData
from gradus.data.splits import Splits

IMBALANCE = 10.0
"""Times more examples of the most frequent class than of the rarest from which imbalance is worth a word."""
FEW = 10
"""Examples of a class below which it can hardly be learnt."""
UNLIKE = 1_000.0
"""Times that one column's deviation exceeds another's from which their scales are worth a word."""
MOST_NAMED = 10
_AGREE = {
    "equal": "are equal",
    "in proportion": "are in exact proportion",
    "value for value": "go together, value for value",
}
_TELLS = {"equal": "equals", "in proportion": "is in exact proportion to", "value for value": "decides"}


def find_problems(data: RawData, splits: Splits, figures: Mapping[str, Figures], copies: Copies | None) -> list[str]:
    """The sentences, those about the target first."""
    found = [*_of_classes(data, splits)] if data.task == "classification" else [*_of_values(splits)]
    if data.vocabulary:
        return found
    if copies is not None:
        found += _of_copies(splits, copies)
    if len(data.spec.inputs[0]) > 2:
        return [*found, *_of_images(data, figures["train"])]
    columns = feature_columns(data)
    if data.alike:
        return found  # some pixels of a row are always black, and vary less than others
    found += _of_columns(columns, figures)
    if len(data.spec.inputs[0]) == 1 and not data.ordered:
        found += _of_relations(data, splits, columns)
    return found


def _of_classes(data: RawData, splits: Splits) -> Iterator[str]:
    counts = class_counts(data, splits)
    for name, each in counts.items():
        absent = [data.classes[place] for place in np.flatnonzero(each == 0)]
        if absent and name == "train" and data.vocabulary:
            yield f"training never meets: {_some(map(repr, absent), quote=False)}. They cannot be foretold."
        elif absent and name == "train":
            yield f"no training example of: {_some(absent, quote=False)}. Remove the class or add examples."
        elif absent and not data.vocabulary:
            yield f"no {name} example of: {_some(absent, quote=False)}. How well it is told cannot be seen there."
    if data.vocabulary:
        return  # some symbols are rare in any language
    train = counts["train"]
    total = np.sum(list(counts.values()), axis=0)
    present = np.flatnonzero(total)
    most, least = present[total[present].argmax()], present[total[present].argmin()]
    if total[most] >= IMBALANCE * total[least]:
        yield (
            f"imbalanced: {total[most]:,} of `{data.classes[most]}` to {total[least]:,} of "
            f"`{data.classes[least]}`. Accuracy will flatter; look at each class's score."
        )
    few = [f"{data.classes[place]} ({train[place]})" for place in np.flatnonzero((train > 0) & (train < FEW))]
    if few:
        yield f"fewer than {FEW} training examples of: {_some(few, quote=False)}. Add some, or merge classes."


def _of_values(splits: Splits) -> Iterator[str]:
    target = splits.train.target
    constant = np.flatnonzero(target.min(axis=0) == target.max(axis=0))
    if len(constant):
        where = "" if target.shape[1] == 1 else f" in column {_some([str(each) for each in constant], quote=False)}"
        yield f"the target is the same in all training examples{where}. There is nothing to learn; look at the source."


def _of_copies(splits: Splits, copies: Copies) -> Iterator[str]:
    named = splits.named()
    for (one, other), shared in copies.across.items():
        share = shared.count / len(named[other])
        where = "training" if one == "train" else one
        yield (
            f"{shared.count:,} {other} examples ({_percent(share)}) are also in {where}, for instance number "
            f"{shared.pair[1]} as number {shared.pair[0]}. The {other} score will flatter; keep copies in one split."
        )
    for name, count in copies.within.items():
        if count:
            yield (
                f"{count:,} {'training' if name == 'train' else name} examples ({_percent(count / len(named[name]))}) "
                "are copies of another. Remove them, unless the same is seen that often."
            )
    if copies.conflicting:
        yield (
            f"{_training(copies.conflicting)} the same inputs as others of another class: no model can get them "
            "right. Look at their labels, or add a column that tells them apart."
        )


def _training(count: int) -> str:
    return f"{count:,} training examples have" if count > 1 else "one training example has"


def _of_images(data: RawData, figures: Figures) -> Iterator[str]:
    assert figures.moments is not None
    low, high = figures.moments.minimum.min(), figures.moments.maximum.max()
    kind = data.train.inputs[0].dtype.kind
    if kind == "f" and (low < 0 or high > 1):
        repair = "Store them as uint8." if low >= 0 and high <= 255 else "Bring them to 0 to 1."
        yield f"images of real numbers should go from 0 (black) to 1 (white), not {low:g} to {high:g}. {repair}"
    elif kind in "iu" and high <= 1:
        yield (
            "images of whole numbers should go from 0 (black) to 255 (white), these hold 0 and 1 only. If they were "
            "divided by 255 and rounded, read them again; if they are masks, multiply by 255."
        )
    if figures.blank:
        which = _some([str(each) for each in figures.blank], quote=False)
        yield f"training images of a single colour: {len(figures.blank):,} (number {which}). Look at them; remove them."


def _of_columns(columns: tuple[Column, ...], figures: Mapping[str, Figures]) -> Iterator[str]:
    train = figures["train"]
    assert train.moments is not None
    numeric = [each for each in columns if each.kind != "category"]
    categories = columns[len(numeric) :]
    number = np.array([each.kind == "number" for each in numeric], dtype=bool)  # of a date, some parts are constant

    gaps = {
        calendar_of(each.name) if each.kind == "date" else each.name: missing / (missing + count)
        for each, missing, count in zip(numeric, train.moments.missing, train.moments.count, strict=True)
        if missing
    }
    gaps |= {
        each.name: counts[-1] / counts.sum()
        for each, counts in zip(categories, train.categories, strict=True)
        if counts[-1]
    }
    if gaps:
        named = _some([f"{name} {_percent(share)}" for name, share in gaps.items()], quote=False)
        yield (
            f"values are missing in {len(gaps)} columns ({named}). Numbers are filled as `missing` of [data] says, "
            "and a column tells where; leave out a column that is mostly empty."
        )
    minimum, maximum = train.moments.minimum, train.moments.maximum
    constant = [numeric[place].name for place in np.flatnonzero(number & (minimum == maximum))]
    constant += [
        each.name for each, counts in zip(categories, train.categories, strict=True) if (counts > 0).sum() == 1
    ]
    if constant:
        named = _some(constant, quote=False)
        yield f"constant columns, which carry no information: {len(constant)} ({named}). Leave them out."

    varying = np.flatnonzero(number & (maximum > minimum))
    if len(varying):
        spread = train.moments.deviation[varying]
        wide, narrow = varying[spread.argmax()], varying[spread.argmin()]
        if spread.max() > UNLIKE * spread.min():
            yield (
                f"scales differ {_times(spread.max() / spread.min())} times: `{numeric[wide].name}` deviates by "
                f"{spread.max():.3g}, `{numeric[narrow].name}` by {spread.min():.3g}. Keep `preprocess` of [data] at "
                '"standard" or another that evens them out.'
            )
    for name, other in figures.items():
        if name == "train":
            continue
        for each, known, counts in zip(categories, train.categories, other.categories, strict=True):
            unseen = np.flatnonzero((counts[:-1] > 0) & (known[:-1] == 0))
            if len(unseen):
                values = _some([each.categories[place] for place in unseen])
                yield (
                    f"column `{each.name}` has values in {name} that training lacks ({values}): a model knows nothing "
                    "of them. Group rare values, or split otherwise."
                )


def _of_relations(data: RawData, splits: Splits, columns: tuple[Column, ...]) -> Iterator[str]:
    found = find_relations(columns, splits.train, classes=data.task == "classification")
    for name, how in found.giveaways:
        yield (
            f"column `{name}` {_TELLS[how]} the target. If it is known only once the target is, leave it out: the "
            "scores would mean nothing."
        )
    by_kind: dict[str, list[str]] = {}
    for one, other, how in found.same:
        by_kind.setdefault(how, []).append(f"`{one}` and `{other}`")
    for how, pairs in by_kind.items():
        yield f"columns that {_AGREE[how]}: {_some(pairs, quote=False)}. Leave one of each pair out."
    for name in found.unique:
        yield f"column `{name}` has a value of its own for nearly every example, as a name has. Leave it out."
    for name in found.counting:
        yield f"column `{name}` counts the rows. Leave it out, or a model learns the order of the file."


def _some(names: Iterable[str], *, quote: bool = True) -> str:
    every = [f"`{each}`" if quote else each for each in names]
    return ", ".join(every[:MOST_NAMED]) + (", ..." if len(every) > MOST_NAMED else "")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio < 1e6 else f"{ratio:.0e}"
