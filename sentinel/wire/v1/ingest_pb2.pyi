import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.wire.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LoginMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOGIN_MODE_UNSPECIFIED: _ClassVar[LoginMode]
    LOGIN_MODE_AUTO: _ClassVar[LoginMode]
    LOGIN_MODE_AUTH_KEY: _ClassVar[LoginMode]
    LOGIN_MODE_OAUTH: _ClassVar[LoginMode]
    LOGIN_MODE_INTERACTIVE: _ClassVar[LoginMode]
LOGIN_MODE_UNSPECIFIED: LoginMode
LOGIN_MODE_AUTO: LoginMode
LOGIN_MODE_AUTH_KEY: LoginMode
LOGIN_MODE_OAUTH: LoginMode
LOGIN_MODE_INTERACTIVE: LoginMode

class StreamFramesRequest(_message.Message):
    __slots__ = ("hello", "frame", "freshness", "command_result")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    frame: _frame_pb2.Frame
    freshness: Freshness
    command_result: CommandResult
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., frame: _Optional[_Union[_frame_pb2.Frame, _Mapping]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ..., command_result: _Optional[_Union[CommandResult, _Mapping]] = ...) -> None: ...

class StreamFramesResponse(_message.Message):
    __slots__ = ("welcome", "ack", "command")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    ack: Ack
    command: Command
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ...) -> None: ...

