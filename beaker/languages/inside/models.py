"""Runs inside the user's own interpreter (see `values.py`): figures, and models of scikit-learn and torch."""

from __future__ import annotations

from beaker.languages.inside.values import KINDS, attributes, class_name, cut, of, short


def figure_line(value, room):
    width, height = value.get_size_inches()
    return "%g x %g inches, %d axes" % (width, height, len(value.axes))


def figure_text(value, over):
    """What is drawn, without drawing it."""
    lines = ["Figure, " + figure_line(value, 200)]
    for axes in value.axes[:12]:
        parts = [
            f"{label} {cut(text, 80)!r}"
            for label, text in (("title", axes.get_title()), ("x", axes.get_xlabel()), ("y", axes.get_ylabel()))
            if text
        ]
        parts.append(
            "%d lines, %d patches, %d collections, %d images"
            % (len(axes.lines), len(axes.patches), len(axes.collections), len(axes.images))
        )
        lines.append("  axes: " + ", ".join(parts))
    return "\n".join(lines)


def model_line(value, room):
    held = attributes(value)
    learned = [name for name in held if name.endswith("_") and not name.startswith("_")]
    return "estimator, fitted" if learned else "estimator, not fitted"


def network_line(value, room):
    return f"torch module with {len(attributes(value).get('_modules') or {})} layers"


def model_text(value, over):
    """The parameters of an estimator of scikit-learn, what it learned; or the layers of a torch module."""
    held = attributes(value)
    if of(value, "torch.nn", "Module"):
        children = held.get("_modules") or {}
        lines = ["{} (torch module), {}".format(class_name(value), "training" if held.get("training") else "evaluating")]
        lines += [f"  parameter {name} {list(each.shape)}" for name, each in (held.get("_parameters") or {}).items() if each is not None]
        lines += [f"  {name}: {class_name(each)} {layer_shapes(each)}" for name, each in list(children.items())[:40]]
        return "\n".join(lines)
    settings = [f"{name}={short(each, 200)}" for name, each in held.items() if not name.startswith("_") and not name.endswith("_")]
    learned = [f"{name}={short(each, 80)}" for name, each in held.items() if name.endswith("_") and not name.startswith("_")]
    lines = [
        "{} (estimator), {}".format(class_name(value), "fitted" if learned else "not fitted"),
        "settings: {}".format(cut(", ".join(settings), 2000)),
    ]
    return "\n".join(lines + (["learned: {}".format(cut(", ".join(learned), 2500))] if learned else []))


def layer_shapes(module):
    parameters = attributes(module).get("_parameters") or {}
    return ", ".join(f"{name} {list(each.shape)}" for name, each in parameters.items() if each is not None)


KINDS += [
    ("matplotlib.figure", ("Figure",), figure_line, figure_text),
    ("sklearn.base", ("BaseEstimator",), model_line, model_text),
    ("torch.nn", ("Module",), network_line, model_text),
]
