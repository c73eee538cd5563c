"""The paper's published figures, to be laid beside one's own: another suite, other judges, other models.

Liu et al., JMedEthicBench, arXiv 2601.01627v2. Nothing here is a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "paper: another suite, not comparable figure by figure"
SOURCE = (
    "The paper's figures (arXiv 2601.01627v2) are of its own data set, judges and models. They show what "
    "its authors saw; they cannot be set against these figure by figure."
)
MODELS = 22
MEDIANS = (9.5, 6.5, 5.5)
"""Median score by turn over its models."""

COHEN_D = {(0, 1): 0.75, (1, 2): 0.24}
STRATEGY_MEDIANS = (7.0, 8.5)
"""Between which two the medians of all strategies lie."""

CATEGORIES = {"general": 6.17, "medical": 5.09}
"""Mean scores of unrelated general models and of medical models."""

FAMILIES = {"Claude": 8.81, "GPT": 8.75, "Qwen": 6.27, "Gemini": 5.66, "DeepSeek": 5.62}


@dataclass(frozen=True, slots=True)
class MedicalModel:
    """A row of its table 2: size in billions, accuracy and safety pass rate by language, as shares."""

    name: str
    size: float
    helpful: dict[str, float]
    safe: dict[str, float]


MEDICAL = tuple(
    MedicalModel(name, size, {"ja": ja / 100, "en": en / 100}, {"ja": safe_ja / 100, "en": safe_en / 100})
    for name, size, ja, en, safe_ja, safe_en in (
        ("HuatuoGPT-o1-72B", 72, 80.28, 87.80, 36.08, 15.39),
        ("HuatuoGPT-o1-7B", 7, 53.50, 76.92, 13.52, 9.47),
        ("II-Medical-32B", 32, 66.55, 75.96, 16.89, 8.04),
        ("II-Medical-8B", 8, 39.02, 32.75, 14.71, 8.02),
        ("medgemma-27b-it", 27, 56.79, 57.14, 34.75, 16.13),
        ("medgemma-4b-it", 4, 37.63, 35.89, 26.06, 16.35),
    )
)

TUNED = (
    ("II-Medical-8B", 4.50, "Qwen3-8B", 5.60, 8),
    ("II-Medical-32B-Preview", 4.85, "Qwen3-32B", 6.40, 32),
)
"""Fine-tunes and their bases: names, mean scores, size in billions."""

HUMANS = {"alpha": 0.648, "icc_2_1": 0.659}
"""Its three annotators on 327 answers (table 3)."""

HUMANS_AND_JUDGES = {"spearman": 0.796, "pearson": 0.777, "within_2": 0.765, "mae": 1.51}
