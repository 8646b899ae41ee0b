import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.wire.v1 import tailnet_pb2 as _tailnet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BaseCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BASE_CAUSE_UNSPECIFIED: _ClassVar[BaseCause]
    BASE_CAUSE_START: _ClassVar[BaseCause]
    BASE_CAUSE_REQUESTED: _ClassVar[BaseCause]
    BASE_CAUSE_RING_LOST: _ClassVar[BaseCause]

class DeltaCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELTA_CAUSE_UNSPECIFIED: _ClassVar[DeltaCause]
    DELTA_CAUSE_DELTA: _ClassVar[DeltaCause]
    DELTA_CAUSE_FULL_REBUILD: _ClassVar[DeltaCause]
    DELTA_CAUSE_RESYNC: _ClassVar[DeltaCause]

class SuspendedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUSPENDED_REASON_UNSPECIFIED: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_STARTING: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_NEEDS_LOGIN: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_NEEDS_APPROVAL: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_STOPPED: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_LOGGING_REQUIRED: _ClassVar[SuspendedReason]
    SUSPENDED_REASON_STALE: _ClassVar[SuspendedReason]
BASE_CAUSE_UNSPECIFIED: BaseCause
BASE_CAUSE_START: BaseCause
BASE_CAUSE_REQUESTED: BaseCause
BASE_CAUSE_RING_LOST: BaseCause
DELTA_CAUSE_UNSPECIFIED: DeltaCause
DELTA_CAUSE_DELTA: DeltaCause
DELTA_CAUSE_FULL_REBUILD: DeltaCause
DELTA_CAUSE_RESYNC: DeltaCause
SUSPENDED_REASON_UNSPECIFIED: SuspendedReason
SUSPENDED_REASON_STARTING: SuspendedReason
SUSPENDED_REASON_NEEDS_LOGIN: SuspendedReason
SUSPENDED_REASON_NEEDS_APPROVAL: SuspendedReason
SUSPENDED_REASON_STOPPED: SuspendedReason
SUSPENDED_REASON_LOGGING_REQUIRED: SuspendedReason
SUSPENDED_REASON_STALE: SuspendedReason

