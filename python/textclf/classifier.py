"""classifier.py: TextClassifier, an estimator in scikit-learn's manner over the library's model, trainer and batcher.

Neither NumPy nor scikit-learn is needed. `model_` is never trained in place: partial_fit trains a copy and publishes a
clone of it, so that any number of threads may predict all the while.
"""
from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar

from . import _arrays, _data
from .config import Config, OptionKeywords, option, options, options_text
from .errors import OptionError, StateError, UnsupportedError
from .model import Model, Path, Vocabulary
from .training import Batcher, Epoch, Trainer

if TYPE_CHECKING:
    from typing_extensions import Unpack

Self = TypeVar("Self", bound="TextClassifier")
OnEpoch = Callable[[Epoch], Any]


class Keywords(OptionKeywords, total=False):
    """The library's options, and what is this class's own."""

    pretrained: Optional[Path]


OWN = ("pretrained",)


class TextClassifier:
    """Trains on raw texts and predicts labels.

    >>> from textclf import TextClassifier
    >>> classifier = TextClassifier(epochs=20, embedding_dim=32, hidden_dim=32)
    >>> classifier.fit(texts, labels).predict(["a new text"])

    task="classify" (the default) takes one label per text; "multilabel" a list or set of labels per text; "regress" a
    number, or as many numbers as there are targets, per text. Labels are str, int or bool. Results are NumPy arrays
    where NumPy is installed, lists where it is not; predict of a multilabel task is a list of sets.

    Attributes after fit, partial_fit or load:
        model_    the textclf.Model, which any number of threads may use
        classes_  the labels in the order of the columns of predict_proba (not with task regress)
        history_  one textclf.Epoch per epoch of fit

    pretrained: a folder of Hugging Face's (config.json, model.safetensors, tokenizer.json) whose BERT or GPT-2 fit begins
    with; the labels are those of the texts.

    Options (keywords; None leaves one to the library):
    """

    def __init__(self, **keywords: "Unpack[Keywords]") -> None:
        for key in (*OWN, *(row.key for row in options())):
            setattr(self, key, None)
        self._clear()
        self.set_params(**keywords)

    if TYPE_CHECKING:
        def __getattr__(self, key: str) -> Any: ...

    def _clear(self) -> None:
        self._model: Optional[Model] = None
        self._codec: _data.Labels = _data.Labels([])
        self._trainer: Optional[Trainer] = None

    # Parameters

    def get_params(self, deep: bool = True) -> Dict[str, Any]:
        """The options as they were given; None is the library's default."""
        return {**{key: getattr(self, key) for key in OWN}, **self._options()}

    def _options(self) -> Dict[str, Any]:
        return {row.key: getattr(self, row.key) for row in options()}

    def set_params(self: Self, **keywords: Any) -> Self:
        """Changes options for what comes: training options and threads count from the next fit or load on."""
        for key in keywords:
            if key not in OWN:
                option(key)
        for key, value in keywords.items():
            setattr(self, key, value)
        return self

    def __repr__(self) -> str:
        given = [f"{key}={value!r}" for key, value in self.get_params().items() if value is not None]
        return f"{type(self).__name__}({', '.join(given)})"

    def _task(self) -> str:
        return "classify" if self.task is None else str(self.task)

    def _config(self) -> Config:
        return Config(**self._options())

    def _training_config(self, **instead: Any) -> Config:
        """The options with f32 weights and all features, which alone are trained; others are made of what was learned.
        `instead` stands for some of them, None for the default."""
        config = Config(**{**self._options(), **instead})
        config.set("weights", "f32")
        if self.max_features is not None:
            config.set("max_features", 0)
        return config

    def _is_whole(self) -> bool:
        return self.weights in (None, "f32") and not self.max_features

    def _as_asked(self, model: Model) -> Model:
        """A model of its own with the weights and features that the options ask for."""
        return model.clone() if self._is_whole() else model.convert(self.weights or "f32", self.max_features or 0)

    # What was learned

    @property
    def model_(self) -> Model:
        """The model behind the classifier."""
        if self._model is None:
            raise StateError(f"this {type(self).__name__} has learned nothing yet: call fit, partial_fit or load")
        return self._model

    @property
    def classes_(self) -> Any:
        """The labels, in the order of the columns of predict_proba."""
        if self._model is None or isinstance(self._codec, _data.Targets):
            raise AttributeError("classes_ is there after fit, partial_fit or load, and not with task regress")
        return _arrays.vector(self._codec.classes)

    def _adopt(self, model: Model, codec: _data.Labels, history: List[Epoch],
               trainer: Optional[Trainer] = None) -> None:
        self._model, self._codec, self.history_, self._trainer = model, codec, history, trainer

    def _new_model(self, config: Config, codec: _data.Labels, data: List[bytes]) -> Model:
        if self.pretrained is not None:
            model = Model.from_pretrained(self.pretrained, codec.names, config)
            if model.option("task") != config.get("task"):
                raise OptionError(f"{self.pretrained} is a model of task {model.option('task')}; say task="
                                  f"{model.option('task')!r}, or with task what y is")
            return model
        with Vocabulary(config, data) as words:
            return Model(config, words, codec.names)

    def fit(self: Self, X: Any, y: Any, sample_weight: Any = None, validation: Optional[Tuple[Any, Any]] = None,
            on_epoch: Optional[OnEpoch] = None) -> Self:
        """Learns from the beginning, for `epochs` epochs.

        validation: (texts, labels) to choose the best epoch on, instead of the option validation_split.
        on_epoch: called after each epoch with a textclf.Epoch.
        Ctrl-C ends the current step, keeps what was learned so far (the best epoch if there was a validation), and is
        raised again. After any other exception the classifier is as it was.
        """
        data = _data.texts(X)
        with self._training_config() as config:
            kind = _data.BY_TASK[str(config.get("task"))]
            answers = kind.read(y)
            codec = kind.of(answers)
            weights = _data.weights(sample_weight, len(data))
            _data.same_length(len(answers), len(data), "y")
            model = self._new_model(config, codec, data)
            held_out = None
            if validation is not None:
                texts = _data.texts(validation[0])
                held_out = _data.fill(model, codec, texts, kind.read(validation[1]), [1.0] * len(texts), strict=False)
            examples = _data.fill(model, codec, data, answers, weights)
            history: List[Epoch] = []
            with Trainer(model, config) as trainer, Batcher(trainer, examples, held_out) as batcher:
                try:
                    _epochs(trainer, batcher, examples, history, on_epoch)
                except KeyboardInterrupt:
                    batcher.restore_best()
                    self._adopt(self._as_asked(model), codec, history)
                    raise
            learned = model if self._is_whole() else self._as_asked(model)
        self._adopt(learned, codec, history)
        return self

    def partial_fit(self: Self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Goes on learning: one pass over these texts, in their order, in batches of `batch_size`.

        The first call of an unfitted classifier takes the vocabulary from its texts (give it a fair sample) and needs
        `classes`, all labels that will ever come. A linear model of n-grams has no vocabulary: its first call counts
        features, later ones may bring new ones; it goes on with optimizer adagrad, dcd being for fit. Optimizer state
        lives on from call to call, but not in a pickle or file. After an exception `model_` is as it was before the
        call.
        """
        data = _data.texts(X)
        with self._gradient_config() as config:
            kind = _data.BY_TASK[str(config.get("task"))] if self._model is None else type(self._codec)
            answers = kind.read(y)
            codec = self._codec if self._model is not None else self._first_codec(kind, answers, classes)
            if classes is not None and kind is not _data.Targets and codec.classes != _data.ordered(_plain(classes)):
                raise ValueError("classes differ from those of the first call")
            weights = _data.weights(sample_weight, len(data))
            start = self._new_model(config, codec, data) if self._model is None else self._model
            with _data.fill(start, codec, data, answers, weights) as examples:
                if self._trainer is None:
                    self._trainer = Trainer(start.clone(), config)
                    if self._model is None and self._is_linear():
                        self._trainer.count(examples)
                trainer, self._trainer = self._trainer, None  # a failure leaves none behind
                size = int(config.get("batch_size"))
                try:
                    for first in range(0, len(data), size):
                        trainer.step(examples, range(first, min(first + size, len(data))))
                except KeyboardInterrupt:
                    self._adopt(self._as_asked(trainer.model), codec, getattr(self, "history_", []), trainer)
                    raise
        self._adopt(self._as_asked(trainer.model), codec, getattr(self, "history_", []), trainer)
        return self

    def _is_linear(self) -> bool:
        """Whether the model is, or will be, a linear one of n-grams."""
        if self._model is None:
            return self.arch == "ngram" and self.embedding_dim in (None, 0)
        return self._model.option("arch") == "ngram" and self._model.option("embedding_dim") == 0

    def _gradient_config(self) -> Config:
        """The training options for texts that come and go, which dcd, the optimizer of linear models, does not take;
        what a file of such a model says of its training is not what adagrad asks for."""
        if not self._is_linear() or self.optimizer not in (None, "dcd"):
            return self._training_config()
        given = {} if self.optimizer is None else dict.fromkeys(("learning_rate", "loss", "epochs"))
        return self._training_config(optimizer="adagrad", **given)

    def _first_codec(self, kind: Type[_data.Labels], answers: List[Any], classes: Any) -> _data.Labels:
        if kind is _data.Targets:
            return kind.of(answers)
        if classes is None:
            raise ValueError("classes: the first call of partial_fit needs all labels that will ever come")
        return kind(_data.ordered(_plain(classes)))

    # Using it

    def predict(self, X: Any) -> Any:
        """Labels (classify), sets of labels at their thresholds or above (multilabel), or values (regress)."""
        model, codec = self.model_, self._codec
        scores = model.predict_batch(_data.texts(X))
        if isinstance(codec, _data.Targets):
            return scores if len(codec.classes) > 1 else _arrays.vector([float(row[0]) for row in scores])
        if isinstance(codec, _data.LabelSets):
            least = model.thresholds
            return [{label for label, score, own in zip(codec.classes, row, least) if float(score) >= own}
                    for row in scores]
        module = _arrays.numpy()
        if module is not None:
            return self.classes_[scores.argmax(axis=1)]
        return [codec.classes[max(range(len(row)), key=row.__getitem__)] for row in scores]

    def predict_proba(self, X: Any) -> Any:
        """Scores (texts, classes_): they add up to 1 (classify), or stand each for itself (multilabel)."""
        if isinstance(self._codec, _data.Targets):
            raise UnsupportedError("predict_proba: task regress has values, no probabilities; use predict")
        return self.model_.predict_batch(_data.texts(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy (classify), share of exactly right sets (multilabel), or R² (regress)."""
        model, codec = self.model_, self._codec
        truth = type(codec).read(y)
        weights = _data.weights(sample_weight, len(truth))
        guesses = self.predict(X)
        _data.same_length(len(truth), len(guesses), "y")
        if isinstance(codec, _data.Targets):
            return _r2(truth, type(codec).read(guesses), weights, len(model.labels))
        right = [guess == (set(label) if isinstance(codec, _data.LabelSets) else label)
                 for guess, label in zip(guesses, truth)]
        return sum(weight for hit, weight in zip(right, weights) if hit) / sum(weights)

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """All figures of the library's evaluation, as a textclf.Evaluation."""
        model, codec, data = self.model_, self._codec, _data.texts(X)
        weights = _data.weights(sample_weight, len(data))
        with _data.fill(model, codec, data, type(codec).read(y), weights, strict=False) as examples:
            return model.evaluate(examples)

    # Keeping it

    def save(self, path: Path) -> None:
        """Writes the model file, which C, C++ and the command line read as well."""
        self.model_.save(path)

    @classmethod
    def load(cls: Type[Self], path: Path, label_type: Callable[[str], Any] = str, **keywords: Any) -> Self:
        """A classifier from a model file; options that the file stores are taken from it, others are keywords. With the
        keyword `weights` the file's are converted, with `max_features` cut down.

        A file holds labels as text: label_type=int gives them back as numbers.
        """
        classifier = cls(**keywords)
        with classifier._config() as config:
            model = Model.load(path, config)
        weights = str(model.option("weights"))
        if classifier.max_features or classifier.weights not in (None, weights):
            model = model.convert(classifier.weights or weights, classifier.max_features or 0)
        form = "embedding" if model.option("embedding_dim") else "linear"
        for row in options():
            if row.option_class != "run" and row.is_of(str(model.option("arch")), form) and \
                    getattr(classifier, row.key) is None:
                setattr(classifier, row.key, model.option(row.key))
        kind = _data.BY_TASK[str(model.option("task"))]
        labels = model.labels if kind is _data.Targets else [_typed(label, label_type) for label in model.labels]
        classifier._adopt(model, kind(labels), [])
        return classifier

    def __getstate__(self) -> Dict[str, Any]:
        state = {key: value for key, value in self.__dict__.items() if key not in ("_model", "_trainer", "_codec")}
        if self._model is not None:
            state["_saved"] = (self._model.to_bytes(), type(self._codec).__name__, self._codec.classes)
        return state

    def __setstate__(self, state: Dict[str, Any]) -> None:
        saved = state.pop("_saved", None)
        for key in (*OWN, *(row.key for row in options())):  # a pickle of an older library lacks the newer options
            setattr(self, key, None)
        self.__dict__.update(state)
        self._clear()
        if saved is not None:
            kind = {known.__name__: known for known in _data.BY_TASK.values()}[saved[1]]
            with self._config() as config:
                self._model, self._codec = Model.from_bytes(saved[0], config), kind(saved[2])

    # What scikit-learn asks for

    @property
    def _estimator_type(self) -> str:
        return "regressor" if self._task() == "regress" else "classifier"

    def __sklearn_is_fitted__(self) -> bool:
        return self._model is not None

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import (  # type: ignore[import-not-found,unused-ignore]
            ClassifierTags, InputTags, RegressorTags, Tags, TargetTags)
        regress = self._task() == "regress"
        return Tags(estimator_type=self._estimator_type, target_tags=TargetTags(required=True),
                    transformer_tags=None, classifier_tags=None if regress else ClassifierTags(),
                    regressor_tags=RegressorTags() if regress else None,
                    input_tags=InputTags(one_d_array=True, two_d_array=False, string=True))


def _epochs(trainer: Trainer, batcher: Batcher, examples: Any, history: List[Epoch],
            on_epoch: Optional[OnEpoch]) -> None:
    """Trains until the batcher says that it is enough. Python answers Ctrl-C between two steps."""
    while True:
        for batch in batcher:
            trainer.step(examples, batch.rows)
        epoch = batcher.finish_epoch()
        history.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)
        if epoch.finished:
            batcher.restore_best()
            return