class Protocol(_message.Message):
    __slots__ = ("major", "minor")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    major: int
    minor: int
    def __init__(self, major: _Optional[int] = ..., minor: _Optional[int] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol", "edge_version", "tailscale_version", "boot_id", "source", "last_made", "last_acked", "own_variables")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    EDGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    TAILSCALE_VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LAST_MADE_FIELD_NUMBER: _ClassVar[int]
    LAST_ACKED_FIELD_NUMBER: _ClassVar[int]
    OWN_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    protocol: Protocol
    edge_version: str
    tailscale_version: str
    boot_id: str
    source: str
    last_made: _frame_pb2.Position
    last_acked: _frame_pb2.Position
    own_variables: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, protocol: _Optional[_Union[Protocol, _Mapping]] = ..., edge_version: _Optional[str] = ..., tailscale_version: _Optional[str] = ..., boot_id: _Optional[str] = ..., source: _Optional[str] = ..., last_made: _Optional[_Union[_frame_pb2.Position, _Mapping]] = ..., last_acked: _Optional[_Union[_frame_pb2.Position, _Mapping]] = ..., own_variables: _Optional[_Iterable[str]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol", "service_version", "config", "resume_after", "send_base")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    SEND_BASE_FIELD_NUMBER: _ClassVar[int]
    protocol: Protocol
    service_version: str
    config: EdgeConfig
    resume_after: _frame_pb2.Position
    send_base: SendBase
    def __init__(self, protocol: _Optional[_Union[Protocol, _Mapping]] = ..., service_version: _Optional[str] = ..., config: _Optional[_Union[EdgeConfig, _Mapping]] = ..., resume_after: _Optional[_Union[_frame_pb2.Position, _Mapping]] = ..., send_base: _Optional[_Union[SendBase, _Mapping]] = ...) -> None: ...

class SendBase(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EdgeConfig(_message.Message):
    __slots__ = ("hostname", "control_url", "advertise_tags", "login_mode", "credentials", "ephemeral", "log_upload", "allow_interactive_fallback", "login_timeout")
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    CONTROL_URL_FIELD_NUMBER: _ClassVar[int]
    ADVERTISE_TAGS_FIELD_NUMBER: _ClassVar[int]
    LOGIN_MODE_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    EPHEMERAL_FIELD_NUMBER: _ClassVar[int]
    LOG_UPLOAD_FIELD_NUMBER: _ClassVar[int]
    ALLOW_INTERACTIVE_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    hostname: str
    control_url: str
    advertise_tags: _containers.RepeatedScalarFieldContainer[str]
    login_mode: LoginMode
    credentials: Credentials
    ephemeral: bool
    log_upload: bool
    allow_interactive_fallback: bool
    login_timeout: _duration_pb2.Duration
    def __init__(self, hostname: _Optional[str] = ..., control_url: _Optional[str] = ..., advertise_tags: _Optional[_Iterable[str]] = ..., login_mode: _Optional[_Union[LoginMode, str]] = ..., credentials: _Optional[_Union[Credentials, _Mapping]] = ..., ephemeral: _Optional[bool] = ..., log_upload: _Optional[bool] = ..., allow_interactive_fallback: _Optional[bool] = ..., login_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Credentials(_message.Message):
    __slots__ = ("auth_key", "client_secret", "client_id", "id_token", "audience")
    AUTH_KEY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    ID_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    auth_key: str
    client_secret: str
    client_id: str
    id_token: str
    audience: str
    def __init__(self, auth_key: _Optional[str] = ..., client_secret: _Optional[str] = ..., client_id: _Optional[str] = ..., id_token: _Optional[str] = ..., audience: _Optional[str] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: _frame_pb2.Position
    def __init__(self, position: _Optional[_Union[_frame_pb2.Position, _Mapping]] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("command_id", "configure", "login", "audit", "shut_down")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURE_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    SHUT_DOWN_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    configure: Configure
    login: Login
    audit: Audit
    shut_down: ShutDown
    def __init__(self, command_id: _Optional[str] = ..., configure: _Optional[_Union[Configure, _Mapping]] = ..., login: _Optional[_Union[Login, _Mapping]] = ..., audit: _Optional[_Union[Audit, _Mapping]] = ..., shut_down: _Optional[_Union[ShutDown, _Mapping]] = ...) -> None: ...

class Configure(_message.Message):
    __slots__ = ("config",)
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    config: EdgeConfig
    def __init__(self, config: _Optional[_Union[EdgeConfig, _Mapping]] = ...) -> None: ...

class Login(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Audit(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutDown(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("command_id", "done", "applied", "restarted_for", "error")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    RESTARTED_FOR_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    done: bool
    applied: _containers.RepeatedScalarFieldContainer[str]
    restarted_for: _containers.RepeatedScalarFieldContainer[str]
    error: str
    def __init__(self, command_id: _Optional[str] = ..., done: _Optional[bool] = ..., applied: _Optional[_Iterable[str]] = ..., restarted_for: _Optional[_Iterable[str]] = ..., error: _Optional[str] = ...) -> None: ...

class Freshness(_message.Message):
    __slots__ = ("captured_at", "in_map_poll", "control_message_age", "ring_frames", "ring_bytes", "resyncs", "audit_mismatches", "last_made")
    CAPTURED_AT_FIELD_NUMBER: _ClassVar[int]
    IN_MAP_POLL_FIELD_NUMBER: _ClassVar[int]
    CONTROL_MESSAGE_AGE_FIELD_NUMBER: _ClassVar[int]
    RING_FRAMES_FIELD_NUMBER: _ClassVar[int]
    RING_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESYNCS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_MISMATCHES_FIELD_NUMBER: _ClassVar[int]
    LAST_MADE_FIELD_NUMBER: _ClassVar[int]
    captured_at: _timestamp_pb2.Timestamp
    in_map_poll: bool
    control_message_age: _duration_pb2.Duration
    ring_frames: int
    ring_bytes: int
    resyncs: int
    audit_mismatches: int
    last_made: _frame_pb2.Position
    def __init__(self, captured_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., in_map_poll: _Optional[bool] = ..., control_message_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ring_frames: _Optional[int] = ..., ring_bytes: _Optional[int] = ..., resyncs: _Optional[int] = ..., audit_mismatches: _Optional[int] = ..., last_made: _Optional[_Union[_frame_pb2.Position, _Mapping]] = ...) -> None: ...
