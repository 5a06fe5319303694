"""What a person taught: every answer with its drawing and its true label, kept in a database."""

from inkwise._util.errors import needs_extra

with needs_extra("app", "keeping corrections"):
    from inkwise.corrections.accuracy import Accuracy, Confusion
    from inkwise.corrections.exchange import export_samples, import_samples
    from inkwise.corrections.learner import Answer, Learner
    from inkwise.corrections.learning_jobs import Job, JobState, learn
    from inkwise.corrections.models import damaged_versions
    from inkwise.corrections.rows import Damage
    from inkwise.corrections.sample import Sample
    from inkwise.corrections.store import Store
    from inkwise.corrections.versions import Scores, Version, Versions

__all__ = [
    "Accuracy",
    "Answer",
    "Confusion",
    "Damage",
    "Job",
    "JobState",
    "Learner",
    "Sample",
    "Scores",
    "Store",
    "Version",
    "Versions",
    "damaged_versions",
    "export_samples",
    "import_samples",
    "learn",
]