class Position(_message.Message):
    __slots__ = ("boot_id", "epoch", "seq")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    epoch: int
    seq: int
    def __init__(self, boot_id: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("position", "captured_at", "base_begin", "base_chunk", "base_end", "delta", "self", "daemon", "prefs", "health", "tailnet", "suspended", "resumed")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    BASE_BEGIN_FIELD_NUMBER: _ClassVar[int]
    BASE_CHUNK_FIELD_NUMBER: _ClassVar[int]
    BASE_END_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    PREFS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    TAILNET_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    position: Position
    captured_at: _timestamp_pb2.Timestamp
    base_begin: BaseBegin
    base_chunk: BaseChunk
    base_end: BaseEnd
    delta: Delta
    self: _tailnet_pb2.SelfNode
    daemon: _tailnet_pb2.Daemon
    prefs: _tailnet_pb2.Prefs
    health: _tailnet_pb2.Health
    tailnet: _tailnet_pb2.Tailnet
    suspended: Suspended
    resumed: Resumed
    def __init__(self_, position: _Optional[_Union[Position, _Mapping]] = ..., captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., base_begin: _Optional[_Union[BaseBegin, _Mapping]] = ..., base_chunk: _Optional[_Union[BaseChunk, _Mapping]] = ..., base_end: _Optional[_Union[BaseEnd, _Mapping]] = ..., delta: _Optional[_Union[Delta, _Mapping]] = ..., self: _Optional[_Union[_tailnet_pb2.SelfNode, _Mapping]] = ..., daemon: _Optional[_Union[_tailnet_pb2.Daemon, _Mapping]] = ..., prefs: _Optional[_Union[_tailnet_pb2.Prefs, _Mapping]] = ..., health: _Optional[_Union[_tailnet_pb2.Health, _Mapping]] = ..., tailnet: _Optional[_Union[_tailnet_pb2.Tailnet, _Mapping]] = ..., suspended: _Optional[_Union[Suspended, _Mapping]] = ..., resumed: _Optional[_Union[Resumed, _Mapping]] = ...) -> None: ...

class BaseBegin(_message.Message):
    __slots__ = ("cause", "missing_since", "peer_count", "self", "tailnet", "daemon", "prefs", "health")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    MISSING_SINCE_FIELD_NUMBER: _ClassVar[int]
    PEER_COUNT_FIELD_NUMBER: _ClassVar[int]
    SELF_FIELD_NUMBER: _ClassVar[int]
    TAILNET_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    PREFS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    cause: BaseCause
    missing_since: _timestamp_pb2.Timestamp
    peer_count: int
    self: _tailnet_pb2.SelfNode
    tailnet: _tailnet_pb2.Tailnet
    daemon: _tailnet_pb2.Daemon
    prefs: _tailnet_pb2.Prefs
    health: _tailnet_pb2.Health
    def __init__(self_, cause: _Optional[_Union[BaseCause, str]] = ..., missing_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., peer_count: _Optional[int] = ..., self: _Optional[_Union[_tailnet_pb2.SelfNode, _Mapping]] = ..., tailnet: _Optional[_Union[_tailnet_pb2.Tailnet, _Mapping]] = ..., daemon: _Optional[_Union[_tailnet_pb2.Daemon, _Mapping]] = ..., prefs: _Optional[_Union[_tailnet_pb2.Prefs, _Mapping]] = ..., health: _Optional[_Union[_tailnet_pb2.Health, _Mapping]] = ...) -> None: ...

class BaseChunk(_message.Message):
    __slots__ = ("peers", "users")
    PEERS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    peers: _containers.RepeatedCompositeFieldContainer[_tailnet_pb2.Node]
    users: _containers.RepeatedCompositeFieldContainer[_tailnet_pb2.UserProfile]
    def __init__(self, peers: _Optional[_Iterable[_Union[_tailnet_pb2.Node, _Mapping]]] = ..., users: _Optional[_Iterable[_Union[_tailnet_pb2.UserProfile, _Mapping]]] = ...) -> None: ...

class BaseEnd(_message.Message):
    __slots__ = ("peer_count",)
    PEER_COUNT_FIELD_NUMBER: _ClassVar[int]
    peer_count: int
    def __init__(self, peer_count: _Optional[int] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("cause", "upserts", "patches", "removals", "users", "missing_since")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    UPSERTS_FIELD_NUMBER: _ClassVar[int]
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    REMOVALS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_SINCE_FIELD_NUMBER: _ClassVar[int]
    cause: DeltaCause
    upserts: _containers.RepeatedCompositeFieldContainer[_tailnet_pb2.Node]
    patches: _containers.RepeatedCompositeFieldContainer[PresencePatch]
    removals: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedCompositeFieldContainer[_tailnet_pb2.UserProfile]
    missing_since: _timestamp_pb2.Timestamp
    def __init__(self, cause: _Optional[_Union[DeltaCause, str]] = ..., upserts: _Optional[_Iterable[_Union[_tailnet_pb2.Node, _Mapping]]] = ..., patches: _Optional[_Iterable[_Union[PresencePatch, _Mapping]]] = ..., removals: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[_Union[_tailnet_pb2.UserProfile, _Mapping]]] = ..., missing_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PresencePatch(_message.Message):
    __slots__ = ("stable_id", "presence", "last_seen")
    STABLE_ID_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    stable_id: str
    presence: _tailnet_pb2.Presence
    last_seen: _timestamp_pb2.Timestamp
    def __init__(self, stable_id: _Optional[str] = ..., presence: _Optional[_Union[_tailnet_pb2.Presence, str]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Suspended(_message.Message):
    __slots__ = ("reason", "detail", "login_url", "needs_operator")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    LOGIN_URL_FIELD_NUMBER: _ClassVar[int]
    NEEDS_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    reason: SuspendedReason
    detail: str
    login_url: str
    needs_operator: bool
    def __init__(self, reason: _Optional[_Union[SuspendedReason, str]] = ..., detail: _Optional[str] = ..., login_url: _Optional[str] = ..., needs_operator: _Optional[bool] = ...) -> None: ...

class Resumed(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
