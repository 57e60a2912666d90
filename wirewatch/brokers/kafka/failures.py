"""What a failure of the client or the cluster means for us: one of our own error types, with what was being done.

A cluster that forbids what it allowed at the start, or has lost a topic, is `BrokenStorage`: trying again with
the next record would dead-letter everything. Whatever may pass is `PassingFault`.
"""

from __future__ import annotations

from aiokafka import errors as kafka

from wirewatch.errors import BadInput, BrokenStorage, PassingFault, WirewatchError

_TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
_FORBIDDEN = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.AuthenticationFailedError,
    kafka.SaslAuthenticationFailed,
)
_HOPELESS = (kafka.UnsupportedVersionError, kafka.IncompatibleBrokerVersion, kafka.CorruptRecordException)


def explain(error: BaseException, doing: str) -> WirewatchError:
    """The error to raise in place of this one. ``doing`` says what was tried, and where."""
    if isinstance(error, WirewatchError):
        return error
    said = describe(error)
    if isinstance(error, _TOO_LARGE):
        return BadInput(f"{doing}: the cluster refuses it as too large ({said})", reason="too-large")
    if isinstance(error, _FORBIDDEN):
        return BrokenStorage(f"{doing}: the cluster does not allow it ({said}); the user's rights may have changed")
    if isinstance(error, _HOPELESS):
        return BrokenStorage(f"{doing}: {said}")
    return PassingFault(f"{doing}: {said}")


def describe(error: BaseException) -> str:
    """An error in a few words, without the noise of the client's class names where it says something."""
    text = " ".join(str(error).split())
    if isinstance(error, kafka.KafkaError):
        name = type(error).__name__.removesuffix("Error")
        plain = text.removeprefix(f"{type(error).__name__}: ").removeprefix(f"[Error {getattr(error, 'errno', '')}] ")
        return f"{name}: {plain}" if plain and plain != type(error).__name__ else name
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return text or type(error).__name__


def may_pass(error: BaseException) -> bool:
    """Whether the same request may work in a moment."""
    if isinstance(error, kafka.KafkaError):
        return bool(error.retriable) or isinstance(error, (kafka.KafkaConnectionError, kafka.NodeNotReadyError))
    return isinstance(error, (TimeoutError, OSError))
