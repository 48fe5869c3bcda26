"""Configuration files of training, release, scoring and whole runs, checked before any work.

Each is one YAML file. An unknown key is an error that names the nearest
known one. `${NAME}` in a value is read from the environment, so that a file in git can refer to
data outside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import Classifier, check_names, defaults_of
from adrisk.documents import parse_json, read_yaml
from adrisk.errors import ConfigError, did_you_mean
from adrisk.policy.policy import PolicyConfig

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
_RELEASE = re.compile(r"20[0-9]{2}\.(0[1-9]|1[0-2])(\.[1-9][0-9]?)?")


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusConfig(_Config):
    """Sources of ads; `map` gives the column of the source for each canonical name."""

    sources: tuple[str, ...] = Field(min_length=1)
    map: dict[str, str] = {}


class LabelsConfig(_Config):
    """How votes become training labels; ads without votes keep their label columns.

    `join`: `model` weighs every voter by its estimated accuracy, `majority` counts votes, `none`
    keeps the label columns. `rules` adds the evidence rules as a voter.
    """

    join: Literal["model", "majority", "none"] = "model"
    rules: bool = True


class ModelConfig(_Config):
    """A classifier family of `adrisk.classifiers.FAMILIES` with its parameters."""

    family: str = "ngram"
    parameters: dict[str, Any] = {}
    seed: int = 0
    labels: LabelsConfig = LabelsConfig()

    @model_validator(mode="after")
    def _known(self) -> ModelConfig:
        if self.family not in FAMILIES:
            raise ValueError(
                f"unknown classifier family {self.family!r}{did_you_mean(self.family, FAMILIES)}; "
                f"families: {', '.join(sorted(FAMILIES))}"
            )
        kind = FAMILIES[self.family]
        _check_parameters(self.family, kind, self.parameters, ("parameters",))
        for part, part_kind in getattr(kind, "parts", {}).items():
            given = self.parameters.get(part) or {}
            _check_parameters(f"{self.family}: {part}", part_kind, given, ("parameters", part))
        return self


class EvaluateConfig(_Config):
    """How models are evaluated.

    `folds` 0 evaluates the trained model on its report set. With 2 or more, for small corpora, the
    configuration is trained once per fold and evaluated on the campaigns of that fold.
    """

    resamples: int = Field(500, ge=20, le=10_000)
    folds: int = Field(0, ge=0, le=20)
    baselines: bool = True
    random_split: bool = True

    @model_validator(mode="after")
    def _folds(self) -> EvaluateConfig:
        if self.folds == 1:
            raise ValueError("folds must be 0 (the report set) or at least 2")
        return self


class ScoreConfig(_Config):
    """Sources to score, and the policy."""

    sources: tuple[str, ...] = Field(min_length=1)
    map: dict[str, str] = {}
    policy: PolicyConfig = PolicyConfig()
    workers: int = Field(0, ge=0, description="threads; 0 for one per core")


class TrainConfig(ModelConfig):
    """`adrisk train CONFIG` for one model; `corpus` may be left out if a file of ads is given."""

    name: str = Field(pattern=_NAME)
    corpus: CorpusConfig | None = None
    taxonomy: Path | None = Field(None, description="indicators and rules of a platform")


class RunConfig(_Config):
    """`adrisk run CONFIG`, the whole pipeline; the first model of `train` scores."""

    name: str = Field(pattern=_NAME)
    corpus: CorpusConfig
    train: tuple[ModelConfig, ...] = Field(min_length=1)
    evaluate: EvaluateConfig = EvaluateConfig()
    score: ScoreConfig
    taxonomy: Path | None = Field(None, description="indicators and rules of a platform")
    results: Path | None = Field(None, description="folder for result files kept in git")

    @property
    def names(self) -> list[str]:
        """A name for each model of the run: its family, with a number if repeated."""
        return _names(self.train)


class ReleaseTerms(_Config):
    """Version and folder of a release; its cards give the guarantees of `policies`.

    `explained` is the number of flagged ads for faithfulness, `swapped` the number of ads per kind
    for the swap test.
    """

    version: str
    folder: Path = Path("models")
    suites: Path = Path("evaluation/behaviour")
    policies: tuple[PolicyConfig, ...] = ()
    explained: int = Field(100, ge=1, le=10_000)
    swapped: int = Field(500, ge=1, le=100_000)

    @field_validator("version", mode="before")
    @classmethod
    def _version(cls, given: object) -> object:
        if isinstance(given, int | float):
            raise ValueError(  # noqa: TRY004, pydantic reports ValueErrors
                f'{given} is read as a number; put it in quotes, such as "2026.11"'
            )
        if isinstance(given, str) and not _RELEASE.fullmatch(given):
            raise ValueError(
                f"{given!r} is not a release version; write year and month, and a number for a "
                'second one in a month: "2026.11" or "2026.11.2"'
            )
        return given

    @field_validator("policies")
    @classmethod
    def _with_guarantee(cls, given: tuple[PolicyConfig, ...]) -> tuple[PolicyConfig, ...]:
        if any(policy.recall is None and policy.review_share is None for policy in given):
            raise ValueError("each needs recall or review_share; only these have a guarantee")
        return given


class ReleaseConfig(_Config):
    """`adrisk train CONFIG` with `release`: models that are trained, evaluated and given a card.

    The gap to a random split is measured for the first model only, the baselines once for all.
    """

    name: str = Field(pattern=_NAME)
    release: ReleaseTerms
    corpus: CorpusConfig
    train: tuple[ModelConfig, ...] = Field(min_length=1)
    evaluate: EvaluateConfig = EvaluateConfig()
    taxonomy: Path | None = Field(None, description="indicators and rules of a platform")

    @model_validator(mode="after")
    def _one_report_set(self) -> ReleaseConfig:
        if self.evaluate.folds:
            raise ValueError("a released model is evaluated on its report set; drop evaluate.folds")
        if len({model.seed for model in self.train}) > 1:
            raise ValueError("the models of a release share one split; give all the same seed")
        return self

    @property
    def names(self) -> list[str]:
        """The release name of each model, version and family."""
        return [f"{self.release.version}-{name}" for name in _names(self.train)]


Loaded = TypeVar("Loaded", bound=BaseModel)


def load(path: Path, kind: type[Loaded]) -> Loaded:
    """Read and check a configuration file.

    Raises:
        ConfigError: naming file, key, what was expected, and the nearest valid name.
    """
    content = _content(path)
    try:
        return kind.model_validate(_expand(content, path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error, kind)}") from error


def load_training(path: Path) -> TrainConfig | ReleaseConfig:
    """Read the configuration of `adrisk train`: one model, or a release if it has that key.

    Raises:
        ConfigError: as `load` does.
    """
    if "release" in _content(path):
        return load(path, ReleaseConfig)
    return load(path, TrainConfig)


def parse_model_config(name: str, parameters: str = "", seed: int = 0) -> ModelConfig:
    """The configuration of one model from arguments of a command line.

    Args:
        name: a family, or a configuration file of one model (.yaml or .yml).
        parameters: of the family, as JSON; its defaults if left out.
        seed: of the family; a file has its own.

    Raises:
        ConfigError: naming the error, what was expected, and the nearest valid name.
    """
    if name.lower().endswith((".yaml", ".yml")):
        if parameters:
            raise ConfigError(f"{name} has parameters of its own; set them there, or name a family")
        return load(Path(name), TrainConfig)
    try:
        given = parse_json(parameters or "{}")
    except ValueError as error:
        raise ConfigError(
            f"parameters {parameters[:80]!r} are not valid JSON ({error}); "
            "write them like '{\"bits\": 14}'"
        ) from error
    try:
        return ModelConfig(family=name, parameters=given, seed=seed)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, ModelConfig)) from error


def _content(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    if not path.exists():
        hint = did_you_mean(path.name, _siblings(path))
        raise ConfigError(f"configuration {path} cannot be read: no such file{hint}")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, such as 'name: demo'")
    return content


def dump(config: BaseModel) -> dict[str, object]:
    """The configuration as JSON values, defaults filled in."""
    return config.model_dump(mode="json")


def _expand(value: object, path: Path) -> object:
    if isinstance(value, Mapping):
        return {key: _expand(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, path) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match.group(1), path), value)
    return value


def _variable(name: str, path: Path) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(
            f"{path} uses ${{{name}}}, but this environment variable is not set; "
            f"put {name}=... before the command"
        )
    return value


def _first_problem(error: ValidationError, kind: type[BaseModel]) -> str:
    """One line for the first problem, with the nearest known key for an unknown one.

    A misspelt key is both unknown and missing; the unknown one comes first, as it shows the error.
    """
    problem = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    keys = [str(part) for part in problem["loc"]]
    key = ".".join(keys)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        fields = _fields_at(kind, problem["loc"][:-1])
        known = f"; known here: {', '.join(sorted(fields))}" if fields else ""
        return f"unknown key {key!r}{did_you_mean(keys[-1], fields)}{known}{more}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message}{more}" if key else f"{message}{more}"


def _fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """Names of the keys allowed at this location of the configuration."""
    for part in location:
        if isinstance(part, int):
            continue
        hint = get_type_hints(kind).get(str(part))
        kind = next((k for k in _classes(hint)), None)
        if kind is None:
            return []
    return list(kind.model_fields)


def _classes(hint: object) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [cls for inner in getattr(hint, "__args__", ()) for cls in _classes(inner)]


def _check_parameters(
    name: str, kind: type[Classifier], given: Mapping[str, object], location: tuple[str, ...]
) -> None:
    """Raise for unknown parameters of a family and for values of a wrong type.

    Errors have this location of the configuration.
    """
    check_names(name, kind, given)
    hints = get_type_hints(kind.__init__)
    fields: dict[str, Any] = {
        parameter: (hints[parameter], value) for parameter, value in defaults_of(kind).items()
    }
    try:
        create_model(f"{name}_parameters", **fields).model_validate(given)
    except ValidationError as error:
        problems = [
            InitErrorDetails(
                type=one["type"],
                loc=(*location, *one["loc"]),
                input=one["input"],
                ctx=one.get("ctx", {}),
            )
            for one in error.errors()
        ]
        raise ValidationError.from_exception_data(error.title, problems) from error


def _names(models: tuple[ModelConfig, ...]) -> list[str]:
    families = [model.family for model in models]
    return [
        family if families[:i].count(family) == 0 else f"{family}-{families[:i].count(family) + 1}"
        for i, family in enumerate(families)
    ]


def _siblings(path: Path) -> list[str]:
    try:
        return [file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml")]
    except OSError:
        return []
