"""Changes of recipes by keys without their sections, such as `with_keys(recipe, lr=0.1, epochs=2)`."""

from collections import defaultdict


def with_keys(recipe, **changes):
    """A copy of a recipe with changed keys."""
    sections = {key.rpartition(".")[2]: key.rpartition(".")[0] for key in recipe.values()}
    grouped, plain = defaultdict(dict), {}
    for key, value in changes.items():
        if section := sections[key]:
            grouped[section][key] = value
        else:
            plain[key] = value
    return recipe.set(**grouped, **plain)
