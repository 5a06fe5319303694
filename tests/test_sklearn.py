from sklearn.utils.estimator_checks import parametrize_with_checks
from inkwise.sklearn import DigitClassifier
from inkwise.training import recipe


@parametrize_with_checks([DigitClassifier(device="cpu")])
def test_checks(estimator, check):
    check(estimator)