def _plain(classes: Any) -> List[_data.Label]:
    return [_data.plain_label(label) for label in _data.column(classes, "classes")]


def _typed(label: str, label_type: Callable[[str], Any]) -> _data.Label:
    if label_type is bool:
        return {"True": True, "False": False}[label]
    return _data.plain_label(label_type(label))


def _r2(truth: List[List[float]], guesses: List[List[float]], weights: List[float], width: int) -> float:
    """Coefficient of determination, mean over targets; as sklearn.metrics.r2_score."""
    total, scores = sum(weights), []
    for target in range(width):
        values = [row[target] for row in truth]
        mean = sum(w * value for w, value in zip(weights, values)) / total
        spread = sum(w * (value - mean) ** 2 for w, value in zip(weights, values))
        missed = sum(w * (value - row[target]) ** 2 for w, value, row in zip(weights, values, guesses))
        scores.append(1.0 - missed / spread if spread else float(missed == 0))
    return sum(scores) / width


def _describe() -> None:
    """Signature and docstring from the library's option table, for help() and notebooks."""
    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None)
                   for key in (*OWN, *(row.key for row in options()))]
    TextClassifier.__init__.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    if TextClassifier.__doc__:
        TextClassifier.__doc__ = TextClassifier.__doc__.rstrip() + "\n" + options_text() + "\n"


_describe()
