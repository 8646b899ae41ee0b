import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "started_at", "ledger_id", "store_path", "events", "sources", "sinks", "troubles", "last_words", "warnings")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    LEDGER_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_PATH_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    SINKS_FIELD_NUMBER: _ClassVar[int]
    TROUBLES_FIELD_NUMBER: _ClassVar[int]
    LAST_WORDS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    version: str
    started_at: _timestamp_pb2.Timestamp
    ledger_id: str
    store_path: str
    events: int
    sources: _containers.RepeatedCompositeFieldContainer[SourceStatus]
    sinks: _containers.RepeatedCompositeFieldContainer[SinkStatus]
    troubles: _containers.RepeatedScalarFieldContainer[str]
    last_words: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ledger_id: _Optional[str] = ..., store_path: _Optional[str] = ..., events: _Optional[int] = ..., sources: _Optional[_Iterable[_Union[SourceStatus, _Mapping]]] = ..., sinks: _Optional[_Iterable[_Union[SinkStatus, _Mapping]]] = ..., troubles: _Optional[_Iterable[str]] = ..., last_words: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class SourceStatus(_message.Message):
    __slots__ = ("name", "kind", "sight", "reason", "since", "subjects", "network", "edge", "last_frame_at", "last_heard_at", "login_url", "rejected", "own_variables")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIGHT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    EDGE_FIELD_NUMBER: _ClassVar[int]
    LAST_FRAME_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARD_AT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_URL_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    OWN_VARIABLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    sight: str
    reason: str
    since: _timestamp_pb2.Timestamp
    subjects: int
    network: str
    edge: str
    last_frame_at: _timestamp_pb2.Timestamp
    last_heard_at: _timestamp_pb2.Timestamp
    login_url: str
    rejected: int
    own_variables: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., sight: _Optional[str] = ..., reason: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., subjects: _Optional[int] = ..., network: _Optional[str] = ..., edge: _Optional[str] = ..., last_frame_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_heard_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., login_url: _Optional[str] = ..., rejected: _Optional[int] = ..., own_variables: _Optional[_Iterable[str]] = ...) -> None: ...

class SinkStatus(_message.Message):
    __slots__ = ("name", "type", "pending", "delivered", "dead", "held", "last_error", "absorbed", "purged")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_FIELD_NUMBER: _ClassVar[int]
    PURGED_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    pending: int
    delivered: int
    dead: int
    held: int
    last_error: str
    absorbed: int
    purged: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., pending: _Optional[int] = ..., delivered: _Optional[int] = ..., dead: _Optional[int] = ..., held: _Optional[int] = ..., last_error: _Optional[str] = ..., absorbed: _Optional[int] = ..., purged: _Optional[int] = ...) -> None: ...

class ReloadRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadResponse(_message.Message):
    __slots__ = ("faults", "taken", "restarted", "waiting", "remarks")
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    RESTARTED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    faults: _containers.RepeatedScalarFieldContainer[str]
    taken: _containers.RepeatedScalarFieldContainer[str]
    restarted: _containers.RepeatedScalarFieldContainer[str]
    waiting: _containers.RepeatedScalarFieldContainer[str]
    remarks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, faults: _Optional[_Iterable[str]] = ..., taken: _Optional[_Iterable[str]] = ..., restarted: _Optional[_Iterable[str]] = ..., waiting: _Optional[_Iterable[str]] = ..., remarks: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSubjectsRequest(_message.Message):
    __slots__ = ("names", "tags", "owners", "systems", "states", "detailed", "types")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    DETAILED_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    owners: _containers.RepeatedScalarFieldContainer[str]
    systems: _containers.RepeatedScalarFieldContainer[str]
    states: _containers.RepeatedScalarFieldContainer[str]
    detailed: bool
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., owners: _Optional[_Iterable[str]] = ..., systems: _Optional[_Iterable[str]] = ..., states: _Optional[_Iterable[str]] = ..., detailed: _Optional[bool] = ..., types: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSubjectsResponse(_message.Message):
    __slots__ = ("subjects", "table")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[Subject]
    table: SubjectTable
    def __init__(self, subjects: _Optional[_Iterable[_Union[Subject, _Mapping]]] = ..., table: _Optional[_Union[SubjectTable, _Mapping]] = ...) -> None: ...

class SubjectTable(_message.Message):
    __slots__ = ("sources", "subject_types", "subject_ids", "names", "states", "since_us", "revisions", "columns")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_TYPES_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_IDS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedScalarFieldContainer[str]
    subject_types: _containers.RepeatedScalarFieldContainer[str]
    subject_ids: _containers.RepeatedScalarFieldContainer[str]
    names: _containers.RepeatedScalarFieldContainer[str]
    states: _containers.RepeatedScalarFieldContainer[str]
    since_us: _containers.RepeatedScalarFieldContainer[int]
    revisions: _containers.RepeatedScalarFieldContainer[int]
    columns: _containers.RepeatedCompositeFieldContainer[SubjectColumn]
    def __init__(self, sources: _Optional[_Iterable[str]] = ..., subject_types: _Optional[_Iterable[str]] = ..., subject_ids: _Optional[_Iterable[str]] = ..., names: _Optional[_Iterable[str]] = ..., states: _Optional[_Iterable[str]] = ..., since_us: _Optional[_Iterable[int]] = ..., revisions: _Optional[_Iterable[int]] = ..., columns: _Optional[_Iterable[_Union[SubjectColumn, _Mapping]]] = ...) -> None: ...

class SubjectColumn(_message.Message):
    __slots__ = ("title", "cells")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    title: str
    cells: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, title: _Optional[str] = ..., cells: _Optional[_Iterable[str]] = ...) -> None: ...

