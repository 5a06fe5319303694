"""Use Inkwise's classifier in a scikit-learn pipeline with cross-validation.

python examples/sklearn_pipeline.py      # with pip install "inkwise[train]"
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from inkwise.sklearn import DigitClassifier

X, y = load_digits(return_X_y=True)  # (1797, 64): images of 8 x 8 pixels
pipeline = make_pipeline(MinMaxScaler(), DigitClassifier(epochs=3, random_state=0, device="cpu"))
scores = cross_val_score(pipeline, X, y, cv=2)
print("accuracy of each fold:", " ".join(f"{score:.3f}" for score in scores))
