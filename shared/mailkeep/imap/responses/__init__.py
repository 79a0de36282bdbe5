"""What a server says, as frozen values that encode themselves (RFC 9051 section 7): one file a family."""

from __future__ import annotations

from mailkeep.imap.responses.fetch import FetchData, GenUrlAuthData, UrlFetchData
from mailkeep.imap.responses.mailbox import (
    Count,
    CountData,
    FlagsData,
    ListData,
    NamespaceData,
    NamespaceEntry,
    StatusData,
    VanishedData,
)
from mailkeep.imap.responses.search import EsearchData, SearchData
from mailkeep.imap.responses.session import CapabilityData, EnabledData, IdData
from mailkeep.imap.responses.sharing import (
    AclData,
    ListRightsData,
    MetadataChanged,
    MetadataData,
    MyRightsData,
    QuotaData,
    QuotaResource,
    QuotaRootData,
)
from mailkeep.imap.responses.status import (
    Condition,
    Continuation,
    StatusResponse,
    bye,
    continuation,
    resp_text,
    tagged,
    untagged_ok,
)
from mailkeep.imap.thread_data import ThreadData

__all__ = [
    "AclData",
    "CapabilityData",
    "Condition",
    "Continuation",
    "Count",
    "CountData",
    "EnabledData",
    "EsearchData",
    "FetchData",
    "FlagsData",
    "GenUrlAuthData",
    "IdData",
    "ListData",
    "ListRightsData",
    "MetadataChanged",
    "MetadataData",
    "MyRightsData",
    "NamespaceData",
    "NamespaceEntry",
    "QuotaData",
    "QuotaResource",
    "QuotaRootData",
    "Response",
    "SearchData",
    "StatusData",
    "StatusResponse",
    "UrlFetchData",
    "VanishedData",
    "bye",
    "continuation",
    "resp_text",
    "tagged",
    "untagged_ok",
]

Response = (
    StatusResponse
    | Continuation
    | CapabilityData
    | EnabledData
    | IdData
    | FlagsData
    | CountData
    | VanishedData
    | ListData
    | StatusData
    | NamespaceData
    | AclData
    | ListRightsData
    | MyRightsData
    | MetadataData
    | MetadataChanged
    | QuotaData
    | QuotaRootData
    | SearchData
    | EsearchData
    | ThreadData
    | GenUrlAuthData
    | UrlFetchData
    | FetchData
)
