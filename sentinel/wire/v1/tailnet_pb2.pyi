import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Presence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENCE_UNSPECIFIED: _ClassVar[Presence]
    PRESENCE_ONLINE: _ClassVar[Presence]
    PRESENCE_OFFLINE: _ClassVar[Presence]
PRESENCE_UNSPECIFIED: Presence
PRESENCE_ONLINE: Presence
PRESENCE_OFFLINE: Presence

class Node(_message.Message):
    __slots__ = ("stable_id", "name", "user_id", "sharer_id", "tags", "addresses", "allowed_ips", "primary_routes", "presence", "last_seen", "created", "key_expiry", "expired", "node_key", "machine_key", "machine_authorized", "key_signed", "unsigned_peer_api_only", "wireguard_only", "jailed", "capability_version", "capabilities", "exit_node_dns_resolvers", "masquerade_v4", "masquerade_v6", "hostinfo")
    STABLE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SHARER_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_IPS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_ROUTES_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    KEY_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    NODE_KEY_FIELD_NUMBER: _ClassVar[int]
    MACHINE_KEY_FIELD_NUMBER: _ClassVar[int]
    MACHINE_AUTHORIZED_FIELD_NUMBER: _ClassVar[int]
    KEY_SIGNED_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_PEER_API_ONLY_FIELD_NUMBER: _ClassVar[int]
    WIREGUARD_ONLY_FIELD_NUMBER: _ClassVar[int]
    JAILED_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    EXIT_NODE_DNS_RESOLVERS_FIELD_NUMBER: _ClassVar[int]
    MASQUERADE_V4_FIELD_NUMBER: _ClassVar[int]
    MASQUERADE_V6_FIELD_NUMBER: _ClassVar[int]
    HOSTINFO_FIELD_NUMBER: _ClassVar[int]
    stable_id: str
    name: str
    user_id: int
    sharer_id: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    allowed_ips: _containers.RepeatedScalarFieldContainer[str]
    primary_routes: _containers.RepeatedScalarFieldContainer[str]
    presence: Presence
    last_seen: _timestamp_pb2.Timestamp
    created: _timestamp_pb2.Timestamp
    key_expiry: _timestamp_pb2.Timestamp
    expired: bool
    node_key: str
    machine_key: str
    machine_authorized: bool
    key_signed: bool
    unsigned_peer_api_only: bool
    wireguard_only: bool
    jailed: bool
    capability_version: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    exit_node_dns_resolvers: _containers.RepeatedScalarFieldContainer[str]
    masquerade_v4: str
    masquerade_v6: str
    hostinfo: Hostinfo
    def __init__(self, stable_id: _Optional[str] = ..., name: _Optional[str] = ..., user_id: _Optional[int] = ..., sharer_id: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., addresses: _Optional[_Iterable[str]] = ..., allowed_ips: _Optional[_Iterable[str]] = ..., primary_routes: _Optional[_Iterable[str]] = ..., presence: _Optional[_Union[Presence, str]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., key_expiry: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expired: _Optional[bool] = ..., node_key: _Optional[str] = ..., machine_key: _Optional[str] = ..., machine_authorized: _Optional[bool] = ..., key_signed: _Optional[bool] = ..., unsigned_peer_api_only: _Optional[bool] = ..., wireguard_only: _Optional[bool] = ..., jailed: _Optional[bool] = ..., capability_version: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., exit_node_dns_resolvers: _Optional[_Iterable[str]] = ..., masquerade_v4: _Optional[str] = ..., masquerade_v6: _Optional[str] = ..., hostinfo: _Optional[_Union[Hostinfo, _Mapping]] = ...) -> None: ...

class Hostinfo(_message.Message):
    __slots__ = ("os", "os_version", "distro", "distro_version", "distro_code_name", "client_version", "hostname", "device_model", "package", "app", "machine", "environment", "container", "cloud", "ssh_host_keys", "routable_ips", "request_tags", "shields_up", "no_logs_no_support", "allows_update", "app_connector", "peer_relay", "exit_node_id", "remote_config", "ingress_enabled", "wire_ingress", "sharee_node", "location", "tpm", "state_encrypted", "userspace", "userspace_router")
    OS_FIELD_NUMBER: _ClassVar[int]
    OS_VERSION_FIELD_NUMBER: _ClassVar[int]
    DISTRO_FIELD_NUMBER: _ClassVar[int]
    DISTRO_VERSION_FIELD_NUMBER: _ClassVar[int]
    DISTRO_CODE_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_MODEL_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_FIELD_NUMBER: _ClassVar[int]
    CLOUD_FIELD_NUMBER: _ClassVar[int]
    SSH_HOST_KEYS_FIELD_NUMBER: _ClassVar[int]
    ROUTABLE_IPS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TAGS_FIELD_NUMBER: _ClassVar[int]
    SHIELDS_UP_FIELD_NUMBER: _ClassVar[int]
    NO_LOGS_NO_SUPPORT_FIELD_NUMBER: _ClassVar[int]
    ALLOWS_UPDATE_FIELD_NUMBER: _ClassVar[int]
    APP_CONNECTOR_FIELD_NUMBER: _ClassVar[int]
    PEER_RELAY_FIELD_NUMBER: _ClassVar[int]
    EXIT_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    REMOTE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    INGRESS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    WIRE_INGRESS_FIELD_NUMBER: _ClassVar[int]
    SHAREE_NODE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TPM_FIELD_NUMBER: _ClassVar[int]
    STATE_ENCRYPTED_FIELD_NUMBER: _ClassVar[int]
    USERSPACE_FIELD_NUMBER: _ClassVar[int]
    USERSPACE_ROUTER_FIELD_NUMBER: _ClassVar[int]
    os: str
    os_version: str
    distro: str
    distro_version: str
    distro_code_name: str
    client_version: str
    hostname: str
    device_model: str
    package: str
    app: str
    machine: str
    environment: str
    container: bool
    cloud: str
    ssh_host_keys: _containers.RepeatedScalarFieldContainer[str]
    routable_ips: _containers.RepeatedScalarFieldContainer[str]
    request_tags: _containers.RepeatedScalarFieldContainer[str]
    shields_up: bool
    no_logs_no_support: bool
    allows_update: bool
    app_connector: bool
    peer_relay: bool
    exit_node_id: str
    remote_config: bool
    ingress_enabled: bool
    wire_ingress: bool
    sharee_node: bool
    location: Location
    tpm: bool
    state_encrypted: bool
    userspace: bool
    userspace_router: bool
    def __init__(self, os: _Optional[str] = ..., os_version: _Optional[str] = ..., distro: _Optional[str] = ..., distro_version: _Optional[str] = ..., distro_code_name: _Optional[str] = ..., client_version: _Optional[str] = ..., hostname: _Optional[str] = ..., device_model: _Optional[str] = ..., package: _Optional[str] = ..., app: _Optional[str] = ..., machine: _Optional[str] = ..., environment: _Optional[str] = ..., container: _Optional[bool] = ..., cloud: _Optional[str] = ..., ssh_host_keys: _Optional[_Iterable[str]] = ..., routable_ips: _Optional[_Iterable[str]] = ..., request_tags: _Optional[_Iterable[str]] = ..., shields_up: _Optional[bool] = ..., no_logs_no_support: _Optional[bool] = ..., allows_update: _Optional[bool] = ..., app_connector: _Optional[bool] = ..., peer_relay: _Optional[bool] = ..., exit_node_id: _Optional[str] = ..., remote_config: _Optional[bool] = ..., ingress_enabled: _Optional[bool] = ..., wire_ingress: _Optional[bool] = ..., sharee_node: _Optional[bool] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., tpm: _Optional[bool] = ..., state_encrypted: _Optional[bool] = ..., userspace: _Optional[bool] = ..., userspace_router: _Optional[bool] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("country", "country_code", "city", "city_code", "priority")
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_CODE_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    CITY_CODE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    country: str
    country_code: str
    city: str
    city_code: str
    priority: int
    def __init__(self, country: _Optional[str] = ..., country_code: _Optional[str] = ..., city: _Optional[str] = ..., city_code: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class UserProfile(_message.Message):
    __slots__ = ("user_id", "login_name", "display_name")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LOGIN_NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    login_name: str
    display_name: str
    def __init__(self, user_id: _Optional[int] = ..., login_name: _Optional[str] = ..., display_name: _Optional[str] = ...) -> None: ...

class SelfNode(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: Node
    def __init__(self, node: _Optional[_Union[Node, _Mapping]] = ...) -> None: ...

class Daemon(_message.Message):
    __slots__ = ("state", "tailscale_version", "error")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TAILSCALE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    state: str
    tailscale_version: str
    error: str
    def __init__(self, state: _Optional[str] = ..., tailscale_version: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class Prefs(_message.Message):
    __slots__ = ("want_running", "logged_out", "exit_node_id", "exit_node_ip", "auto_exit_node", "exit_node_allow_lan_access", "route_all", "corp_dns", "shields_up", "run_ssh", "run_web_client", "advertise_routes", "advertise_tags", "advertise_services", "hostname", "control_url", "auto_update", "app_connector", "posture_checking", "remote_config", "relay_server_port")
    WANT_RUNNING_FIELD_NUMBER: _ClassVar[int]
    LOGGED_OUT_FIELD_NUMBER: _ClassVar[int]
    EXIT_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    EXIT_NODE_IP_FIELD_NUMBER: _ClassVar[int]
    AUTO_EXIT_NODE_FIELD_NUMBER: _ClassVar[int]
    EXIT_NODE_ALLOW_LAN_ACCESS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_ALL_FIELD_NUMBER: _ClassVar[int]
    CORP_DNS_FIELD_NUMBER: _ClassVar[int]
    SHIELDS_UP_FIELD_NUMBER: _ClassVar[int]
    RUN_SSH_FIELD_NUMBER: _ClassVar[int]
    RUN_WEB_CLIENT_FIELD_NUMBER: _ClassVar[int]
    ADVERTISE_ROUTES_FIELD_NUMBER: _ClassVar[int]
    ADVERTISE_TAGS_FIELD_NUMBER: _ClassVar[int]
    ADVERTISE_SERVICES_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    CONTROL_URL_FIELD_NUMBER: _ClassVar[int]
    AUTO_UPDATE_FIELD_NUMBER: _ClassVar[int]
    APP_CONNECTOR_FIELD_NUMBER: _ClassVar[int]
    POSTURE_CHECKING_FIELD_NUMBER: _ClassVar[int]
    REMOTE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    RELAY_SERVER_PORT_FIELD_NUMBER: _ClassVar[int]
    want_running: bool
    logged_out: bool
    exit_node_id: str
    exit_node_ip: str
    auto_exit_node: str
    exit_node_allow_lan_access: bool
    route_all: bool
    corp_dns: bool
    shields_up: bool
    run_ssh: bool
    run_web_client: bool
    advertise_routes: _containers.RepeatedScalarFieldContainer[str]
    advertise_tags: _containers.RepeatedScalarFieldContainer[str]
    advertise_services: _containers.RepeatedScalarFieldContainer[str]
    hostname: str
    control_url: str
    auto_update: bool
    app_connector: bool
    posture_checking: bool
    remote_config: bool
    relay_server_port: int
    def __init__(self, want_running: _Optional[bool] = ..., logged_out: _Optional[bool] = ..., exit_node_id: _Optional[str] = ..., exit_node_ip: _Optional[str] = ..., auto_exit_node: _Optional[str] = ..., exit_node_allow_lan_access: _Optional[bool] = ..., route_all: _Optional[bool] = ..., corp_dns: _Optional[bool] = ..., shields_up: _Optional[bool] = ..., run_ssh: _Optional[bool] = ..., run_web_client: _Optional[bool] = ..., advertise_routes: _Optional[_Iterable[str]] = ..., advertise_tags: _Optional[_Iterable[str]] = ..., advertise_services: _Optional[_Iterable[str]] = ..., hostname: _Optional[str] = ..., control_url: _Optional[str] = ..., auto_update: _Optional[bool] = ..., app_connector: _Optional[bool] = ..., posture_checking: _Optional[bool] = ..., remote_config: _Optional[bool] = ..., relay_server_port: _Optional[int] = ...) -> None: ...

class Health(_message.Message):
    __slots__ = ("warnings",)
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    warnings: _containers.RepeatedCompositeFieldContainer[HealthWarning]
    def __init__(self, warnings: _Optional[_Iterable[_Union[HealthWarning, _Mapping]]] = ...) -> None: ...

class HealthWarning(_message.Message):
    __slots__ = ("code", "severity", "title", "text", "broken_since", "impacts_connectivity", "etag")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BROKEN_SINCE_FIELD_NUMBER: _ClassVar[int]
    IMPACTS_CONNECTIVITY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    code: str
    severity: str
    title: str
    text: str
    broken_since: _timestamp_pb2.Timestamp
    impacts_connectivity: bool
    etag: str
    def __init__(self, code: _Optional[str] = ..., severity: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., broken_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., impacts_connectivity: _Optional[bool] = ..., etag: _Optional[str] = ...) -> None: ...

class Tailnet(_message.Message):
    __slots__ = ("domain", "magic_dns_suffix", "magic_dns_enabled", "lock_enabled", "lock_filtered")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    MAGIC_DNS_SUFFIX_FIELD_NUMBER: _ClassVar[int]
    MAGIC_DNS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    LOCK_ENABLED_FIELD_NUMBER: _ClassVar[int]
    LOCK_FILTERED_FIELD_NUMBER: _ClassVar[int]
    domain: str
    magic_dns_suffix: str
    magic_dns_enabled: bool
    lock_enabled: bool
    lock_filtered: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, domain: _Optional[str] = ..., magic_dns_suffix: _Optional[str] = ..., magic_dns_enabled: _Optional[bool] = ..., lock_enabled: _Optional[bool] = ..., lock_filtered: _Optional[_Iterable[str]] = ...) -> None: ...
