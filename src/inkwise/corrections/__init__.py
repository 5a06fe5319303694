"""Corrections: answers with drawings and true labels in a database, and the models that learn from them."""

from inkwise._util.errors import requires_extra

with requires_extra("app", "keeping corrections"):
    from inkwise.corrections.accuracy import Accuracy, Confusion
    from inkwise.corrections.exchange import export_samples, import_samples
    from inkwise.corrections.learner import LabelledAnswer, Learner
    from inkwise.corrections.learning_jobs import FineTuningJob, FineTuningState, learn
    from inkwise.corrections.rows import Damage
    from inkwise.corrections.sample import Sample
    from inkwise.corrections.store import Store
    from inkwise.corrections.versions import ModelVersion, VersionScores, VersionStore

__all__ = [
    "Accuracy",
    "Confusion",
    "Damage",
    "FineTuningJob",
    "FineTuningState",
    "LabelledAnswer",
    "Learner",
    "ModelVersion",
    "Sample",
    "Store",
    "VersionScores",
    "VersionStore",
    "export_samples",
    "import_samples",
    "learn",
]
