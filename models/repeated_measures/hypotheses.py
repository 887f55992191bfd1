"""The hypotheses of an analysis of variance: which linear functions type II and type III tests set to zero."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from neurotrial.models.repeated_measures.design_matrix import DesignMatrix
    from neurotrial.models.student import FloatArray

__all__ = ["type_2", "type_3"]

_INTERCEPT = "1"


def type_2(design: DesignMatrix) -> dict[str, FloatArray]:
    """Return the type II hypothesis of each term: adjusted for all terms that do not contain it.

    Parameters
    ----------
    design : DesignMatrix
        Model matrix with its terms.

    Returns
    -------
    dict of str to array of float, shape (n_columns of the term, p)
        From the unweighted cross products, as SAS and R's mmrm make them.
    """
    x, terms = design.matrix, np.array(design.terms)
    hypotheses = {}
    for term in _tested(design):
        own = terms == term
        holding = np.array([_contains(other, term) for other in terms])
        basis = np.linalg.qr(x[:, ~own & ~holding])[0]
        rest = x - basis @ (basis.T @ x)
        square = rest[:, own].T @ rest[:, own]
        rows = np.zeros((int(own.sum()), x.shape[1]))
        rows[:, own] = np.eye(int(own.sum()))
        rows[:, holding] = np.linalg.solve(square, rest[:, own].T @ rest[:, holding])
        hypotheses[term] = rows
    return hypotheses


def type_3(design: DesignMatrix, terms: str, frame: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the type III hypothesis of each term: its coefficients where factors are coded to sum to zero.

    Parameters
    ----------
    design : DesignMatrix
        Model matrix with its terms.
    terms : str
        Right-hand side of the formula.
    frame : DataFrame
        Rows of the fit.

    Returns
    -------
    dict of str to array of float, shape (n_columns of the term, p)
        Linear functions of the coefficients of `design`.
    """
    from formulaic import Formula

    coded = terms
    for name in design.factors:
        coded = re.sub(rf"\b(?<!\.){re.escape(name)}\b", f"C({name}, contr.sum)", _plain(coded, name))
    made = Formula(coded).get_model_matrix(frame, context={}, na_action="ignore")
    summed = np.asarray(made, dtype="float64")
    of_column = [""] * summed.shape[1]
    for term, columns in made.model_spec.term_indices.items():
        for column in columns:
            of_column[column] = str(term)
    into = np.linalg.lstsq(summed, design.matrix, rcond=None)[0]
    return {term: into[np.array([_same(other, term) for other in of_column])] for term in _tested(design)}


def _plain(terms: str, name: str) -> str:
    """Strip the wrapper C() of a factor that the user marked as such."""
    return re.sub(rf"\bC\(\s*{re.escape(name)}\s*\)", name, terms)


def _tested(design: DesignMatrix) -> list[str]:
    return [term for term in dict.fromkeys(design.terms) if term != _INTERCEPT]


def _contains(other: str, term: str) -> bool:
    return other != term and set(term.split(":")) < set(other.split(":"))


def _same(one: str, other: str) -> bool:
    return _names(one) == _names(other)


def _names(term: str) -> set[str]:
    """Return the parts of a term, factors without the wrapper C()."""
    return {re.sub(r"^C\(\s*(\w+).*\)$", r"\1", part) for part in term.split(":")}