class Subject(_message.Message):
    __slots__ = ("source", "subject_type", "subject_id", "name", "state", "since", "revision", "detail_json", "titles", "cells")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DETAIL_JSON_FIELD_NUMBER: _ClassVar[int]
    TITLES_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    source: str
    subject_type: str
    subject_id: str
    name: str
    state: str
    since: _timestamp_pb2.Timestamp
    revision: int
    detail_json: bytes
    titles: _containers.RepeatedScalarFieldContainer[str]
    cells: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, source: _Optional[str] = ..., subject_type: _Optional[str] = ..., subject_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ..., detail_json: _Optional[bytes] = ..., titles: _Optional[_Iterable[str]] = ..., cells: _Optional[_Iterable[str]] = ...) -> None: ...

class ListEventsRequest(_message.Message):
    __slots__ = ("limit", "follow", "types", "severities", "subject", "sink", "since")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    SEVERITIES_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    limit: int
    follow: bool
    types: _containers.RepeatedScalarFieldContainer[str]
    severities: _containers.RepeatedScalarFieldContainer[str]
    subject: str
    sink: str
    since: _timestamp_pb2.Timestamp
    def __init__(self, limit: _Optional[int] = ..., follow: _Optional[bool] = ..., types: _Optional[_Iterable[str]] = ..., severities: _Optional[_Iterable[str]] = ..., subject: _Optional[str] = ..., sink: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("event_json", "outcomes", "text")
    EVENT_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    event_json: bytes
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    text: str
    def __init__(self, event_json: _Optional[bytes] = ..., outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ..., text: _Optional[str] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("sink", "state", "message", "until", "why", "route", "fallback_for")
    SINK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FOR_FIELD_NUMBER: _ClassVar[int]
    sink: str
    state: str
    message: str
    until: _timestamp_pb2.Timestamp
    why: str
    route: str
    fallback_for: str
    def __init__(self, sink: _Optional[str] = ..., state: _Optional[str] = ..., message: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., why: _Optional[str] = ..., route: _Optional[str] = ..., fallback_for: _Optional[str] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("about",)
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    about: str
    def __init__(self, about: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("event", "subjects")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    event: ExplainedEvent
    subjects: _containers.RepeatedCompositeFieldContainer[ExplainedSubject]
    def __init__(self, event: _Optional[_Union[ExplainedEvent, _Mapping]] = ..., subjects: _Optional[_Iterable[_Union[ExplainedSubject, _Mapping]]] = ...) -> None: ...

class ExplainedEvent(_message.Message):
    __slots__ = ("event", "routes")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    event: ListEventsResponse
    routes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event: _Optional[_Union[ListEventsResponse, _Mapping]] = ..., routes: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainedSubject(_message.Message):
    __slots__ = ("subject", "problems", "events")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    subject: Subject
    problems: _containers.RepeatedCompositeFieldContainer[OpenProblem]
    events: _containers.RepeatedCompositeFieldContainer[ListEventsResponse]
    def __init__(self, subject: _Optional[_Union[Subject, _Mapping]] = ..., problems: _Optional[_Iterable[_Union[OpenProblem, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[ListEventsResponse, _Mapping]]] = ...) -> None: ...

class OpenProblem(_message.Message):
    __slots__ = ("sink", "event_id", "text", "since", "route")
    SINK_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    sink: str
    event_id: str
    text: str
    since: _timestamp_pb2.Timestamp
    route: str
    def __init__(self, sink: _Optional[str] = ..., event_id: _Optional[str] = ..., text: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., route: _Optional[str] = ...) -> None: ...

class ListDeliveriesRequest(_message.Message):
    __slots__ = ("sink", "state", "limit", "ids")
    SINK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    sink: str
    state: str
    limit: int
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sink: _Optional[str] = ..., state: _Optional[str] = ..., limit: _Optional[int] = ..., ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ListDeliveriesResponse(_message.Message):
    __slots__ = ("id", "sink", "state", "key", "created_at", "attempt", "next_try", "settled_at", "error", "absorbed_by", "absorbed", "event_json", "text", "fallback_for")
    ID_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_FIELD_NUMBER: _ClassVar[int]
    SETTLED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_BY_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_FIELD_NUMBER: _ClassVar[int]
    EVENT_JSON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FOR_FIELD_NUMBER: _ClassVar[int]
    id: int
    sink: str
    state: str
    key: str
    created_at: _timestamp_pb2.Timestamp
    attempt: int
    next_try: _timestamp_pb2.Timestamp
    settled_at: _timestamp_pb2.Timestamp
    error: str
    absorbed_by: int
    absorbed: int
    event_json: bytes
    text: str
    fallback_for: str
    def __init__(self, id: _Optional[int] = ..., sink: _Optional[str] = ..., state: _Optional[str] = ..., key: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., next_try: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[str] = ..., absorbed_by: _Optional[int] = ..., absorbed: _Optional[int] = ..., event_json: _Optional[bytes] = ..., text: _Optional[str] = ..., fallback_for: _Optional[str] = ...) -> None: ...

class ReplayDeliveriesRequest(_message.Message):
    __slots__ = ("sink", "ids", "to")
    SINK_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    sink: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    to: str
    def __init__(self, sink: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ..., to: _Optional[str] = ...) -> None: ...

class ReplayDeliveriesResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class PurgeDeliveriesRequest(_message.Message):
    __slots__ = ("sink", "ids")
    SINK_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    sink: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sink: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ...) -> None: ...

class PurgeDeliveriesResponse(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...
